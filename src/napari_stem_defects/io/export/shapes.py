"""What is drawn for each region: a point, a line or polygons, by the kind of its class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from napari_stem_defects.io.results.formats import (
    REGION_COLUMNS,
    REGION_FIELDS,
    REGION_TEXTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.io.export.exported_results import ExportedFrame, ExportedImage
    from napari_stem_defects.postprocessing.outlines import Polygon
    from napari_stem_defects.postprocessing.results import Region

CORNER = 0.5
"""What is added to positions for programs in which the first pixel extends from 0 to 1."""

_FIELDS = {
    column: field
    for column, field in zip(REGION_COLUMNS, REGION_FIELDS, strict=True)
    if column not in ("image", "frame", "class", "region", "kind")
}
_TEXTS = [column for column, field in _FIELDS.items() if field in REGION_TEXTS]
_NUMBERS = [column for column in _FIELDS if column not in _TEXTS]
_text_values = attrgetter(*(_FIELDS[column] for column in _TEXTS))
_number_values = attrgetter(*(_FIELDS[column] for column in _NUMBERS))


@dataclass(frozen=True)
class ExportedShape:
    """A region as another program draws it; one of ``point``, ``line`` and ``polygons`` is set.

    Attributes
    ----------
    region : Region
    defect_class : DefectClass
        Title and colour.
    point : (float, float) or None
        Position (y, x) in px, pixel centres at integers: the measured site of a point defect, its
        centroid where none was measured.
    line : tuple of (float, float)
        Points (y, x) of the centre line in px, pixel centres at integers.
    polygons : tuple of Polygon
        Outlines; pixel *corners* at integers.
    """

    region: Region
    defect_class: DefectClass
    point: tuple[float, float] | None = None
    line: tuple[tuple[float, float], ...] = ()
    polygons: tuple[Polygon, ...] = ()

    @property
    def name(self) -> str:
        """Class and number of the region, with the frame where it is not the first."""
        frame = f"frame {self.region.frame} " if self.region.frame else ""
        return f"{frame}{self.region.class_name} {self.region.region}"

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Colour of the class, 0 to 255."""
        return rgb(self.defect_class)


def rgb(defect_class: DefectClass) -> tuple[int, int, int]:
    """Return the colour of a class as red, green and blue, 0 to 255.

    Parameters
    ----------
    defect_class : DefectClass

    Returns
    -------
    (int, int, int)
    """
    red, green, blue = bytes.fromhex(defect_class.colour[1:])
    return red, green, blue


def site(region: Region) -> tuple[float, float]:
    """Return where a region is: its measured site, else its centroid.

    Parameters
    ----------
    region : Region

    Returns
    -------
    (float, float)
        (y, x) in px, pixel centres at integers.
    """
    if region.site_y_px is None or region.site_x_px is None:
        return region.y_px, region.x_px
    return region.site_y_px, region.site_x_px


def shapes(
    image: ExportedImage, frame: ExportedFrame, *, outlines: bool = False
) -> Iterator[ExportedShape]:
    """Yield the shapes of a frame, class by class.

    Parameters
    ----------
    image : ExportedImage
    frame : ExportedFrame
    outlines : bool
        Whether points and lines are drawn by their outlines too, as areas are.

    Yields
    ------
    ExportedShape
    """

    def needs_outline(region: Region) -> bool:
        is_line = region.kind == "line" and bool(region.centre_line)
        return outlines or not (is_line or region.kind == "point")

    polygons = {
        (region.class_name, region.region): found for region, found in frame.outlines(needs_outline)
    }
    for name in image.mask_names:
        for region in frame.regions_of(name):
            defect_class = image.classes[name]
            if found := polygons.get((name, region.region), ()):
                yield ExportedShape(region, defect_class, polygons=found)
            elif region.kind == "line" and region.centre_line:
                yield ExportedShape(region, defect_class, line=region.centre_line)
            else:
                yield ExportedShape(region, defect_class, point=site(region))


def measured(region: Region) -> tuple[dict[str, float], dict[str, str]]:
    """Return what was measured of a region, by the names of the columns of ``regions.csv``.

    Parameters
    ----------
    region : Region

    Returns
    -------
    dict of str to float
        The numbers that are known.
    dict of str to str
        The texts that are not empty.
    """
    numbers = {
        name: value
        for name, value in zip(_NUMBERS, _number_values(region), strict=True)
        if value is not None and math.isfinite(value)
    }
    texts = {name: value for name, value in zip(_TEXTS, _text_values(region), strict=True) if value}
    return numbers, texts
