"""What the geometry of the crystal shows at planar defects, in a few words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from napari_stem_defects.base.defect_classes import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_stem_defects.postprocessing.results import Region


def geometry_statements(regions: Iterable[Region], class_name: str) -> tuple[str, ...]:
    """Return what the lattices on both sides of the lines of a class show.

    Parameters
    ----------
    regions : iterable of Region
        Regions of any classes.
    class_name : str
        Name of the class, or ``unknown``.

    Returns
    -------
    tuple of str
        One statement per finding, with its count where there are several lines.
    """
    lines = [each for each in regions if each.class_name == class_name and each.geometry]
    found = Counter(_finding(each) for each in lines)
    start = "looks like" if class_name == UNKNOWN else "geometry:"
    return tuple(
        f"{start} {text}" if len(lines) == 1 else f"{count} x {start} {text}"
        for text, count in found.items()
    )


def _finding(region: Region) -> str:
    return region.looks_like or f"not verified, {region.geometry_note}"
