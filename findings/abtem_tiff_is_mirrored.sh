#!/usr/bin/env bash
# A simulated image that abTEM saves as TIFF, beside the same image as abTEM itself shows it.
#
# Expected: Images.to_tiff and Images.to_hyperspy give other programs the same picture, with the
# pixel size that both know.
# Seen with abTEM 1.0.11: its arrays have x first. to_hyperspy turns them, so that y points down
# the rows; to_tiff writes them as they are, so that programs show x down: the image is mirrored at
# its diagonal. The sampling is written as JSON into the description, which none of them reads; the
# scale found by RosettaSciIO is 1 without a unit. Felt as: the simulated twin or chiral defect that
# was opened beside the micrograph is the other one, and no rotation makes them agree.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install abtem==1.0.11 hyperspy==2.5.0 rosettasciio==0.15.0 \
  tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
import tifffile
from abtem.measurements import Images
from rsciio.tiff import file_reader

# Bright along x, as abTEM counts its axes: 60 px long, 5 px wide.
array = np.zeros((80, 40), np.float32)
array[10:70, 10:15] = 1
images = Images(array, sampling=(0.2, 0.2))
images.to_tiff("image.tif")
shown = images.to_hyperspy().data
written = tifffile.imread("image.tif")
for name, each in (("to_hyperspy", shown), ("to_tiff", written)):
    height, width = (int(np.ptp(places)) + 1 for places in np.nonzero(each))
    print(f"{name}: {each.shape}, the bright line is {height} px high and {width} px wide")
(read,) = file_reader("image.tif")
sizes = [(axis["name"], axis["scale"], axis["units"]) for axis in read["axes"]]
print("RosettaSciIO reads the TIFF with", sizes)
assert shown.shape == (40, 80) and written.shape == (80, 40)
assert np.array_equal(written, shown.T)
assert [axis["scale"] for axis in read["axes"]] == [1.0, 1.0]
print("as stated")
PY
