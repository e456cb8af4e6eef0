#!/usr/bin/env bash
# Sign of a displacement that Atomap measures, in its list of vectors, in its plot, and in TEMUL's plot of that list.
#
# Expected: columns of sublattice B that are 2 px right of the middle of their cell have (2, 0) in the list that
# get_polarization_from_second_sublattice gives, "the atom shifts from a central position", and an arrow to the right.
# Seen with Atomap 0.4.2 and temul-toolkit 0.1.9: the list says (-2, 0), from the column back to the middle of its cell.
# Atomap's plot subtracts it, and its lines lead from the middle to the column. TEMUL, whose examples take x, y, u and v
# from this list, draws arrows to the left, and its own find_polarisation_vectors from the middle to the column gives
# (2, 0). Felt as: a polarisation or ferroelectric displacement that is turned over, as soon as the list is plotted or
# averaged by anything but Atomap, and opposite signs of one displacement in one notebook.
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
from matplotlib.quiver import Quiver
from scipy.spatial import KDTree

PERIOD, SHIFT = 20.0, np.array([2.0, 0.0])
corners = np.array([(x, y) for y in range(1, 14) for x in range(1, 14)]) * PERIOD
middles = corners[(corners < 13 * PERIOD).all(axis=1)] + PERIOD / 2
columns = middles + SHIFT
image = np.zeros((300, 300))
lattice = am.Sublattice(corners, image=image)
lattice.construct_zone_axes()
measured = lattice.get_polarization_from_second_sublattice(
    *lattice.zones_axis_average_distances[:2], am.Sublattice(columns, image=image)
)
x, y, u, v = np.array(measured.metadata.vector_list).T
assert np.allclose(np.sort(x), np.sort(middles[:, 0])), "places"
listed = np.array([u.mean(), v.mean()])
markers = measured.metadata.Markers
lines = np.array(next(iter(markers.as_dictionary().values()))["kwargs"]["segments"])
drawn = (lines[:, 1] - lines[:, 0]).mean(axis=0)
axes = tml.plot_polarisation_vectors(x, y, u, v, image=image, save=None, plot_style="vector")
arrows = next(each for each in axes.collections if isinstance(each, Quiver))
pointed = np.array([arrows.U.mean(), arrows.V.mean()])
centres = np.column_stack([x, y])
nearest = columns[KDTree(columns).query(centres)[1]]
between = np.mean(tml.find_polarisation_vectors(centres, nearest), axis=1)
for name, vector in (
    ("true displacement", SHIFT),
    ("Atomap's list of vectors", listed),
    ("lines of Atomap's plot", drawn),
    ("arrows of TEMUL's plot of the list", pointed),
    ("TEMUL, from the middle to the column", between),
):
    print(f"{name}: {vector[0] + 0:+.1f}, {vector[1] + 0:+.1f} px")
assert np.allclose([drawn, between], SHIFT) and np.allclose([listed, pointed], -SHIFT), "changed"
print("as stated")
PY
