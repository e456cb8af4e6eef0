#!/usr/bin/env bash
# Permanent polygon markers of a HyperSpy signal whose number varies from frame to frame.
#
# Expected: a signal with permanent markers can be saved to .hspy and its markers printed, whatever
# the kind of marker; Points and Lines with another number in every frame can.
# Seen with HyperSpy 2.5.0 and RosettaSciIO 0.15.0: Polygons that differ in number are accepted and
# added, but saving the signal ends in a ValueError ("inhomogeneous shape"). Felt as: a session of
# marking outlines of defects in a movie that plots well and cannot be saved. Lines along the
# outlines are a way around.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install hyperspy==2.5.0 rosettasciio==0.15.0
cd "$folder"
MPLBACKEND=agg "$folder/venv/bin/python" - <<'PY'
import hyperspy.api as hs
import numpy as np

rng = np.random.default_rng(0)


def by_frame(make):
    """Return an object array with 1, 2 and 3 of what is made."""
    values = np.empty(3, dtype=object)
    for number in range(3):
        values[number] = make(number + 1)
    return values


def saved(marker, name):
    signal = hs.signals.Signal2D(rng.random((3, 20, 30)).astype("f4"))
    signal.add_marker(marker, permanent=True, plot_marker=False)
    signal.save(name)


saved(hs.plot.markers.Points(offsets=by_frame(lambda n: rng.random((n, 2)))), "points.hspy")
saved(hs.plot.markers.Lines(segments=by_frame(lambda n: rng.random((n, 2, 2)))), "lines.hspy")
print("points and lines are saved")
polygons = by_frame(lambda n: [rng.random((3 + k, 2)) for k in range(n)])
try:
    saved(hs.plot.markers.Polygons(verts=polygons), "polygons.hspy")
except ValueError as error:
    print("polygons are not:", str(error).splitlines()[0])
    assert "inhomogeneous" in str(error)
else:
    raise SystemExit("polygons are saved now")
print("as stated")
PY
