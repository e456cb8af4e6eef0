#!/usr/bin/env bash
# Direction of the displacement of columns from the straight lines that TEMUL fits through their planes.
#
# Expected: as documented, the vectors (u, v) point from a column to the line halfway between the two fits; in planes whose
# left half is 1 px above that line and whose right half is 1 px below it, they point down on the left and up on the right,
# however the planes lie in the image.
# Seen with temul-toolkit 0.1.9: they do in images in which the planes fall to the right, by 0.3 degrees or by 20; where the planes
# rise to the right they point away from the line, as the arctangent of the slope forgets on which side of the
# line a column is. In planes along the rows the sign of the slope is noise: at 0.05 px of it, about half of the planes
# are turned over, each as a whole. The lengths are right. Felt as: head-to-head for tail-to-tail domain walls after a
# scan that was turned by half a degree, and antiparallel stripes in a crystal that has none.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install temul-toolkit==0.1.9 atomap==0.4.2 hyperspy==2.5.0 numpy==2.4.6
cd "$folder"
export HOME="$folder" MPLBACKEND=agg
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import atomap.api as am
import numpy as np
import temul.api as tml

LENGTH, PLANES, PERIOD = 20, 16, 12.0
cells = np.array([(column, row) for row in range(PLANES) for column in range(LENGTH)]) * PERIOD
left = cells[:, 0] < LENGTH * PERIOD / 2
displaced = cells + np.where(left, -1.0, 1.0)[:, None] * (0, 1)


def directions(degrees):
    """Return the mean vectors of the left and right half of each plane, across the plane, downwards."""
    angle = np.radians(degrees)
    across = np.array([-np.sin(angle), np.cos(angle)])
    turned = 120 + displaced @ np.array([[np.cos(angle), np.sin(angle)], across])
    turned += np.random.default_rng(0).normal(0, 0.05, turned.shape)
    sublattice = am.Sublattice(turned, image=np.zeros((500, 500)))
    sublattice.construct_zone_axes(atom_plane_tolerance=1)
    along = [vector @ across for vector in np.array(sublattice.zones_axis_average_distances)]
    planes = tml.atom_deviation_from_straight_line_fit(
        sublattice, int(np.abs(along).argmin()), n=8, return_individual_atom_planes=True
    )
    vectors = np.stack(planes[2:], axis=-1) @ across
    assert vectors.shape == (PLANES, LENGTH)
    order = np.argsort(planes[0], axis=1)
    vectors = np.take_along_axis(vectors, order, axis=1)
    return vectors[:, :10].mean(axis=1), vectors[:, 10:].mean(axis=1)


share = {}
for degrees in (-20, -0.3, 0, 0.3, 20):
    on_left, on_right = directions(degrees)
    share[degrees] = np.mean((on_left > 0) & (on_right < 0))
    assert np.allclose(np.abs((on_left, on_right)), 1, atol=0.3), "lengths"
    print(
        f"planes turned by {degrees:+.1f} degrees (clockwise): {on_left.mean():+.2f} px on the left, "
        f"{on_right.mean():+.2f} px on the right; {share[degrees]:.0%} of the planes point to the line"
    )
assert share[0.3] == share[20] == 1 and share[-0.3] == share[-20] == 0, "changed"
assert 0.2 < share[0] < 0.8, "changed"
print("as stated")
PY
