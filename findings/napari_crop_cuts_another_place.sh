#!/usr/bin/env bash
# One region, cut by napari-crop out of two images of the same field that have different pixel sizes.
#
# Expected: both cut images lie where the rectangle is drawn, and show the defect that is in it.
# Seen with napari 0.9.2 and napari-crop 0.1.12: it takes the corners of the rectangle, which are counted in steps of
# the shapes layer, for pixels of the image that is cut. Of an image with 0.02 nm per px and a map with 0.1 nm per px
# of the same 8 nm, only the one whose pixel size the shapes layer has is cut at the right place. The other one is cut
# at a fifth of the way from the corner, or has no pixels at all; no warning. napari itself draws the rectangle at its
# place in both.
# Felt as: spectra and composition "of the defect" that are those of perfect crystal elsewhere.
#
# Fails if the behaviour changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install napari==0.9.2 napari-crop==0.1.12 PyQt6==6.11.0 numpy==2.4.6
cd "$folder"
export HOME="$folder" QT_QPA_PLATFORM=offscreen
"$folder/venv/bin/python" -W ignore - 2> errors <<'PY' || { cat errors; exit 1; }
import numpy as np
from napari.components import ViewerModel
from napari_crop import crop_region

FIELD, DEFECT = 8.0, np.array([5.0, 3.0])  # nm


def image_of(pixel):
    """Return an image of the field, in which the defect is a bright disc of 0.5 nm in radius."""
    at = (np.indices((round(FIELD / pixel),) * 2) + 0.5) * pixel
    return (np.hypot(*(at - DEFECT[:, None, None])) < 0.5).astype(np.float32)


corners = DEFECT + np.array([(-0.6, -0.6), (-0.6, 0.6), (0.6, 0.6), (0.6, -0.6)])
for unit in (0.02, 0.1):
    viewer = ViewerModel()
    shapes = viewer.add_shapes([corners / unit], shape_type="rectangle", scale=(unit, unit))
    assert np.allclose(shapes.extent.world.mean(axis=0), DEFECT, atol=unit), "drawn elsewhere"
    for pixel in (0.02, 0.1):
        layer = viewer.add_image(image_of(pixel), scale=(pixel, pixel))
        cut, about, _ = crop_region(layer, shapes)[0]
        if 0 in cut.shape:
            shown = f"has no pixels ({cut.shape[0]} x {cut.shape[1]})"
            right = False
        else:
            share = cut.sum() / layer.data.sum()
            middle = np.array(about["translate"]) + (np.array(cut.shape) - 1) / 2 * pixel
            right = np.hypot(*(middle - DEFECT)) < 0.1 and share > 0.99
            shown = f"is at {middle.round(2)} nm and holds {share:.0%} of the defect"
        print(f"rectangle at {DEFECT} nm in steps of {unit} nm, image with {pixel} nm per px: what is cut {shown}")
        assert right == (pixel == unit), "changed"
print("as stated")
PY
