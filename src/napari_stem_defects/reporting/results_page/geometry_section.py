"""Part of a page of results: what the geometry of the crystal shows at each line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.reporting.results_page import numbers
from napari_stem_defects.reporting.results_page.html import Markup, element, swatch, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_stem_defects.postprocessing.results import Region
    from napari_stem_defects.reporting.results_page.data import ReportedImage

_MOST_LINES = 60


def geometry_section(
    images: Sequence[ReportedImage], colours: Mapping[str, str]
) -> Iterator[Markup]:
    """Yield a table of the lines that were checked by geometry.

    Parameters
    ----------
    images : sequence of ReportedImage
    colours : mapping of str to str
        Colours of classes.

    Yields
    ------
    Markup
        Nothing where no line was checked, as in results of earlier versions.
    """
    checked = [
        (image, region)
        for image in images
        for frame in image.frames
        for region in frame.regions
        if region.geometry
    ]
    if not checked:
        return
    yield element("h3", "Checked by the crystal on both sides")
    heads = ("class", "image", "geometry", "looks like", "misorientation", "shift, pm", "layers")
    yield table(
        heads,
        [
            (
                swatch(region.class_name, colours.get(region.class_name, "#888888")),
                f"{image.folder} {region.region}",
                f"{region.geometry}: {region.geometry_note}"
                if region.geometry_note
                else region.geometry,
                region.looks_like,
                _degrees(region.misorientation_deg),
                _shift(region),
                region.shifted_layers,
            )
            for image, region in checked[:_MOST_LINES]
        ],
        (4, 5, 6),
    )
    if len(checked) > _MOST_LINES:
        text = f"{len(checked) - _MOST_LINES} more lines are in regions.csv."
        yield element("p", text, kind="note")


def _degrees(angle: float | None) -> str:
    return numbers.NONE if angle is None else f"{angle:.1f}°"


def _shift(region: Region) -> str:
    """Return the length of the rigid shift and its error in pm."""
    if region.shift_y_nm is None or region.shift_x_nm is None:
        return numbers.NONE
    length = 1000 * float((region.shift_y_nm**2 + region.shift_x_nm**2) ** 0.5)
    if region.shift_error_nm is None:
        return f"{length:.0f}"
    return f"{length:.0f} ± {1000 * region.shift_error_nm:.0f}"
