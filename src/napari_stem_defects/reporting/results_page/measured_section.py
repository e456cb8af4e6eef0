"""Section of a page of results: point defects as they were measured in the images."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.reporting.results_page import numbers
from napari_stem_defects.reporting.results_page.html import Markup, element, swatch, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_stem_defects.postprocessing.results import Region
    from napari_stem_defects.reporting.results_page.data import ReportedImage


def measured_section(
    images: Sequence[ReportedImage], colours: Mapping[str, str]
) -> Iterator[Markup]:
    """Yield the section: intensity ratios and sublattices of each class of point defects.

    Parameters
    ----------
    images : sequence of ReportedImage
    colours : mapping of str to str
        Colours of classes.

    Yields
    ------
    Markup
        Nothing where no point defect was measured.
    """
    names = dict.fromkeys(
        each.name for image in images for each in image.defects if each.kind == "point"
    )
    rows = []
    for name in names:
        regions = [region for image in images for region in image.regions_of(name)]
        if any(region.site_y_px is not None for region in regions):
            rows.append((swatch(name, colours.get(name, "#888888")), *_figures(regions)))
    if not rows:
        return
    yield element("h2", "Point defects, measured")
    heads = ("class", "measured", "intensity ratio", "middle half", "its error", "sublattice")
    yield table(heads, rows, (1, 2, 3, 4))
    text = (
        "Intensity at the site of the defect relative to like columns of the same crystal (of an"
        " added column, relative to the brightest one): the median, the range of the middle half"
        " of the defects, and the median error of one. Sublattice A is the brightest column of"
        " the cell. Not measured: at the border, at faults and junctions, and where nothing differs"
        " significantly."
    )
    yield element("p", text, kind="note")


def _figures(regions: Sequence[Region]) -> tuple[str, ...]:
    ratios = [each.intensity_ratio for each in regions if each.intensity_ratio is not None]
    errors = [r.intensity_ratio_error for r in regions if r.intensity_ratio_error is not None]
    low, middle, high = (float(each) for each in np.quantile(ratios, (0.25, 0.5, 0.75)))
    places = Counter(each.sublattice for each in regions if each.sublattice)
    return (
        f"{len(ratios)} of {len(regions)}",
        numbers.number(middle, 2),
        f"{numbers.number(low, 2)} to {numbers.number(high, 2)}",
        numbers.number(float(np.median(errors)), 2),
        ", ".join(f"{name} {count}" for name, count in places.most_common()),
    )
