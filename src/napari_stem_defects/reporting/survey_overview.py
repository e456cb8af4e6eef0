"""``overview.png`` of a survey: the image with its unusual places beside the anomaly map."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_stem_defects.anomaly.survey_frame import count_kinds
from napari_stem_defects.reporting.contrast import to_grey8
from napari_stem_defects.reporting.fonts import drawable, families
from napari_stem_defects.reporting.overview_canvas import scale_bar
from napari_stem_defects.reporting.survey_marks import COLOURS, draw_places, number_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.micrograph import Micrograph

_WIDTH, _DPI = 16.0, 100
_MOST_MARKED, _MOST_NUMBERED = 500, 30
_MOST_SAMPLES = 1500
_BELOW = 0.9
_LINE_CHARACTERS, _LINE_INCHES = 160, 0.24
_OUTLINE = "#a6f0a6"
_LEGEND_LINE = "#3c8f3c"  # the same on white
_SYMBOLS = {"point": "○", "line": "━", "area": "▢"}


def draw_survey(micrograph: Micrograph, survey: Survey) -> Image.Image:
    """Draw the page of one frame.

    Parameters
    ----------
    micrograph : Micrograph
        The image or stack.
    survey : Survey

    Returns
    -------
    PIL.Image.Image
        RGB, 1600 px wide.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height, width = micrograph.frame_shape
    panel = min(7.4 * height / width, 14.0)
    statement = textwrap.wrap(survey.statement, _LINE_CHARACTERS)
    above = 1.1 + _LINE_INCHES * (len(statement) - 1)
    figure = Figure((_WIDTH, panel + above + _BELOW), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    left, right = _panels(figure, panel)
    pixels = micrograph.frame(survey.frame).pixels
    step = max(1, max(height, width) // _MOST_SAMPLES)
    box = (-0.5, width - 0.5, height - 0.5, -0.5)
    left.imshow(to_grey8(pixels[::step, ::step]), cmap="gray", extent=box)
    _draw_grains(left, survey)
    _draw_places(left, survey)
    _draw_scale_bar(left, width, survey.pixel_size_nm)
    _draw_map(figure, right, survey, step, box)
    _write_texts(figure, micrograph, survey, statement)
    page = io.BytesIO()
    figure.savefig(page, format="png")
    return Image.open(page).convert("RGB")


def _panels(figure: Figure, height: float) -> tuple[Axes, Axes]:
    """Place two panels of the same size with a margin above for the title and below for a bar."""
    total = figure.get_figheight()
    bottom, share = _BELOW / total, height / total
    panels = [figure.add_axes((x, bottom, 0.4625, share)) for x in (0.025, 0.5125)]
    for axes in panels:
        axes.set(xticks=[], yticks=[])
        axes.set_anchor("C")
    return panels[0], panels[1]


def _draw_grains(axes: Axes, survey: Survey) -> None:
    """Outline the grains thinly and number them; a single grain that fills the image is not."""
    from matplotlib.patheffects import withStroke

    for grain in survey.grain_map.outlined:
        for ring in (grain.outline, *grain.holes):
            y, x = np.array(ring).T
            axes.plot(x, y, color=_OUTLINE, linewidth=0.9, linestyle=(0, (6, 3)))
        axes.text(
            grain.x,
            grain.y,
            f"G{grain.number}",
            size=11,
            color=_OUTLINE,
            ha="center",
            va="center",
            family=list(families()),
            path_effects=[withStroke(linewidth=2.5, foreground="black")],
        )


def _draw_places(axes: Axes, survey: Survey) -> None:
    """Mark the places and number the highest at their rank."""
    shown = survey.candidates[:_MOST_MARKED]
    radius = max(0.75 * survey.unit_px, 1.0)
    draw_places(axes, shown, radius)
    number_places(axes, shown[:_MOST_NUMBERED], radius)


def _draw_scale_bar(axes: Axes, width: int, pixel_size_nm: float | None) -> None:
    length, text = scale_bar(0.25 * width, pixel_size_nm)
    axes.plot(
        [0.03 * width, 0.03 * width + length],
        [0.03, 0.03],
        transform=axes.get_xaxis_transform(),
        color="white",
        linewidth=4,
        solid_capstyle="butt",
    )
    axes.text(
        0.03 * width,
        0.045,
        text,
        transform=axes.get_xaxis_transform(),
        color="white",
        size=12,
        family=list(families()),
        va="bottom",
        bbox={"boxstyle": "round,pad=0.2", "fc": "#00000080", "ec": "none"},
    )


def _draw_map(
    figure: Figure, axes: Axes, survey: Survey, step: int, box: tuple[float, float, float, float]
) -> None:
    """Draw the anomaly map with its colour bar; the threshold is marked on the bar."""
    shown: NDArray[np.float32] = survey.anomaly[::step, ::step]
    highest = max(2 * survey.threshold, 2.0)
    picture = axes.imshow(shown, cmap="magma", vmin=0, vmax=highest, extent=box)
    bounds = axes.get_position()
    bar = figure.add_axes((bounds.x0, bounds.y0 - 0.35 / figure.get_figheight(), 0.2, 0.012))
    figure.colorbar(picture, cax=bar, orientation="horizontal", extend="max")
    bar.tick_params(labelsize=10)
    if survey.threshold:
        bar.axvline(survey.threshold, color="white", linewidth=2)
    caption = "anomaly score (spreads of the residual);\nwhite line: threshold"
    figure.text(bounds.x0 + 0.215, bounds.y0 - 0.34 / figure.get_figheight(), caption, size=10)


def _write_texts(
    figure: Figure, micrograph: Micrograph, survey: Survey, statement: Sequence[str]
) -> None:
    """Write name, statement and the legend of the marks."""
    from matplotlib.lines import Line2D

    height = figure.get_figheight()
    style: dict[str, Any] = {"family": list(families()), "color": "#1a1a1a"}
    name = drawable(micrograph.name, families())
    frame = f", frame {survey.frame}" if micrograph.is_stack else ""
    figure.text(0.025, 1 - 0.48 / height, f"{name}{frame}: what is unusual", size=19, **style)
    for number, words in enumerate(statement):
        below = 0.86 + _LINE_INCHES * number
        figure.text(0.025, 1 - below / height, words, size=12, **style)
    x = 0.025
    counts = count_kinds(survey.candidates, survey.searched_nm2, survey.pixel_size_nm)
    for kind, colour in COLOURS.items():
        text = counts[kind]
        figure.text(
            x,
            0.5 / height,
            _SYMBOLS[kind],
            size=16,
            color=colour,
            weight="bold",
            **{"family": style["family"]},
        )
        figure.text(x + 0.016, 0.52 / height, text, size=12, **style)
        x += 0.09 if survey.searched_nm2 is None else 0.16
    row = 0.52
    if survey.searched_nm2 is not None:  # with densities the first row reaches the colour bar
        x, row = 0.025, 0.2
    if count := len(survey.grain_map.outlined):
        text = f"G1 to G{count}: grains" if count > 1 else "G1: grain"
        line = Line2D(
            [x, x + 0.014], [(row + 0.05) / height] * 2, color=_LEGEND_LINE, linestyle="--"
        )
        figure.add_artist(line)
        figure.text(x + 0.018, row / height, text, size=12, **style)
        x += 0.13
    if len(survey.candidates) > _MOST_MARKED:
        note = f"the {_MOST_MARKED} highest of {len(survey.candidates)} are marked"
        figure.text(x, row / height, note, size=11, **style)
