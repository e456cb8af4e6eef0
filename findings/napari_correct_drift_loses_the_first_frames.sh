#!/usr/bin/env bash
# Drift of a movie by napari-correct-drift, relative from frame to frame, with a key frame in the middle and with a bad frame.
#
# Expected: of a steady drift of (2, -1) px per frame nothing remains but a few tenths of a pixel, whichever frame is the key
# frame and whatever the increment, and a frame that is discarded as an outlier does not change the others.
# Seen with napari-correct-drift 0.4.1: with an increment of 1 and without outliers the rest is 0.1 px. With a key frame that is
# no multiple of the increment, as frame 5 with 2, frames before the first compared one get its drift: frame 0 is 2.0 px off
# with an increment of 2 and 4.1 px with 3, and the frames between it and the key frame are drawn along. Where a frame
# is discarded by its maximum shift, the drift into it and out of it counts as none: all frames behind it are off by two
# steps, 4.1 px, and the interpolation, which is there to fill such a frame in, spreads it over its neighbours. No
# warning. In the absolute mode both are right. Felt as: a defect that seems to jump by one or two columns after a
# glitch of the scan, and a sum of frames that is doubled or smeared though the correction reported a smooth drift.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install napari-correct-drift==0.4.1 napari==0.9.2 PyQt6 scikit-image==0.26.0 scipy==1.17.1 numpy==2.4.6
cd "$folder"
export HOME="$folder" QT_QPA_PLATFORM=offscreen
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from napari_correct_drift._core import CorrectDrift

FRAMES, STEP = 13, np.array([2.0, -1.0])
rng = np.random.default_rng(3)
places = rng.uniform(25, 175, (40, 2)) * (1, 1.2)
heights = rng.uniform(0.5, 1.5, 40)
y, x = np.mgrid[:200, :240]
drift = STEP * np.arange(FRAMES)[:, None]


def frame(moved):
    particles = sum(
        height * np.exp(-((y - row - moved[0]) ** 2 + (x - column - moved[1]) ** 2) / 32)
        for height, (row, column) in zip(heights, places, strict=True)
    )
    return particles + rng.normal(0, 0.05, y.shape)


movie = np.array([frame(each) for each in drift])
glitch = movie.copy()
glitch[6] = np.roll(movie[6], (60, -50), axis=(0, 1))


def rest(frames, mode, key, increment):
    """Return how far the drift down of each frame is off, in px."""
    correction = CorrectDrift(frames, "tyx")
    most = {"max_shifts": (10, 15, 15)} if mode == "relative" else {}
    found = correction.estimate_drift(
        t0=key, increment=increment, upsample_factor=10, mode=mode, normalization=None, **most
    )
    if np.isnan(found).any():
        found = correction.interpolate_drift(found)
    return (found[:, 1:] - (drift - drift[key]))[:, 0].round(1) + 0.0


for name, frames, mode, key, increment, first, last in (
    ("movie", movie, "relative", 0, 1, 0, 0),
    ("movie", movie, "relative", 5, 1, 0, 0),
    ("movie", movie, "relative", 5, 2, 2, 0),
    ("movie", movie, "relative", 5, 3, 4.1, 0),
    ("movie", movie, "absolute", 5, 3, 0, 0),
    ("movie with a glitch in frame 6", glitch, "relative", 0, 1, 0, -4.1),
    ("movie with a glitch in frame 6", glitch, "absolute", 0, 1, 0, 0),
):
    off = rest(frames, mode, key, increment)
    print(f"{name}, {mode} to frame {key}, increment {increment}: off by {off.tolist()} px")
    assert np.isclose(off[0], first, atol=0.4) and np.isclose(off[-1], last, atol=0.4), "changed"
    if last:
        assert np.allclose(off[8:], last, atol=0.4), "changed"
        assert np.allclose(off[6:8], (last / 3, 2 * last / 3), atol=0.4), "changed"
print("as stated")
PY
