"""ImageJ: a zip of regions of interest per image, for the ROI Manager.

ImageJ has two conventions for positions (``Roi.useLineSubpixelConvention`` in its source): area
selections count from the corner of the first pixel, points and lines from its centre. The second is
that of the results, so only polygons lie half a pixel further.
"""

from __future__ import annotations

import io
import zipfile
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.export.options import name_files
from napari_stem_defects.io.export.shapes import measured, shapes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import ModuleType

    from numpy.typing import NDArray

    from napari_stem_defects.io.export.exported_results import ExportedImage
    from napari_stem_defects.io.export.options import ExportOptions
    from napari_stem_defects.io.export.shapes import ExportedShape
    from napari_stem_defects.postprocessing.outlines import Polygon

_SMALLEST_WHOLE, _LARGEST_WHOLE = -5000, 60535  # of a position, by the package roifile
_MOVE, _LINE, _CLOSE = 0, 1, 4  # of the path of a composite selection


def write(images: Sequence[ExportedImage], out: Path, options: ExportOptions) -> list[Path]:
    """Write ``NAME_rois.zip`` for each image; see `api.export.export`."""
    roifile = load_package("roifile", "roifile", "export of ImageJ ROIs")
    written = []
    for image, path in name_files(images, out, "_rois.zip"):
        with options.leaving_out(image):
            write_bytes(path, _selections(roifile, image, outlines=options.outlines))
            written.append(path)
    return written


def _selections(roifile: ModuleType, image: ExportedImage, *, outlines: bool) -> bytes:
    buffer = io.BytesIO()  # a file would be searched for each of thousands of selections
    with zipfile.ZipFile(buffer, "w") as file:
        for frame in image.frames():
            for shape in shapes(image, frame, outlines=outlines):
                roi = _roi(roifile, shape, is_stack=image.frame_count > 1)
                file.writestr(f"{roi.name}.roi", roi.tobytes())
    return buffer.getvalue()


def _roi(roifile: ModuleType, shape: ExportedShape, *, is_stack: bool) -> Any:
    region = shape.region
    kinds = roifile.ROI_TYPE
    if shape.point is not None:
        points = np.array([shape.point[::-1]], np.float32)
        roi, kind = _selection(roifile, points), kinds.POINT
    elif shape.line:
        points = np.array(shape.line, np.float32)[:, ::-1]
        roi, kind = _selection(roifile, points), kinds.POLYLINE
    elif len(shape.polygons) == 1 and not shape.polygons[0].holes:
        roi, kind = _selection(roifile, shape.polygons[0].shell[:, ::-1]), kinds.POLYGON
        # A polygon ends where its last pixel does; points and lines, one pixel after their last.
        roi.right, roi.bottom = roi.right - 1, roi.bottom - 1
    else:
        roi, kind = _composite(roifile, shape.polygons), kinds.RECT
    roi.name = shape.name
    if is_stack:
        roi.position = region.frame + 1
    roi.roitype = kind
    roi.stroke_color = bytes([255, *shape.rgb])
    about = {"class": region.class_name, "kind": region.kind, "region": str(region.region)}
    roi.properties = {**about, **measured(region)[1]}
    return roi


def _selection(roifile: ModuleType, points: NDArray[Any]) -> Any:
    """Return a selection with vertices (x, y), as `ImagejRoi.frompoints` does in twice the time.

    Floating-point vertices are stored beside the rounded ones, and so are those that 16 bits do
    not hold.
    """
    roi = roifile.ImagejRoi()
    roi.options = _shown(roifile)
    rounded = points if points.dtype.kind == "i" else np.rint(points).astype(np.int32)
    values = rounded.ravel().tolist()
    xs, ys = values[::2], values[1::2]
    left, top = min(xs), min(ys)
    if points.dtype.kind == "f" or max(values) > _LARGEST_WHOLE or min(values) < _SMALLEST_WHOLE:
        roi.options |= roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        roi.subpixel_coordinates = points.astype(np.float32)
    roi.integer_coordinates = (rounded - (left, top)).astype(np.int32)
    roi.n_coordinates = len(points)
    roi.left, roi.top, roi.right, roi.bottom = left, top, max(xs) + 1, max(ys) + 1
    return roi


@cache
def _shown(roifile: ModuleType) -> Any:
    """Return the options of a selection that is shown with its name in overlays."""
    options = roifile.ROI_OPTIONS
    return options.OVERLAY_BACKGROUNDS | options.OVERLAY_LABELS


def _composite(roifile: ModuleType, polygons: Sequence[Polygon]) -> Any:
    """Return one selection of several rings; ImageJ fills by the even-odd rule."""
    rings = [ring[:, ::-1] for each in polygons for ring in (each.shell, *each.holes)]
    every = np.concatenate(rings)
    roi = roifile.ImagejRoi()
    roi.options = _shown(roifile)
    roi.left, roi.top = every.min(axis=0).tolist()
    roi.right, roi.bottom = every.max(axis=0).tolist()
    roi.multi_coordinates = np.concatenate([_path(ring) for ring in rings])
    roi.shape_roi_size = len(roi.multi_coordinates)
    return roi


def _path(ring: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a ring (x, y) as ImageJ stores it: a command and a position for each vertex."""
    commands = np.full((len(ring), 1), _LINE)
    commands[0] = _MOVE
    steps = np.hstack([commands, ring]).ravel()
    return np.append(steps, _CLOSE).astype(np.float32)
