"""Files of labels on given micrographs: tables of points, and shapes of annotation programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.coco_annotations import coco_shapes
from napari_stem_defects.io.labels.cvat_images import read_cvat
from napari_stem_defects.io.labels.geojson_shapes import geojson_shapes
from napari_stem_defects.io.labels.imagej_rois import read_imagej_rois
from napari_stem_defects.io.labels.label_studio_results import (
    is_label_studio,
    label_studio_shapes,
)
from napari_stem_defects.io.labels.labelme_shapes import is_labelme, labelme_shapes
from napari_stem_defects.io.labels.point_table import read_point_table
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.labels.drawn_shapes import DrawnShape
    from napari_stem_defects.io.labels.point_table import PointRow

    LabelFile = list[tuple[Micrograph, Sequence[DrawnShape | PointRow]]]

_TABLE = (".csv",)
_ROIS = (".zip", ".roi")
_JSON = (".json", ".geojson")
_XML = (".xml",)


def is_label_file(source: Path) -> bool:
    """Return whether a source of labels is such a file, and not a folder of patches."""
    return source.suffix.lower() in (*_TABLE, *_ROIS, *_JSON, *_XML) and not source.is_dir()


def read_label_file(
    source: Path, micrographs: Sequence[Micrograph], remarks: list[str] | None = None
) -> LabelFile:
    """Read labels and the micrographs they belong to.

    Parameters
    ----------
    source : Path
        A table of points (``.csv``), ROIs of ImageJ (``.zip``, ``.roi``), GeoJSON, COCO, JSON of
        LabelMe or Label Studio, or XML of CVAT.
    micrographs : sequence of Micrograph
        Exactly one, except for COCO, LabelMe, Label Studio and CVAT, which name their images.
    remarks : list of str, optional
        Given where no other file is read: a single micrograph may then have another name than the
        single image of the file, which is stated here; see `image_owners`.

    Returns
    -------
    list of (Micrograph, sequence of DrawnShape or PointRow)

    Raises
    ------
    LabelError
        The file cannot be read or is no such file, or the micrographs do not suit it.
    """
    suffix = source.suffix.lower()
    content: Any = _read_json(source) if suffix in _JSON else None
    is_coco = isinstance(content, dict) and "annotations" in content and "images" in content
    shapes = coco_shapes if is_coco else label_studio_shapes if is_label_studio(content) else None
    shapes = labelme_shapes if is_labelme(content) else shapes
    if shapes or suffix in _XML:
        if not micrographs:
            raise LabelError(one_line(source, "needs its images", "give them with --image"))
        if shapes:
            return [*shapes(source, content, micrographs, remarks)]
        return [*read_cvat(source, micrographs, remarks)]
    if len(micrographs) != 1:
        what = "a table needs" if suffix in _TABLE else "it needs"
        raise LabelError(one_line(source, f"{what} one image", "give just that one"))
    found: Sequence[DrawnShape | PointRow]
    if suffix in _TABLE:
        found = read_point_table(source)
    elif suffix in _ROIS:
        found = read_imagej_rois(source)
    else:
        found = geojson_shapes(source, content)
    return [(micrographs[0], found)]


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
