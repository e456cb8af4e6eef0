#!/usr/bin/env bash
# Tracks of defects whose positions are in metres instead of px or nm.
#
# Expected: a search range of 4 px and a table in px give the tracks that the same range and the same table
# give in nm, µm and m: linking compares lengths with lengths.
# Seen with trackpy 0.7 and laptrack 0.17.1: in px, nm and µm both find the 25 defects of the movie. In metres
# trackpy adds 1e-7 to the range, that is 100 nm instead of 0.08 nm, and joins defects across the whole image:
# of 23 or 24 tracks 16 or 17 have several defects, from run to run. laptrack adds 1e-6 to all costs,
# which are squared lengths in single precision, so that they are equal: it links nothing, and each of the 200
# rows is a track. No warning from either.
# Felt as: vacancies that hop over the whole field of view, or none that lasts for two frames.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install trackpy==0.7 laptrack==0.17.1 pandas==3.1.1 numpy==2.4.6 \
  scikit-learn==1.9.0
"$folder/venv/bin/python" - 2> "$folder/errors" <<'PY' || { cat "$folder/errors"; exit 1; }
import numpy as np
import pandas as pd
import trackpy
from laptrack import LapTrack

PIXEL = {"px": 1.0, "nm": 0.02, "µm": 0.02e-3, "m": 0.02e-9}
trackpy.quiet()


def movie(pixel):
    """Return the table of 25 defects, 100 px apart, each of which is there for eight frames."""
    rng = np.random.default_rng(0)
    rows = []
    sites = [(y, x) for y in range(50, 500, 100) for x in range(50, 500, 100)]
    for defect, site in enumerate(sites):
        start = int(rng.integers(0, 10))
        for frame in range(start, start + 8):
            y, x = (site + rng.normal(0, 0.5, 2)) * pixel
            rows.append((frame, y, x, defect))
    table = pd.DataFrame(rows, columns=["frame", "y", "x", "defect"])
    return table.sort_values(["frame", "defect"], ignore_index=True)


def by_trackpy(table, reach):
    return trackpy.link(table, reach, memory=2).groupby("particle")


def by_laptrack(table, reach):
    tracker = LapTrack(cutoff=reach**2, gap_closing_cutoff=reach**2)
    columns = {"coordinate_cols": ["y", "x"], "frame_col": "frame"}
    linked, _, _ = tracker.predict_dataframe(table, only_coordinate_cols=False, **columns)
    return linked.reset_index(drop=True).groupby("track_id")


found = {}
for unit, pixel in PIXEL.items():
    for name, link in (("trackpy", by_trackpy), ("laptrack", by_laptrack)):
        defects = link(movie(pixel), 4 * pixel)["defect"].nunique()
        found[unit, name] = len(defects), int((defects > 1).sum())
        print(f"{name} in {unit}: %d tracks, %d of several defects" % found[unit, name])
for unit in ("px", "nm", "µm"):
    assert found[unit, "trackpy"] == found[unit, "laptrack"] == (25, 0), "changed"
assert found["m", "trackpy"][1] > 10 and found["m", "laptrack"] == (200, 0), "changed"
print("as stated")
PY
