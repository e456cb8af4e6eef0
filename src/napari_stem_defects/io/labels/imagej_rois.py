"""ROIs of ImageJ as shapes to label: a ``.roi`` file, or a zip of them.

The class of a ROI is its property ``class``, else its name without the number that follows. Areas
are stored from the corner of the first pixel, points and lines from its centre.
"""

from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import (
    DrawnShape,
    check_parts,
    class_of_label,
    class_of_name,
    kind_stated,
)
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.io.labels.drawn_shapes import Geometry

_LINES = ("LINE", "POLYLINE", "FREELINE", "ANGLE")
_MOST_BYTES = 2**28
_OTHER_LABELS = (".xml", ".json", ".geojson", ".csv")
_FAULTS = (OSError, ValueError, KeyError, IndexError, struct.error, zipfile.BadZipFile)


def read_imagej_rois(path: Path) -> list[DrawnShape]:
    """Read the ROIs in a file.

    Parameters
    ----------
    path : Path
        ``.roi`` or ``.zip``.

    Returns
    -------
    list of DrawnShape
        One per ROI.

    Raises
    ------
    LabelError
        The file holds no ROIs, or one has no class; the message names it.
    InputError
        The package roifile is not installed.
    """
    roifile = load_package("roifile", "roifile", "import of ImageJ ROIs")
    names = [path.name]
    try:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(path) as file:
                if sum(each.file_size for each in file.infolist()) > _MOST_BYTES:
                    raise ValueError("it is too large unpacked")
                names = file.namelist()
                entries = [
                    file.read(each) for each in file.infolist() if each.filename[-4:] == ".roi"
                ]
        else:
            entries = [path.read_bytes()]
        rois = [roifile.ImagejRoi.frombytes(data) for data in entries]
    except _FAULTS as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise LabelError(one_line(path, fault, "save it again from ImageJ")) from error
    if not rois:
        # CVAT, QuPath and others pack their exports, too.
        other = next((name for name in names if name.lower().endswith(_OTHER_LABELS)), None)
        advice = f"unpack it and give {other}" if other else "save them from the ROI Manager"
        raise LabelError(one_line(path, "holds no ROIs of ImageJ", advice))
    return [_shape(path, roi) for roi in rois]


def _shape(path: Path, roi: Any) -> DrawnShape:
    about = roi.properties
    name = str(about.get("class") or roi.name)
    try:
        class_name = class_of_label(name) if "class" in about else class_of_name(name)
        kind = kind_stated(class_name, about.get("kind"))
    except LabelError as error:
        fault = f"ROI {roi.name!r} names no class ({error})"
        raise LabelError(one_line(path, fault, "name ROIs as 'Vac 1' in ImageJ")) from None
    geometry: Geometry = "area"
    if roi.roitype.name == "POINT":
        geometry = "point"
    elif roi.roitype.name in _LINES:
        geometry = "line"
    corner = 0.5 if geometry == "area" else 0.0
    parts = [
        [(float(y) - corner, float(x) - corner) for x, y in np.asarray(part).tolist()]
        for part in _outlines(roi)
    ]
    parts = [part for part in parts if part]
    try:
        check_parts(parts)
    except ValueError as error:
        fault = f"ROI {roi.name!r} has no positions" if not parts else f"ROI {roi.name!r}: {error}"
        raise LabelError(one_line(path, fault, "draw it again, or remove it")) from None
    frame = max(roi.position or roi.t_position or roi.z_position, 1) - 1
    return DrawnShape(class_name, frame, geometry, parts, kind)


def _outlines(roi: Any) -> list[Any]:
    """Return the vertices (x, y) of a ROI, of each of its parts.

    roifile gives rectangles and ellipses in whole pixels; where they were drawn between pixels,
    the file has their box as floating-point numbers, too.
    """
    outlines: list[Any] = roi.coordinates(multi=True)
    whole = np.array([roi.right - roi.left, roi.bottom - roi.top], float)
    if not roi.subpixelrect or roi.multi_coordinates is not None or not whole.all():
        return outlines
    scale = np.array([roi.widthd, roi.heightd]) / whole
    return [(each - (roi.left, roi.top)) * scale + (roi.xd, roi.yd) for each in outlines]
