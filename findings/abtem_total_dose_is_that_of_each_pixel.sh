#!/usr/bin/env bash
# Shot noise of simulated images by abTEM, for a dose in all and for a dose per area.
#
# Expected: an image of which a fifth of the electrons reach the detector has 0.2 million counts in all with a total dose of
# a million electrons, and the same noise with the dose per area that this is.
# Seen with abtem 1.0.11: with dose_per_area the counts are right, whatever the pixel size and after interpolation. With
# total_dose, "per measurement" in the documentation, each pixel gets the whole dose: 10 thousand million counts
# in an image of 200 x 240 px, as many times too many as it has pixels, and the noise is 220 times too weak; after
# interpolation to four times as many pixels, 440 times. No warning. A cropped image does not know where it was, either:
# positions in one that was cut out at (2, 8) angstrom begin at 0.
# Felt as: networks that are trained on images without noise, detection limits of 50 000 times the dose, and
# positions in a cut that are those of other atoms.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install abtem==1.0.11 numpy==2.4.6
cd "$folder"
HOME="$folder" "$folder/venv/bin/python" -W ignore - > output 2> errors <<'PY' || { cat output errors; exit 1; }
import numpy as np
from abtem.measurements import Images

SHAPE, SAMPLING, DOSE = (200, 240), (0.1, 0.2), 1_000_000
x, y = np.mgrid[: SHAPE[0], : SHAPE[1]]
column = np.exp(-((x - 60.3) ** 2 + (y - 121.7) ** 2) / 32)
image = Images((0.2 + 0.3 * column).astype(np.float32), sampling=SAMPLING)
area = image.array.size * SAMPLING[0] * SAMPLING[1]


def counts(picture, **dose):
    return float(picture.poisson_noise(seed=1, **dose).array.sum())


def noise(picture, **dose):
    """Return the noise of the background, relative to it."""
    corner = picture.poisson_noise(seed=1, **dose).array[:40, :60]
    return float(corner.std() / corner.mean())


finer = image.interpolate(sampling=(SAMPLING[0] / 2, SAMPLING[1] / 2))
for name, picture in (("image", image), ("interpolated", finer)):
    reached = DOSE * float(picture.array.mean())
    by_area = counts(picture, dose_per_area=DOSE / area)
    in_all = counts(picture, total_dose=DOSE)
    weaker = noise(picture, dose_per_area=DOSE / area) / noise(picture, total_dose=DOSE)
    print(
        f"{name} of {picture.array.size} px: {reached:.0f} counts expected, {by_area:.0f} by dose per "
        f"area, {in_all:.0f} by total dose; noise {weaker:.0f} times weaker"
    )
    assert np.isclose(by_area, reached, rtol=0.1), "changed"
    assert np.isclose(in_all / reached, picture.array.size, rtol=0.01), "changed"
    assert np.isclose(weaker, picture.array.size**0.5, rtol=0.15), "changed"

cut = image.crop(extent=(10, 30), offset=(2, 8))
begin = [axis.offset for axis in cut.axes_metadata]
peak = np.unravel_index(cut.array.argmax(), cut.array.shape)
place = [first + index * step for first, index, step in zip(begin, peak, cut.sampling)]
print("column at (6.03, 24.34) angstrom, in the cut at", np.round(place, 1).tolist())
assert np.allclose(begin, 0) and np.allclose(place, (4.03, 16.34), atol=0.11), "changed"
print("as stated")
PY
grep -E "counts expected|angstrom|as stated" "$folder/output"
