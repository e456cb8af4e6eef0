#!/usr/bin/env bash
# The pixel size of an image binned by pyTEMlib.
#
# Expected: rebin by 2 gives an image of 0.02 nm per px pixels of 0.04 nm.
# Seen with pyTEMlib 0.2026.6.0: the axes become the pixel number divided by the pixel size, whatever
# the binning: 50 nm per px, the inverse of 0.02, for binning by 2 and by 4. Pixels of 1 nm keep 1 nm.
# Felt as: a field of 2.4 nm is 3 µm wide, and lengths and densities that are computed after it follow.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install pyTEMlib==0.2026.6.0 sidpy==0.12.9 scikit-image==0.26.0 numpy==2.4.6
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" - 2> errors <<'PY' | grep -v "^copied from\|^using generic" || { cat errors; exit 1; }
import numpy as np
import sidpy
from pyTEMlib import image_tools


def binned(size, by):
    """Return shape and pixel size of a binned image of 120 x 120 px of a size in nm."""
    image = sidpy.Dataset.from_array(np.random.default_rng(0).random((120, 120)))
    image.data_type = "image"
    kind = {"units": "nm", "quantity": "distance", "dimension_type": "spatial"}
    for axis, name in ((0, "x"), (1, "y")):
        image.set_dimension(axis, sidpy.Dimension(size * np.arange(120), name=name, **kind))
    result = image_tools.rebin(image, by)
    return result.shape, round(float(result.dim_0.slope), 6), result.dim_0.units


found = {(size, by): binned(size, by) for size in (0.02, 1.0) for by in (2, 4)}
for (size, by), (shape, now, units) in found.items():
    print(f"{size} nm per px, binned by {by}: {shape}, {now} {units} per px")
assert [now for _, now, _ in found.values()] == [50, 50, 1, 1], "changed"
print("as stated")
PY
