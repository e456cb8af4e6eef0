#!/usr/bin/env bash
# Three resting defects in a movie, of which one is not detected in some frames.
#
# Expected: gap_closing_max_frame_count of LapTrack, "the maximum frame gaps, by default 2", is the
# number of frames in which a defect may be missed, as `memory` of trackpy is: 1 bridges one frame,
# 2 bridge two.
# Seen with laptrack 0.17.1 and trackpy 0.7: it is the difference of the frames on both sides of the
# gap. 1 closes no gap at all, though gap closing is on, and the default bridges one missed frame.
# One frame in which nothing is detected, with 1, cuts all tracks of the movie in two.
# Felt as: twice as many vacancies, each with half the residence time; a number of frames copied
# from trackpy is one too small.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install laptrack==0.17.1 trackpy==0.7 numpy==2.4.6 pandas==2.3.3
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
import pandas as pd
import trackpy
from laptrack import LapTrack

PLACES = [(50.0, 50.0), (200.0, 200.0), (120.0, 60.0)]
trackpy.quiet()


def movie(missed, of):
    rows = [
        (frame, y, x, number)
        for frame in range(20)
        for number, (y, x) in enumerate(PLACES)
        if not (frame in missed and number in of)
    ]
    return pd.DataFrame(rows, columns=["frame", "y", "x", "defect"])


def tracks(count, missed, of=(0,)):
    """Return the number of tracks of the three defects by laptrack and by trackpy."""
    table = movie(missed, of)
    laptrack = LapTrack(gap_closing_max_frame_count=count)
    linked, _, _ = laptrack.predict_dataframe(
        table, ["y", "x"], frame_col="frame", only_coordinate_cols=False
    )
    by_trackpy = trackpy.link(table, 15.0, memory=count)
    return linked["track_id"].nunique(), by_trackpy["particle"].nunique()


found = {
    (count, len(missed)): tracks(count, missed)
    for count in (1, 2, 3)
    for missed in ((), (10,), (10, 11), (10, 11, 12))
}
for (count, frames), (laptrack, by_trackpy) in found.items():
    print(f"count {count}, missed in {frames}: laptrack {laptrack} tracks, trackpy {by_trackpy}")
    assert laptrack == (3 if frames == 0 or frames < count else 4)
    assert by_trackpy == (3 if frames <= count else 4)
default = LapTrack().gap_closing_max_frame_count
empty = tracks(1, (10,), (0, 1, 2))
print(f"default {default}; one frame without detections, count 1: {empty[0]} and {empty[1]}")
assert default == 2
assert empty == (6, 3)
print("as stated")
PY
