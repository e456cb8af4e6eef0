#!/usr/bin/env bash
# Images of 16 bits in PNG files, opened by FermiViewer.
#
# Expected: the counts that are in the file, as Pillow and imageio return them and FermiViewer itself from a TIFF
# file.
# Seen with fermiviewer 0.10.1 and Pillow 13.0.0: it converts images of 16 bits to colours of 8 bits, for which Pillow
# cuts off everything above 255. Columns of 500 and 1000 counts are both flat discs of 255, without a warning, and
# what its fit makes of these turns the order round: 475 counts for the columns of 500, 308 counts for those of 1000.
# Felt as: heavy columns that are dimmer than light ones in PNG files, and brighter in TIFF files.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install fermiviewer==0.10.1 pillow==13.0.0 imageio==2.38.1 numpy==2.4.6 scipy==1.17.1 \
  tifffile==2026.3.3
cd "$folder"
export HOME="$folder"
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import fermiviewer.api as fv
import imageio.v3 as iio
import numpy as np
import tifffile
from PIL import Image

SHAPE, PERIOD, SIGMA = (200, 300), 20, 3
y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
image = np.full(SHAPE, 50.0)
for i, row in enumerate(range(10, SHAPE[0], PERIOD)):
    for j, column in enumerate(range(10, SHAPE[1], PERIOD)):
        peak = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * SIGMA**2))
        image += (1000 if (i + j) % 2 else 500) * peak
counts = np.random.default_rng(0).poisson(image).astype(np.uint16)
Image.fromarray(counts).save("image.png")
tifffile.imwrite("image.tif", counts)
assert (np.array(Image.open("image.png")) == counts).all() and (iio.imread("image.png") == counts).all()


def opened(name):
    """Return the largest value of an image, and the fitted height of its columns of 500 and of 1000 counts."""
    result = fv.open(name)
    found = {output["name"]: output["data"] for output in result.atoms().value["outputs"]}
    at_x, at_y, height = np.array(found["columns"]["rows"], float).T
    sites = np.rint((at_x - 11) / PERIOD) + np.rint((at_y - 11) / PERIOD)
    heights = [np.median(height[sites % 2 == part]) for part in (0, 1)]
    return result.image_stats().value["max"], *heights


for name in ("image.tif", "image.png"):
    largest, dim, bright = opened(name)
    print(f"{name}: largest value {largest:.0f} of {counts.max()}, columns of {dim:.0f} and {bright:.0f} counts")
    if name == "image.tif":
        assert largest == counts.max() and abs(dim - 500) < 15 and abs(bright - 1000) < 15, "changed"
    else:
        assert largest == 255 and bright < 0.8 * dim and dim < 500, "changed"
print("as stated")
PY
