#!/usr/bin/env bash
# Regions drawn in a movie in napari and saved for ImageJ by napari-roi-manager.
#
# Expected: regions of the frames 0, 3 and 7 are in these frames (1, 4 and 8 as ImageJ counts), and a square is in one place
# whether it is drawn as a rectangle or as a polygon.
# Seen with napari-roi-manager 0.0.6: each ROI of the .zip file has position 0, which is all frames, in all of its three
# positions: the regions of all frames lie on each other. The half pixel between the pixels' centres of napari and their
# corners, which ImageJ counts in areas, is added to rectangles and upright ellipses, but not to polygons: the same square
# is at (9.5, 19.5) as a polygon and at (10, 20) as a rectangle. The stored outline of a turned ellipse is its mirror image,
# at 30 degrees instead of -30. The manager cannot read its file back into the movie (ValueError). Felt as: a vacancy of
# one frame is a vacancy in all of them, counts per frame are those of the movie, and small polygons lie half a
# pixel beside the defect. Its JSON files keep all of it.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install napari-roi-manager==0.0.6 napari==0.9.2 roifile==2026.2.10 numpy==2.4.6 PyQt6
cd "$folder"
export HOME="$folder" QT_QPA_PLATFORM=offscreen
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import json

import numpy as np
from napari.components import ViewerModel
from napari_roi_manager import QRoiManager
from qtpy.QtWidgets import QApplication
from roifile import roiread

application = QApplication([])
viewer = ViewerModel()
viewer.add_image(np.zeros((10, 64, 64), "float32"))
manager = QRoiManager(viewer)
SQUARE = np.array([(9.5, 19.5), (9.5, 25.5), (15.5, 25.5), (15.5, 19.5)])
FRAMES = (0, 3, 7)


def draw(frame, shape, kind):
    viewer.dims.set_current_step(0, frame)
    manager.register(np.column_stack([np.full(len(shape), float(frame)), shape]), kind)


def direction(points):
    """Return the angle of the long axis of points (x, y), in degrees."""
    points = points - points.mean(axis=0)
    axis = np.linalg.eigh(points.T @ points)[1][:, 1]
    return np.degrees(np.arctan2(axis[1], axis[0])) % 180


for frame in FRAMES:
    draw(frame, SQUARE, "rectangle")
    draw(frame, SQUARE, "polygon")
turn = np.radians(30)
turned = np.array([(-3, -10), (-3, 10), (3, 10), (3, -10)]) @ [
    [np.cos(turn), np.sin(turn)],
    [-np.sin(turn), np.cos(turn)],
]
draw(5, turned + 32, "ellipse")
manager.save_roiset(path="regions.zip")
manager.save_roiset(path="regions.json")

rois = roiread("regions.zip")
positions = {(roi.position, roi.t_position, roi.z_position) for roi in rois}
kept = {int(shape[0][0]) for shape in json.loads(open("regions.json").read())["data"]}
print(f"{len(rois)} regions of the frames {sorted(kept)}; positions of the ROIs: {positions}")
rectangle, polygon = rois[0], rois[1]
corners = (rectangle.yd, rectangle.xd), tuple(polygon.coordinates().min(axis=0)[::-1].tolist())
print(f"corner of the square: rectangle {corners[0]}, polygon {corners[1]}")
drawn, outline = direction(turned[:, ::-1]), direction(rois[-1].coordinates())
print(f"long axis of the turned ellipse: drawn at {drawn:.0f} degrees, in the file at {outline:.0f}")
try:
    manager.load_roiset(path="regions.zip")
    fault = None
except ValueError as error:
    fault = str(error)
print("read back into the movie:", fault)
assert positions == {(0, 0, 0)} and kept == {*FRAMES, 5}, "changed"
assert corners == ((10.0, 20.0), (9.5, 19.5)), "changed"
assert np.isclose(drawn, 150) and np.isclose(outline, 30, atol=0.1) and fault, "changed"
print("as stated")
PY
