"""The page of results: summary, charts, images, comparison, arrangement, lines and methods."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from napari_stem_defects.base.version import __version__
from napari_stem_defects.reporting.results_page import charts, numbers
from napari_stem_defects.reporting.results_page.drawn_charts import DrawnCharts
from napari_stem_defects.reporting.results_page.geometry_section import geometry_section
from napari_stem_defects.reporting.results_page.html import (
    Markup,
    document,
    element,
    swatch,
    table,
)
from napari_stem_defects.reporting.results_page.image_sections import image_section, survey_section
from napari_stem_defects.reporting.results_page.measured_section import measured_section
from napari_stem_defects.reporting.results_page.methods_text import (
    cited,
    methods_paragraphs,
    references_list,
)
from napari_stem_defects.reporting.results_page.tables import (
    FEWEST_LINES,
    FEWEST_POINTS,
    ArrangementRow,
    ComparisonRow,
    LengthRow,
    RateRow,
    arrangement_rows,
    comparison_rows,
    dispersion_p_values,
    length_rows,
    rate_rows,
    units_to_compare,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_stem_defects.reporting.results_page.data import ReportedResults

ALL = "all images"
_DIFFER = 0.01


@dataclass(frozen=True)
class ResultFigures:
    """All figures of a page.

    Attributes
    ----------
    rates : tuple of RateRow
        Of all images together.
    unit_rates : tuple of RateRow
        Of each group, or of one group each image; empty where there is one.
    comparisons : tuple of ComparisonRow
    dispersion : mapping of str to float
        p-value of equal densities in all images, by class.
    lengths : tuple of LengthRow
    arrangements : tuple of ArrangementRow
    """

    rates: tuple[RateRow, ...]
    unit_rates: tuple[RateRow, ...]
    comparisons: tuple[ComparisonRow, ...]
    dispersion: Mapping[str, float]
    lengths: tuple[LengthRow, ...]
    arrangements: tuple[ArrangementRow, ...]


class ResultsPage(NamedTuple):
    """A page of results.

    Attributes
    ----------
    html : str
        Self-contained: it refers to no other file or address, and contains no script.
    notes : tuple of str
        A sentence for each chart that could not be drawn.
    """

    html: str
    notes: tuple[str, ...]


def result_figures(results: ReportedResults) -> ResultFigures:
    """Compute all figures of a page.

    Parameters
    ----------
    results : ReportedResults

    Returns
    -------
    ResultFigures
    """
    images = results.images
    if not images:
        return ResultFigures((), (), (), {}, (), ())
    units = units_to_compare(results)
    each = [row for name, some in units for row in rate_rows(some, name)]
    return ResultFigures(
        rates=tuple(rate_rows(images, ALL)),
        unit_rates=tuple(each) if len(units) > 1 else (),
        comparisons=tuple(comparison_rows(results)),
        dispersion=dispersion_p_values(images),
        lengths=tuple(length_rows(images)),
        arrangements=tuple(arrangement_rows(images)),
    )


def results_page(results: ReportedResults, figures: ResultFigures, written: str) -> ResultsPage:
    """Return the page as HTML.

    Parameters
    ----------
    results : ReportedResults
    figures : ResultFigures
        Result of `result_figures`.
    written : str
        Date and time of the page.

    Returns
    -------
    ResultsPage
    """
    colours = {name: each.colour for name, each in results.class_table.items()}
    drawn = DrawnCharts(colours)
    parts = [
        *_head(results, written),
        *_rates(figures, drawn),
        *_units(figures, drawn),
        *_arrangement(figures, drawn),
        *measured_section(results.images, colours),
        *_lengths(figures, drawn),
        *geometry_section(results.images, colours),
        *_images(results, drawn),
        *_methods(results, figures),
    ]
    return ResultsPage(document("Defects in STEM images", *parts), tuple(drawn.notes))


def _head(results: ReportedResults, written: str) -> Iterator[Markup]:
    images, surveys = len(results.images), len(results.surveys)
    about = [f"{images} image{'s' * (images != 1)} searched"] if images else []
    if surveys:
        about.append(f"{surveys} image{'s' * (surveys != 1)} surveyed")
    area = sum(image.searched_nm2 or 0 for image in results.images)
    if area:
        about.append(f"{numbers.number(area, 4)} nm²")
    models = sorted({image.model for image in results.images if image.model_sha256})
    if models:
        about.append(f"model {', '.join(models)}")
    yield element("h1", "Defects in STEM images")
    yield element(
        "p", f"{' · '.join(about)} · napari-stem-defects {__version__} · {written}", kind="lead"
    )
    for fault in results.faults:
        yield element("p", f"Not in this report: {fault}", kind="warning")
    missing = [image.folder for image in results.images if image.pixel_size_nm is None]
    if missing:
        text = "No rates without a pixel size: " + ", ".join(missing)
        yield element("p", text, kind="warning")
    for names in results.repeated:
        text = f"The same image, counted {len(names)} times: {', '.join(names)}"
        yield element("p", text, kind="warning")


def _rates(figures: ResultFigures, drawn: DrawnCharts) -> Iterator[Markup]:
    if not figures.rates:
        return
    yield element("h2", "Densities")
    yield table(
        ("class", "found", "reported (95 %)", "corrected (95 %)", "precision, recall", "unit"),
        [
            (
                _swatch(row.class_name, drawn),
                numbers.count(row),
                numbers.with_interval(row.reported),
                numbers.with_interval(row.corrected),
                numbers.accuracy(row.accuracy),
                numbers.UNITS[row.quantity],
            )
            for row in figures.rates
        ],
        (1, 2, 3, 4),
    )
    if any(row.frame_means == "some" for row in figures.rates):
        yield element("p", "Of a movie, the mean of its frames is counted.", kind="note")
    yield from _rate_charts(figures.rates, drawn)
    for source in sorted({row.accuracy.source for row in figures.rates if row.accuracy}):
        yield element("p", f"Precision and recall measured on: {source}.", kind="note")
    if any(row.corrected is None for row in figures.rates):
        text = (
            "Where no accuracy is given, none was measured for whole defects of that class: the"
            " rate is that of what the model reported, and its interval contains counting"
            " statistics alone."
        )
        yield element("p", text, kind="note")
    differing = [name for name, p in figures.dispersion.items() if p < _DIFFER]
    if differing:
        text = (
            f"The images differ by more than counting statistics in {', '.join(differing)}"
            f" (p < {_DIFFER:g}): the interval describes these images together, not the specimen."
        )
        yield element("p", text, kind="warning")


def _swatch(name: str, drawn: DrawnCharts) -> Markup:
    return swatch(name, drawn.colours.get(name, "#888888"))


def _rate_charts(rows: Sequence[RateRow], drawn: DrawnCharts) -> Iterator[Markup]:
    titles = {"number": "Defects per nm²", "length": "Length of lines per area, nm⁻¹"}
    for quantity, title in titles.items():
        chosen = [row for row in rows if row.quantity == quantity]
        if charts.has_rates(chosen):
            names = [row.class_name for row in chosen]
            caption = (
                "Open: as reported, with counting statistics. Filled: corrected for precision and"
                " recall, with the interval of all three."
                if quantity == "number"
                else ""
            )
            draw = partial(charts.rate_chart, chosen, names, title, drawn.colours)
            yield from _shown(drawn.figure(draw, title, caption))


def _shown(*figures: Markup | None) -> Iterator[Markup]:
    """Yield the figures that have something to show."""
    yield from (each for each in figures if each is not None)


def _units(figures: ResultFigures, drawn: DrawnCharts) -> Iterator[Markup]:
    pictures = list(_unit_charts(figures.unit_rates, drawn))
    if not pictures and not figures.comparisons:
        return
    yield element("h2", "Comparison")
    for start in range(0, len(pictures), 2):
        yield element("div", *pictures[start : start + 2], kind="pair")
    if figures.comparisons:
        yield table(
            ("class", "compared", "with", "of", "ratio of rates", "95 %", "p (equal rates)"),
            [
                (
                    _swatch(row.class_name, drawn),
                    row.first,
                    row.second,
                    row.quantity,
                    numbers.number(row.comparison.ratio.value),
                    numbers.interval(row.comparison.ratio),
                    numbers.p_value(row.comparison.p_value),
                )
                for row in figures.comparisons
            ],
            (4, 5, 6),
        )
        text = (
            "Precision and recall of the same model cancel in a ratio, if they are the same in both"
            " images. p-values are not corrected for the number of comparisons."
        )
        yield element("p", text, kind="note")


def _unit_charts(rows: Sequence[RateRow], drawn: DrawnCharts) -> Iterator[Markup]:
    """Yield a chart for each class that occurs in one of several groups or images."""
    for class_name, quantity in dict.fromkeys((row.class_name, row.quantity) for row in rows):
        same = [row for row in rows if (row.class_name, row.quantity) == (class_name, quantity)]
        enough = FEWEST_LINES if quantity == "length" else 1
        if len(same) > 1 and max(row.count for row in same) >= enough:
            title = f"{class_name}, {numbers.UNITS[quantity]}"
            names = [row.images for row in same]
            draw = partial(charts.rate_chart, same, names, title, drawn.colours, charts.HALF)
            yield from _shown(drawn.figure(draw, title))


def _arrangement(figures: ResultFigures, drawn: DrawnCharts) -> Iterator[Markup]:
    if not figures.arrangements:
        return
    yield element("h2", "Arrangement of point defects")
    rows = []
    for row in figures.arrangements:
        near = row.neighbours
        if near is not None:
            rows.append(
                (
                    _swatch(row.class_name, drawn),
                    row.count,
                    numbers.number(near.mean),
                    numbers.number(near.expected),
                    f"{numbers.number(near.low)} to {numbers.number(near.high)}",
                    numbers.number(near.mean / near.expected, 2),
                )
            )
    heads = ("class", "points", "nearest neighbour, nm", "at random, nm", "95 % of random", "ratio")
    yield table(heads, rows, (1, 2, 3, 4, 5))
    for row in figures.arrangements:
        title = f"Arrangement of {row.class_name}"
        pair = (
            drawn.figure(partial(draw, row, drawn.colours), title)
            for draw in (charts.pair_chart, charts.neighbour_chart)
        )
        yield element("div", *_shown(*pair), kind="pair")
    text = (
        "Left: pairs relative to independent points; grey: 95 % of random patterns with as many"
        " points in the same area. Right: dashed, random points. A detector reports two defects"
        " closer than about one column as one, so the shortest distances are empty."
        f" Classes with fewer than {FEWEST_POINTS} points are left out."
    )
    yield element("p", text, kind="note")


def _lengths(figures: ResultFigures, drawn: DrawnCharts) -> Iterator[Markup]:
    if not figures.lengths:
        return
    yield element("h2", "Lines")
    yield table(
        ("class", "lines", "mean length, nm", "95 %", "total, nm", "reach the border"),
        [
            (
                _swatch(row.class_name, drawn),
                len(row.lengths_nm),
                numbers.number(row.mean_nm.value),
                numbers.interval(row.mean_nm, 3),
                numbers.number(sum(row.lengths_nm), 4),
                row.cut,
            )
            for row in figures.lengths
        ],
        (1, 2, 3, 4, 5),
    )
    draw = partial(charts.length_chart, figures.lengths, drawn.colours)
    yield from _shown(drawn.figure(draw, "Lengths of lines"))
    text = (
        "A line that reaches the border is longer than what is seen of it, so the mean length is a"
        " lower limit where such lines are frequent; the length per area is not affected."
    )
    yield element("p", text, kind="note")


def _images(results: ReportedResults, drawn: DrawnCharts) -> Iterator[Markup]:
    if results.images:
        yield element("h2", "Images")
    for image in results.images:
        yield from image_section(image, drawn, with_group=len(results.groups) > 1)
    if results.surveys:
        yield element("h2", "Surveys")
    for survey in results.surveys:
        yield from survey_section(survey)


def _methods(results: ReportedResults, figures: ResultFigures) -> Iterator[Markup]:
    if not results.images:
        return
    keys = cited(
        has_accuracy=any(row.corrected is not None for row in figures.rates),
        has_comparison=bool(figures.comparisons),
        has_arrangement=bool(figures.arrangements),
    )
    yield element("h2", "Methods")
    paragraphs = methods_paragraphs(results.images, keys)
    yield element("div", *(element("p", each) for each in paragraphs), kind="quote")
    yield element("h3", "References")
    yield references_list(keys)
    yield element("h3", "Where these figures are not to be believed")
    limits = (
        "Precision and recall hold for images like those they were measured on; in other"
        " material, at other doses or thicknesses they differ. Check a sample by eye and correct"
        " it in the Detect panel.",
        "Precision depends on how frequent defects are: where they are much rarer than in the"
        " images it was measured on, a larger share of reports is false.",
        "Intervals assume defects that are independent of each other. Clusters and images"
        " chosen because they show defects make the true uncertainty larger.",
        "Areas and lengths are as good as the pixel size: an error of 1 % changes densities by"
        " 2 %.",
    )
    yield element("ol", *(element("li", each) for each in limits))
