#!/usr/bin/env bash
# Every second pixel, or every second frame, of calibrated data of Nion Swift.
#
# Expected: data[::2, ::2] of an image of 0.02 nm per px has pixels of 0.04 nm, as rebin_factor gives
# them, and every second frame of a movie of 0.5 s per frame is 1 s from the next.
# Seen with niondata 15.9.1: a step divides the calibration, where it should multiply it: 0.01 nm per px and
# 0.25 s per frame. xdata.align, shift, fourier_align and fourier_shift of an image return it without any
# calibration; sequence_align keeps it. Written to DM4 by nionswift-io 15.5.0, RosettaSciIO 0.15.0 reads
# the same 0.01 nm. Felt as: distances a quarter of the true ones and densities of defects 16 times too
# high, in whichever program opens the file.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install niondata==15.9.1 nionswift-io==15.5.0 rosettasciio==0.15.0 \
  numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from nion.data import xdata_1_0 as xdata
from nion.data.Calibration import Calibration
from nion.data.DataAndMetadata import DataDescriptor, new_data_and_metadata
from nionswift_plugin.DM_IO import dm3_image_utils
from rsciio.digitalmicrograph import file_reader

rng = np.random.default_rng(0)
size = [Calibration(0, 0.02, "nm"), Calibration(0, 0.02, "nm")]
image = new_data_and_metadata(rng.random((40, 60)), dimensional_calibrations=size)
movie = new_data_and_metadata(
    rng.random((6, 40, 60)),
    data_descriptor=DataDescriptor(True, 0, 2),
    dimensional_calibrations=[Calibration(0, 0.5, "s"), *size],
)


def about(data):
    """Return shape, and scale and unit of each axis."""
    scales = [(round(each.scale, 6), each.units) for each in data.dimensional_calibrations]
    return data.data_shape, scales


found = {
    "image": about(image),
    "rebin_factor by 2": about(xdata.rebin_factor(image, (2, 2))),
    "[::2, ::2]": about(image[::2, ::2]),
    "align": about(xdata.align(image, image)),
    "movie": about(movie),
    "movie[::2]": about(movie[::2]),
    "sequence_align": about(xdata.sequence_align(movie)),
}
with open("image.dm4", "wb") as file:
    dm3_image_utils.save_image(image[::2, ::2], file, 4)
(read,) = file_reader("image.dm4")
shape = read["data"].shape
found["[::2, ::2], as DM4"] = shape, [(float(a["scale"]), a["units"]) for a in read["axes"]]
for name, (shape, scales) in found.items():
    print(f"{name}: {shape}, {scales}")
second, movie_size = (0.01, "nm"), [(0.5, "s"), (0.02, "nm"), (0.02, "nm")]
assert found["rebin_factor by 2"][1] == [(0.04, "nm")] * 2
assert found["[::2, ::2]"] == found["[::2, ::2], as DM4"] == ((20, 30), [second, second])
assert found["align"][1] == [(1, "")] * 2
assert found["movie[::2]"] == ((3, 40, 60), [(0.25, "s"), *movie_size[1:]])
assert found["sequence_align"][1] == movie_size
print("as stated")
PY
