#!/usr/bin/env bash
# Line profiles with an integration width, of images of integers, by Nion Swift's line_profile (niondata).
#
# Expected: the profile of a uniform image of 100 counts is 100 counts at each width: the sum over the width, with a scale of
# the intensity of one by the width.
# Seen with niondata 15.9.1: the sum has the type of the image and wraps without a warning. In an image of unsigned
# bytes a width of 3 px gives 14.7 counts instead of 100, a width of 10 px 23.2. In 16 bits 10000 counts are 3446 at
# a width of 10 px, and signed ones -3107. The same values as floating-point numbers are right. Bytes of columns of 120
# counts on a background of 60 are 56 at a width of 4 px, darker than the background, which is still right. Along y
# the distance has the pixel size of x: 100 rows of 0.05 nm are 2 nm long if a pixel is 0.02 nm wide. Felt as:
# profiles across a boundary whose peaks are folded down, only where the image is bright and only at some widths.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install niondata==15.9.1 scipy==1.17.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" -W error - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from nion.data import Calibration, Core, DataAndMetadata

HIGH, WIDE = 0.05, 0.02
CALIBRATIONS = [Calibration.Calibration(0, HIGH, "nm"), Calibration.Calibration(0, WIDE, "nm")]
ACROSS, DOWN = ((0.5, 0.1), (0.5, 0.9)), ((0.0, 0.5), (1.0, 0.5))


def profile(image, width, line=ACROSS):
    """Return the calibrated intensities of a line profile and its length."""
    data = DataAndMetadata.new_data_and_metadata(image, dimensional_calibrations=CALIBRATIONS)
    result = Core.function_line_profile(data, line, width)
    counts = result.data * result.intensity_calibration.scale
    return counts, len(result.data) * result.dimensional_calibrations[0].scale


found = {}
for kind, counts in (("uint8", 100), ("uint16", 10000), ("int16", 10000), ("float32", 10000)):
    found[kind] = [float(profile(np.full((100, 120), counts, kind), width)[0][5]) for width in (1, 3, 10)]
    print(f"{counts} counts as {kind}, widths of 1, 3 and 10 px:", np.round(found[kind], 1))
columns = np.tile(np.where(np.arange(120) % 15 < 7, 120, 60), (100, 1)).astype("uint8")
columns[:, 60:67] = 80
line = profile(columns, 4, ((0.5, 0.0), (0.5, 1.0)))[0]
print(f"columns of 120 counts, one of 80, width of 4 px: {line[47]:.0f} and {line[62]:.0f}, between them {line[55]:.0f} (60)")
_, length = profile(columns, 1, DOWN)
print(f"100 rows of {HIGH} nm are {length:.1f} nm long")
assert np.allclose(found["uint8"], (100, 44 / 3, 23.2)) and np.allclose(found["float32"], 10000), "changed"
assert np.allclose(found["uint16"], (10000, 10000, 3446.4)), "changed"
assert np.allclose(found["int16"], (10000, 10000, -3107.2)), "changed"
assert (line[47], line[62], line[55]) == (56, 16, 60) and np.isclose(length, 100 * WIDE), "changed"
print("as stated")
PY
