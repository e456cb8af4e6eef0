#!/usr/bin/env bash
# Contrast of columns and of a vacancy after TEMUL's double_gaussian_fft_filter_optimised.
#
# Expected: a band-pass filter between two diameters in the FFT keeps columns bright and a vacancy dark, as
# double_gaussian_fft_filter with the same two widths does; and the inner Gaussian gets the "optimum magnitude", at which the
# darkest pixel is at 0.
# Seen with temul-toolkit 0.1.9: the two widths reach a helper in the wrong order, so that the wide Gaussian is subtracted from
# the narrow one: columns are dark, the gaps between them bright, and a vacancy is a bright place among dark columns. The
# correlation with the image is -0.9 instead of 0.9. The magnitude that is found is not used: the last one that
# was tried is, 1, by which the mean is 0 and the darkest pixel far below. Felt as: peak finders put columns into the gaps
# and find an added column where one is missing.
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
import hyperspy.api as hs
import numpy as np
import temul.api as tml

SIZE, PERIOD, PIXEL = 260, 13, 0.03  # px, px, nm
y, x = np.mgrid[:SIZE, :SIZE]
places = [(row, column) for row in range(6, SIZE, PERIOD) for column in range(6, SIZE, PERIOD)]
vacancy = places.pop(190)
columns = sum(np.exp(-((y - row) ** 2 + (x - column) ** 2) / 12.5) for row, column in places)
data = 0.3 + columns + np.random.default_rng(0).normal(0, 0.1, columns.shape)
image = hs.signals.Signal2D(data)
for axis in image.axes_manager.signal_axes:
    axis.scale, axis.units = PIXEL, "nm"

spot = 1 / (PERIOD * PIXEL)  # radius of the first reflections, per nm
inner, outer = 1.2 * spot, 3.2 * spot  # diameters, per nm
in_pixels = [width / 2 * SIZE * PIXEL for width in (inner, outer)]
results = {
    "image": image,
    "double_gaussian_fft_filter": tml.double_gaussian_fft_filter(image, *in_pixels),
    "double_gaussian_fft_filter_optimised": tml.double_gaussian_fft_filter_optimised(image, inner, outer),
}
found = {}
for name, result in results.items():
    values = np.real(result.data)
    on = np.mean([values[place] for place in places])
    between = np.mean([values[row + 6, column + 6] for row, column in places if max(row, column) < 240])
    found[name] = on - between, values[vacancy] - between, np.corrcoef(values.ravel(), data.ravel())[0, 1]
    print("%s: columns %+.2f and vacancy %+.2f above the gaps, correlation %+.2f" % (name, *found[name]))
column, missing, correlation = found["double_gaussian_fft_filter"]
assert column > 0.2 and missing < column - 0.2 and correlation > 0.8, "changed"
column, missing, correlation = found["double_gaussian_fft_filter_optimised"]
assert column < -0.2 and missing > column + 0.2 and correlation < -0.8, "changed"
print("mean %.3f and darkest pixel %.2f of the optimised one" % (abs(values.mean()), values.min()))
assert abs(values.mean()) < 1e-3 and values.min() < -0.2, "changed"
print("as stated")
PY
