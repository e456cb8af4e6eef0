#!/usr/bin/env bash
# Curvature (strain gradient) of atom planes that are a sine wave, by TEMUL's calculate_atom_plane_curvature.
#
# Expected: planes y = 2 px sin(2 pi x / 200 px) have a curvature of up to 0.0020 per px, 0.099 per nm with 0.02 nm per px.
# Seen with temul-toolkit 0.1.9: the fit of each plane is right to 1 %, but its second derivative is a difference of three
# values at a distance of 1e-6 px, divided by 1e-12: the rounding of y, some 1e-13 px, is most of the result. The
# curvature of all planes has a root mean square of 0.06 per px instead of 0.0014, its correlation with the true one
# is below 0.3, and it grows with the row: the error is six times as large at the bottom of the image as at the
# top. With a pixel size the values are multiplied by it, where 1/nm asks for a division: stated per nm, they are
# 2500 times smaller than they would be. Felt as: a map of curvature that is noise of a plausible size, and strain
# gradients at a wall or dislocation that are rounding errors of its place in the image.
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
import temul.topotem.lattice_structure_tools as tools

HEIGHT, WAVE, PIXEL = 2.0, 200.0, 0.02
columns = np.array([(x, y) for y in range(20, 1000, 20) for x in range(10, 400, 10)], float)
columns[:, 1] += HEIGHT * np.sin(2 * np.pi * columns[:, 0] / WAVE)
columns += np.random.default_rng(0).normal(0, 0.02, columns.shape)
sublattice = am.Sublattice(columns, image=np.zeros((1020, 410)))
sublattice.construct_zone_axes(atom_plane_tolerance=1)
index = int(np.abs(np.array(sublattice.zones_axis_average_distances)[:, 1]).argmin())


def curvature(**options):
    """Return place and curvature as given to the map, and the fitted heights and wavelengths."""
    given = []
    take = sublattice.get_property_map
    sublattice.get_property_map = lambda x, y, z, **rest: given.append((x, y, z)) or take(x, y, z, **rest)
    start = [HEIGHT, 1.0, WAVE, 500.0]
    _, fits = tools.calculate_atom_plane_curvature(
        sublattice, index, return_fits=True, p0=start, **options
    )
    sublattice.get_property_map = take
    return *np.array(given[0]), np.array(fits)[:, [0, 2]]


x, y, found, fits = curvature()
_, _, per_nm, _ = curvature(sampling=PIXEL, units="nm")
true = -HEIGHT * (2 * np.pi / WAVE) ** 2 * np.sin(2 * np.pi * x / WAVE)
worst = np.abs(fits / (HEIGHT, WAVE) - 1).max()
rms = np.sqrt(np.mean(found**2)), np.sqrt(np.mean(true**2))
likeness = np.corrcoef(found, true)[0, 1]
top, bottom = (np.sqrt(np.mean((found - true)[place] ** 2)) for place in (y < 200, y > 800))
print(f"{len(fits)} planes, fitted to {worst:.1%}; curvature per px: {rms[0]:.4f}, true {rms[1]:.4f} (root mean square)")
print(f"correlation with the true curvature: {likeness:.2f}; error at the top {top:.3f}, at the bottom {bottom:.3f}")
ratio = per_nm.std() / found.std()
print(f"with a pixel size of {PIXEL} nm the values are {ratio:.2f} times as large; per nm: {1 / PIXEL:.0f} times")
assert worst < 0.02 and 10 < rms[0] / rms[1] < 200 and abs(likeness) < 0.3, "changed"
assert bottom > 2 * top and np.isclose(ratio, PIXEL), "changed"
print("as stated")
PY
