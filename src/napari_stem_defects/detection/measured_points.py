"""Point defects measured in the image: site, intensity against like columns, sublattice."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_stem_defects.base.for_each import for_each
from napari_stem_defects.lattice.site_measurement import measure_site

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.lattice.site_measurement import SiteMeasurement
    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.postprocessing.results import Region

MOST_POINTS = 2000
"""Number of point defects of a frame that are measured; the first ones of its table."""

_MEASURED = ("site_y_px", "site_x_px", "intensity_ratio", "intensity_ratio_error", "sublattice")


def measure_points(
    regions: Iterable[Region], pixels: NDArray[np.float32], cells: Sequence[UnitCell]
) -> tuple[Region, ...]:
    """Return regions with the measurements of the point defects among them.

    Parameters
    ----------
    regions : iterable of Region
        Of one frame.
    pixels : ndarray of float32, shape (Y, X)
        The frame, with bright columns.
    cells : sequence of UnitCell
        Its lattices; without one, nothing is measured.

    Returns
    -------
    tuple of Region
        In the same order; those that cannot be measured are unchanged.
    """
    found = list(regions)
    points = [number for number, region in enumerate(found) if region.kind == "point"]
    points = points[:MOST_POINTS] if cells else []
    places = [(found[number].y_px, found[number].x_px) for number in points]
    measured = for_each(measure_site, pixels, cells, places)
    for number, site in zip(points, measured, strict=True):
        if site is not None:
            found[number] = _with_site(found[number], site)
    return tuple(found)


def keep_measurements(
    regions: Iterable[Region], earlier: Iterable[Region], within_px: float
) -> tuple[Region, ...]:
    """Return regions with the measurements of earlier ones at the same places.

    Other thresholds and names change the outline of a region, not the column in it.

    Parameters
    ----------
    regions : iterable of Region
        Without measurements.
    earlier : iterable of Region
        Of the same frame, with measurements.
    within_px : float
        Distance up to which a site belongs to a region.

    Returns
    -------
    tuple of Region
        In the order of ``regions``.
    """
    known = [each for each in earlier if each.site_y_px is not None]
    return tuple(
        _copied(region, known, within_px) if region.kind == "point" else region
        for region in regions
    )


def _with_site(region: Region, found: SiteMeasurement) -> Region:
    return replace(
        region,
        site_y_px=found.y_px,
        site_x_px=found.x_px,
        intensity_ratio=found.intensity_ratio,
        intensity_ratio_error=found.intensity_ratio_error,
        sublattice=found.sublattice,
    )


def _copied(region: Region, known: Sequence[Region], within_px: float) -> Region:
    nearest = min(known, key=lambda each: _apart(region, each), default=None)
    if nearest is None or _apart(region, nearest) > within_px:
        return region
    return replace(region, **{name: getattr(nearest, name) for name in _MEASURED})


def _apart(region: Region, measured: Region) -> float:
    y, x = measured.site_y_px or 0.0, measured.site_x_px or 0.0
    return math.hypot(region.y_px - y, region.x_px - x)


def shifted_sites(regions: Iterable[Region], top: int, left: int) -> tuple[Region, ...]:
    """Return regions whose measured sites are in px of a larger frame.

    Parameters
    ----------
    regions : iterable of Region
        Of a part of the frame.
    top, left : int
        First row and column of the part.

    Returns
    -------
    tuple of Region
        Nothing but the sites is changed.
    """
    return tuple(
        region
        if region.site_y_px is None or region.site_x_px is None
        else replace(region, site_y_px=region.site_y_px + top, site_x_px=region.site_x_px + left)
        for region in regions
    )
