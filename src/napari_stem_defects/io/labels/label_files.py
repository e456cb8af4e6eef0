"""Files of labels on given micrographs: tables of points, and shapes of annotation programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.coco_annotations import coco_shapes
from napari_stem_defects.io.labels.cvat_images import read_cvat
from napari_stem_defects.io.labels.geojson_shapes import geojson_shapes
from napari_stem_defects.io.labels.imagej_rois import read_imagej_rois
from napari_stem_defects.io.labels.label_formats import (
    COCO,
    CVAT,
    GEOJSON,
    LABEL_FORMATS,
    LABEL_STUDIO,
    LABELME,
    ROIS,
    TABLE,
    LabelFormat,
)
from napari_stem_defects.io.labels.label_studio_results import (
    is_label_studio,
    label_studio_shapes,
)
from napari_stem_defects.io.labels.labelme_shapes import is_labelme, labelme_shapes
from napari_stem_defects.io.labels.point_table import read_point_table
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.labels.drawn_shapes import DrawnShape
    from napari_stem_defects.io.labels.point_table import PointRow

    LabelFile = Sequence[tuple[Micrograph, Sequence[DrawnShape | PointRow]]]
    Reader = Callable[[Path, Any, Sequence[Micrograph], list[str] | None], LabelFile]


def read_label_file(
    source: Path, micrographs: Sequence[Micrograph], remarks: list[str] | None = None
) -> LabelFile:
    """Read labels and the micrographs they belong to.

    Parameters
    ----------
    source : Path
        A file in one of `LABEL_FORMATS`.
    micrographs : sequence of Micrograph
        Exactly one, except for formats that name their images.
    remarks : list of str, optional
        Given where no other file is read: a single micrograph may then have another name than the
        single image of the file, which is stated here; see `image_owners`.

    Returns
    -------
    sequence of (Micrograph, sequence of DrawnShape or PointRow)

    Raises
    ------
    LabelError
        The file cannot be read or is no such file, or the micrographs do not suit it.
    """
    content: Any = _read_json(source) if source.suffix.lower() in GEOJSON.suffixes else None
    format_ = _find_format(source, content)
    if format_.names_images and not micrographs:
        raise LabelError(one_line(source, "needs its images", "give them with --image"))
    if not format_.names_images and len(micrographs) != 1:
        raise LabelError(one_line(source, "needs one image", "give just that one"))
    return _READERS[format_](source, content, micrographs, remarks)


def names_images(source: Path) -> bool:
    """Return whether a label file names the images of its labels; see `read_label_file`."""
    content: Any = _read_json(source) if source.suffix.lower() in GEOJSON.suffixes else None
    return _find_format(source, content).names_images


def _find_format(source: Path, content: Any) -> LabelFormat:
    """Return the format of a file: by its suffix, of JSON by its content."""
    if content is None:
        return next(each for each in LABEL_FORMATS if source.suffix.lower() in each.suffixes)
    if is_labelme(content):
        return LABELME
    if is_label_studio(content):
        return LABEL_STUDIO
    is_coco = isinstance(content, dict) and "annotations" in content and "images" in content
    return COCO if is_coco else GEOJSON


_READERS: dict[LabelFormat, Reader] = {
    TABLE: lambda source, _, images, __: [(images[0], read_point_table(source))],
    ROIS: lambda source, _, images, __: [(images[0], read_imagej_rois(source))],
    GEOJSON: lambda source, content, images, _: [(images[0], geojson_shapes(source, content))],
    COCO: coco_shapes,
    LABELME: labelme_shapes,
    LABEL_STUDIO: label_studio_shapes,
    CVAT: lambda source, _, images, remarks: read_cvat(source, images, remarks),
}


def _read_json(source: Path) -> Any:
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise LabelError(one_line(source, fault, "save it again from its program")) from error
    types = ("FeatureCollection", "Feature")
    is_geojson = isinstance(content, dict) and content.get("type") in types
    if isinstance(content, list):
        # A list without a geometry may be of COCO's results, which name no images and classes.
        has_geometry = any(isinstance(each, dict) and "geometry" in each for each in content)
        is_geojson = not content or has_geometry or is_label_studio(content)
    is_other = is_labelme(content) or (isinstance(content, dict) and "annotations" in content)
    if not is_geojson and not is_other:
        fault = "is neither GeoJSON, COCO, LabelMe nor Label Studio"
        raise LabelError(one_line(source, fault, "give one of these"))
    return content
