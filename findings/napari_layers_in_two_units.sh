#!/usr/bin/env bash
# Clicks in a napari viewer whose layers have different units of length.
#
# Expected: napari draws layers in angstrom and in nm in one place, as its guide to units states, and a
# click, a stroke and the value under the cursor are where the mouse is.
# Seen with napari 0.9.2, and with 0.7.1, the first that draws so: mouse events are in the smaller unit,
# and layers take them for their own. Beside an image in angstrom a click at row 50, column 100 of a layer
# in nm sets a point at row 500, column 1000 of an image of 100 x 200 px, the brush paints nothing, and the
# image has no value under the cursor. Without the image in angstrom, all are right; in 0.9.2 they are so
# after viewer.layers.units = ("nm", "nm"), too. Felt as: open a simulated image, which is in
# angstrom, beside the micrograph, and labels are set far outside of it, or somewhere else in a large one.
#
# Needs a display, or xvfb-run. Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cd "$folder"
cat > click.py <<'PY'
from importlib.metadata import version

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

viewer = napari.Viewer()
in_nm = {"scale": (0.02, 0.02), "units": ("nm", "nm")}
pixels = np.zeros((100, 200), np.float32)
pixels[50, 100] = 1
image = viewer.add_image(pixels, name="micrograph", **in_nm)
points = viewer.add_points(np.empty((0, 2)), **in_nm)
labels = viewer.add_labels(np.zeros((100, 200), np.uint8), **in_nm)
labels.brush_size, labels.selected_label = 1, 3
canvas = viewer.window._qt_viewer.canvas


def click():
    """Click where the bright pixel is drawn; return what is set, painted and read there."""
    QApplication.processEvents()  # napari redraws in the next turn of the event loop
    viewer.reset_view()
    drawn = canvas.layer_to_visual[image].node.transforms.get_transform("visual", "canvas")
    x, y, _, w = drawn.map([100.5, 50.5, 0, 1])
    points.data, labels.data = np.empty((0, 2)), np.zeros_like(labels.data)
    for layer, mode in ((points, "add"), (labels, "paint")):
        viewer.layers.selection.active = layer
        layer.mode = mode
        events = canvas._scene_canvas.events
        events.mouse_move(pos=(x / w, y / w), modifiers=(), button=None)
        events.mouse_press(pos=(x / w, y / w), modifiers=(), button=1)
        events.mouse_release(pos=(x / w, y / w), modifiers=(), button=1)
    value = image.get_value(viewer.cursor.position, world=True)
    return points.data.round().tolist(), np.argwhere(labels.data).tolist(), value


right, wrong = ([[50, 100]], [[50, 100]], 1), ([[500, 1000]], [], None)
found = {"in nm alone": click()}
size = {"scale": (0.2, 0.2), "units": ("angstrom", "angstrom")}
simulated = viewer.add_image(np.zeros((100, 200), np.float32), name="simulated", **size)
found["beside one in angstrom"] = click()
expected = [right, wrong]
if version("napari") == "0.9.2":
    viewer.layers.units = ("nm", "nm")
    found["with the units of the viewer set to nm"] = click()
    expected.append(right)
for name, (set_at, painted, value) in found.items():
    print(f"napari {version('napari')}, {name}: point {set_at}, painted {painted}, value {value}")
viewer.close()
assert list(found.values()) == expected, "changed"
PY
on_display=()
if [ -z "${DISPLAY:-}" ] && command -v xvfb-run > /dev/null; then
  on_display=(env -u QT_QPA_PLATFORM xvfb-run -a -s "-screen 0 1600x1200x24")
fi
for version in 0.9.2 0.7.1; do
  "$folder/venv/bin/pip" -q install "napari[pyqt6]==$version" numpy==2.4.6
  ${on_display[@]+"${on_display[@]}"} "$folder/venv/bin/python" click.py 2> errors || { cat errors; exit 1; }
done
echo "as stated"
