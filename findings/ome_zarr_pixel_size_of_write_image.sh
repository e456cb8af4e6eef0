#!/usr/bin/env bash
# The pixel size of an image written by ome-zarr, by the arguments that its versions take.
#
# Expected: write_image with the unit in its axes, [{"name": "y", "type": "space", "unit":
# "nanometer"}, ...], and a scale of 0.02 stores 0.02 nm per pixel, as such calls have done, or says
# that it does not.
# Seen with ome-zarr 0.18.0, which pip resolves: the units in axes are dropped without a word, and
# coordinate_transformations are dropped, too: the scale stored is 1. The one warning states that
# the argument "will be removed in a future version". Only the new arguments scale and axes_units
# store the pixel size. Version 0.12.2 is the other way round: it stores those of the old arguments, and
# accepts scale and axes_units without using them. Felt as: an image of 0.02 nm per pixel, written by a
# script that worked, has pixels of 1 without a unit, and the same script loses the size after a
# change of the version in either direction.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
cat > write.py <<'PY'
import shutil
import sys
import warnings
from importlib.metadata import version

import numpy as np
import zarr
from ome_zarr.writer import write_image

AXES = [{"name": name, "type": "space", "unit": "nanometer"} for name in "yx"]
TRANSFORM = [[{"type": "scale", "scale": [0.02, 0.02]}]]
CALLS = {
    "old": {"axes": AXES, "coordinate_transformations": TRANSFORM},
    "new": {
        "axes": "yx",
        "scale": {"y": 0.02, "x": 0.02},
        "axes_units": {"y": "nanometer", "x": "nanometer"},
    },
}


def stored(arguments):
    """Return scale and unit of the x axis in a file, and the warnings."""
    shutil.rmtree("image.zarr", ignore_errors=True)
    group = zarr.open_group("image.zarr", mode="w")
    image = np.zeros((64, 80), np.uint16)
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        one_level = {"scaler": None} if version("ome-zarr") == "0.12.2" else {"scale_factors": [2]}
        write_image(image, group, **arguments, **one_level)
    attributes = dict(zarr.open_group("image.zarr", mode="r").attrs)
    described = attributes.get("ome", attributes)["multiscales"][0]
    transforms = described["datasets"][0]["coordinateTransformations"]
    scale = next(each["scale"][-1] for each in transforms if each["type"] == "scale")
    texts = [str(each.message) for each in given if "coordinate_transf" in str(each.message)]
    return scale, described["axes"][-1].get("unit"), texts


found = {name: stored(arguments) for name, arguments in CALLS.items()}
print("ome-zarr", version("ome-zarr"), found)
right, lost = (0.02, "nanometer"), (1.0, None)
expected = {"0.18.0": (lost, right), "0.12.2": (right, lost)}[version("ome-zarr")]
assert (found["old"][:2], found["new"][:2]) == expected, "changed"
assert all("will be removed in a future version" in text for text in found["old"][2])
PY
for version in 0.18.0 0.12.2; do
  "$folder/venv/bin/pip" -q install ome-zarr==$version zarr==3.1.6 numpy==2.4.6
  "$folder/venv/bin/python" write.py 2> errors || { cat errors; exit 1; }
done
echo "as stated"
