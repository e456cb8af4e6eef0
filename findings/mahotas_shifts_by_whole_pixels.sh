#!/usr/bin/env bash
# Columns after a shift by part of a pixel, and after a zoom, by the splines of mahotas.
#
# Expected: a shift of (0.3, -0.3) px moves a column by (0.3, -0.3) px, as SciPy's function of the same name and
# arguments does, and zoomed images are smooth: order=3, the default, is a cubic spline.
# Seen with mahotas 1.4.19: whatever the order, from 0 to 5, each pixel takes the value of one pixel, that of the next
# lower row and column. A shift of (0.3, -0.3) px leaves the rows where they are and moves the columns by a whole pixel:
# of a drift of 0.1 px per frame the corrected movie keeps up to a pixel. A zoom by 2.5 has no value that the
# image had not, apart from its border: blocks of 2 or 3 px, whose centre is 1.25 px up and to the left of where SciPy has
# it. No warning. Felt as: positions of atomic columns that jump by a pixel from frame to frame, and displacements of
# 0.1 px that are 0 or 1 px.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install mahotas==1.4.19 scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import mahotas.interpolate
import numpy as np
import scipy.ndimage

y, x = np.mgrid[:101, :141]
column = np.exp(-((y - 50) ** 2 + (x - 70) ** 2) / 18)


def centre(picture):
    return np.array(scipy.ndimage.center_of_mass(picture))


def moved(package, by, order):
    return (centre(package.shift(column, (by, -by), order=order)) - (50, 70)).round(2) + 0.0


for by in (0.1, 0.3, 0.9, 2.3):
    right = moved(scipy.ndimage, by, 3)
    found = [moved(mahotas.interpolate, by, order) for order in range(6)]
    print(f"shift by ({by}, {-by}) px: SciPy {right}, mahotas {found[3]} with each order")
    assert np.allclose(right, (by, -by), atol=0.01), "changed"
    assert np.allclose(found, (np.floor(by), np.floor(-by)), atol=0.01), "changed"

drift = 0.1 * np.arange(20)
left = [d + centre(mahotas.interpolate.shift(column, (-d, 0)))[0] - 50 for d in drift]
print(f"drift of 0.1 px per frame after the correction: up to {max(np.abs(left)):.1f} px")
assert max(np.abs(left)) > 0.85, "changed"

zoomed = mahotas.interpolate.zoom(column, 2.5, order=1)
new = {
    "mahotas": 1 - np.isin(zoomed, column).mean(),
    "SciPy": 1 - np.isin(scipy.ndimage.zoom(column, 2.5, order=1), column).mean(),
}
print("part of the zoomed image that is between the pixels:", {k: float(round(v, 2)) for k, v in new.items()})
beside = centre(zoomed) - centre(scipy.ndimage.zoom(column, 2.5))
print(f"centre beside that of SciPy: {beside.round(2)} px")
assert new["mahotas"] < 0.02 and new["SciPy"] > 0.9, "changed"
assert np.allclose(beside, -1.25, atol=0.05), "changed"
print("as stated")
PY
