"""A survey in a notebook."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.reporting.notebook.html_card import card, enlarged, step_of
from napari_stem_defects.reporting.notebook.image_axes import (
    MOST_PX,
    WITH_LEGEND,
    axes_or_new,
    box_of,
    frame_axes,
    searched_pixels,
    show_image,
)
from napari_stem_defects.reporting.survey_marks import COLOURS, draw_places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.micrograph import Micrograph

_MOST_NUMBERED = 20


def html(survey: Survey) -> str:
    """Return the card: the anomaly map and the first places."""
    size = survey.pixel_size_nm
    unit = "px" if size is None else "nm"
    columns = ("rank", "kind", f"y ({unit})", f"x ({unit})", "score", "sign")
    rows = [
        (
            *(place.rank, place.kind),
            *(round(at * (size or 1.0), 3) for at in (place.y, place.x)),
            *(round(place.score, 2), place.sign),
        )
        for place in survey.candidates
    ]
    step = step_of(_shape(survey))
    picture = np.rint(255 * np.clip(survey.anomaly[::step, ::step] / _highest(survey), 0, 1))
    count = len(survey.candidates)
    frame = f", frame {survey.frame}" if survey.frame else ""
    title = f"{survey.image}{frame}: {count} unusual place{'' if count == 1 else 's'}"
    return card(title, [survey.statement], [enlarged(picture.astype(np.uint8))], columns, rows)


def table(survey: Survey) -> Any:
    """Return the table: a row per place, with the columns of ``survey.csv``."""
    pandas = load_package("pandas", "pandas", "to_dataframe")
    size = survey.pixel_size_nm
    rows = [
        {
            "rank": place.rank,
            "kind": place.kind,
            "y_px": place.y,
            "x_px": place.x,
            "y_nm": nan if size is None else place.y * size,
            "x_nm": nan if size is None else place.x * size,
            "score": place.score,
            "length_nm": nan if size is None else place.length_px * size,
            "area_nm2": nan if size is None else place.area_px * size**2,
            "sign": place.sign,
            "length_px": place.length_px,
            "area_px": place.area_px,
            "frame": survey.frame,
        }
        for place in survey.candidates
    ]
    columns = (
        "rank,kind,y_px,x_px,y_nm,x_nm,score,length_nm,area_nm2,sign,length_px,area_px,frame"
    ).split(",")
    return pandas.DataFrame(rows, columns=columns)


def plot(survey: Survey, micrograph: Micrograph | None, axes: Axes | None) -> Axes:
    """Draw the places on the image, or on the anomaly map without one."""
    shape, size = _shape(survey), survey.pixel_size_nm
    axes = axes_or_new(axes, WITH_LEGEND)
    if micrograph is None:
        step = max(1, -(-max(shape) // MOST_PX))
        box = box_of(shape, size)
        shown: NDArray[np.float32] = survey.anomaly[::step, ::step]
        extent = (box[0], box[1], box[2], box[3])
        axes.imshow(shown, cmap="magma", vmin=0, vmax=_highest(survey), extent=extent)
        frame_axes(axes, shape, size)
    else:
        pixels = searched_pixels(micrograph, survey.frame, shape, "survey")
        show_image(axes, pixels, size)
    scale = size or 1.0
    draw_places(axes, survey.candidates, max(0.75 * survey.unit_px, 1.0), scale)
    for kind, colour in COLOURS.items():
        if count := sum(place.kind == kind for place in survey.candidates):
            style: dict[str, Any] = {"marker": "o", "linestyle": "", "fillstyle": "none"}
            axes.plot(
                [],
                [],
                color=colour,
                label=f"{kind} ({count})",
                **(style if kind == "point" else {}),
            )
    effects = load_package("matplotlib.patheffects", "matplotlib", "plot")
    for place in survey.candidates[:_MOST_NUMBERED]:
        at = place.x * scale, place.y * scale
        offset: dict[str, Any] = {"xytext": (6, 6), "textcoords": "offset points", "size": 9}
        axes.annotate(str(place.rank), at, color=COLOURS[place.kind], **offset).set_path_effects(
            [effects.withStroke(linewidth=2, foreground="black")]
        )
    if survey.candidates:
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    axes.set_title(f"{survey.image}: what is unusual")
    return axes


def _shape(survey: Survey) -> tuple[int, int]:
    return survey.anomaly.shape[0], survey.anomaly.shape[1]


def _highest(survey: Survey) -> float:
    """Return the score that is shown brightest, as in the overview of a survey."""
    return max(2 * survey.threshold, 2.0)
