#!/usr/bin/env bash
# Density of line defects in FermiViewer, by the crossings of lines in the image with a grid of test lines.
#
# Expected: seven crossings per straight line that crosses the seven horizontal test lines of an image of 400 x 600
# px, and none in an image without lines.
# Seen with fermiviewer 0.10.1: the filter that makes lines stand out takes what is outside the image for 0, so that
# the border of an image with a background is the strongest line. Each of the 18 test lines counts it once: an image
# without lines has 18 crossings. Each line counts twice, at its two edges. On a background of 20 counts ten lines of
# 60 counts have 155 crossings instead of 70; on one of 1000 counts only the border is above the threshold, and images
# with no, four and ten lines have the same 18. A foil thickness makes of it a dislocation density.
# Felt as: the dislocation density of a perfect crystal, and the same one for every other.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install fermiviewer==0.10.1 numpy==2.4.6 scipy==1.17.1 tifffile==2026.3.3
cd "$folder"
export HOME="$folder"
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import fermiviewer.api as fv
import numpy as np
import tifffile

SHAPE, SPACING = (400, 600), 50
rng = np.random.default_rng(0)
horizontal = SHAPE[0] // SPACING - 1


def crossings(lines, background):
    """Return the number of crossings and of test lines for an image of bright vertical lines."""
    x = np.arange(SHAPE[1])
    row = background + sum(60 * np.exp(-(((x - 40 - 55 * k) / 3) ** 2)) for k in range(lines))
    tifffile.imwrite("image.tif", rng.poisson(np.broadcast_to(row, SHAPE)).astype(np.float32))
    result = fv.open("image.tif").defects(grid_spacing=SPACING)
    found = {output["name"]: output["data"] for output in result.value["outputs"]}
    return found["intersections"]["value"], found["test_lines"]["value"]


for background in (0, 20, 1000):
    counts = {}
    for lines in (0, 4, 10):
        if lines or background:
            counts[lines], tests = crossings(lines, background)
            end = f"instead of {lines * horizontal}, with {tests} test lines"
            print(f"background of {background} counts, {lines} lines: {counts[lines]} crossings {end}")
            assert tests == 18, "changed"
    if background == 0:
        assert 1.8 < counts[10] / (10 * horizontal) < 2.2, "changed"
    elif background == 20:
        assert counts[0] == tests and 1.8 < (counts[10] - tests) / (10 * horizontal) < 2.2, "changed"
    else:
        assert counts[0] == counts[4] == counts[10] == tests, "changed"
print("as stated")
PY
