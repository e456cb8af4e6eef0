"""Sections of a page of results: one image, one stack, one survey."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_stem_defects.base.lengths import format_none
from napari_stem_defects.reporting.results_page import charts, numbers
from napari_stem_defects.reporting.results_page.html import Markup, element, picture, swatch, table
from napari_stem_defects.reporting.results_page.tables import rate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.reporting.results_page.data import ReportedImage, ReportedSurvey
    from napari_stem_defects.reporting.results_page.drawn_charts import DrawnCharts

_MOST_NOTES = 12


def image_section(
    image: ReportedImage, drawn: DrawnCharts, *, with_group: bool
) -> Iterator[Markup]:
    """Yield the section of an image: facts, rates, notes and its picture.

    Parameters
    ----------
    image : ReportedImage
    drawn : DrawnCharts
        The charts of the page.
    with_group : bool
        Whether the group is named.

    Yields
    ------
    Markup
    """
    colours = drawn.colours
    yield element("h3", f"{image.group} / {image.folder}" if with_group else image.folder)
    yield element("p", " · ".join(_facts(image)), kind="note")
    for note in _notes(image):
        yield element("p", note, kind="note")
    rows = [row for row in rate_rows([image], image.folder) if row.total]
    if rows:
        yield table(
            ("class", "found", "rate (95 %)", "unit"),
            [
                (
                    swatch(row.class_name, colours.get(row.class_name, "#888888")),
                    numbers.count(row),
                    numbers.with_interval(row.best),
                    numbers.UNITS[row.quantity],
                )
                for row in rows
            ],
            (1, 2),
        )
    elif image.pixel_size_nm is None:
        counts = [(name, count) for name, count in image.summary["counts"].items() if count]
        yield table(
            ("class", "found"),
            [(swatch(name, colours.get(name, "#888888")), count) for name, count in counts],
            (1,),
        )
    elif image.defects:
        nothing = format_none([each.name for each in image.defects])
        yield element("p", f"N{nothing[1:]} was found.")
    if len(image.frames) > 1:
        yield from _frames(image, drawn)
    if image.picture:
        yield picture(image.picture, f"Overview of {image.name}")


def survey_section(survey: ReportedSurvey) -> Iterator[Markup]:
    """Yield the section of a survey.

    Parameters
    ----------
    survey : ReportedSurvey

    Yields
    ------
    Markup
    """
    yield element("h3", survey.name)
    counts = ", ".join(
        f"{count} {kind}{'s' * (count != 1)}" for kind, count in survey.counts.items()
    )
    yield element("p", f"{survey.statement} In all frames: {counts}.", kind="note")
    if survey.picture:
        yield picture(survey.picture, f"Survey of {survey.name}")


def _facts(image: ReportedImage) -> Iterator[str]:
    height, width = image.summary["image"]["frame_shape"]
    frames = len(image.frames)
    size = image.pixel_size_nm
    yield f"{width} × {height} px" + (f", {frames} frames" if frames > 1 else "")
    if size is not None:
        source = image.summary["image"].get("pixel_size_source", "unknown")
        yield f"{width * size:.4g} × {height * size:.4g} nm, {size:.4g} nm per px ({source})"
        what = "searched in each frame" if image.repeats > 1 else "searched"
        yield f"{numbers.number(image.searched_nm2, 4)} nm² {what}"
    yield f"{numbers.percent(float(image.summary.get('unknown_fraction') or 0))} unknown"
    yield f"model {image.model}"
    scan = image.summary["parameters"].get("scan_distortion") or {}
    if scan.get("row_jitter_px") is not None:
        jitter, error = scan["row_jitter_px"], scan["row_jitter_error_px"]
        yield f"scan rows shifted by {jitter} ± {error} px (rms)"
    if scan.get("stretch_percent") is not None:
        yield f"stretched by {scan['stretch_percent']} %, sheared by {scan['shear_deg']}°"


def _notes(image: ReportedImage) -> list[str]:
    """Return what the result states about the model and the image, each once."""
    summary = image.summary
    stated = [
        summary.get("recognition"),
        *(summary.get("warnings") or ()),
        *(summary["image"].get("notes") or ()),
    ]
    corrected = len(summary.get("corrections") or ())
    if corrected:
        stated.append(f"{corrected} regions were corrected by hand.")
    return [str(each) for each in dict.fromkeys(stated) if each][:_MOST_NOTES]


def _frames(image: ReportedImage, drawn: DrawnCharts) -> Iterator[Markup]:
    counts = {
        each.name: [
            sum(region.class_name == each.name for region in frame.regions)
            for frame in image.frames
        ]
        for each in image.defects
    }
    counts = {name: values for name, values in counts.items() if any(values)}
    if counts:
        indices = [frame.index for frame in image.frames]
        caption = (
            "Frames that show different places; their areas add up."
            if image.independent_frames
            else "Frames of one place: rates are means over frames, and their intervals those of"
            " one frame, because the same defects are seen again."
        )
        draw = partial(charts.frame_chart, counts, indices, drawn.colours)
        shown = drawn.figure(draw, "Numbers by frame", caption)
        if shown is not None:
            yield shown
