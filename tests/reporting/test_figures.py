"""Charts: what is drawn where, compared on a coarse grid or by coloured areas, never by bytes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from report_samples import HISTORY

from napari_stem_defects.base.defect_classes import default_class
from napari_stem_defects.reporting.chart_layout import new_figure
from napari_stem_defects.reporting.figures import (
    draw_confusion,
    draw_losses,
    draw_reliability,
    loss_legend,
    reliability_curves,
)
from napari_stem_defects.reporting.losses import EpochLoss, epoch_losses
from napari_stem_defects.reporting.themes import DARK, LIGHT, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFUSION: dict[str, Any] = {
    "rows": ("Bulk", "SF1"),
    "columns": ("Bulk", "SF1", "unknown"),
    "confusion": ((90, 0, 10), (0, 50, 0)),
}


def pixels(figure: Figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def where(picture: np.ndarray, colour: str, within: int = 12) -> np.ndarray:
    """Return the positions (y, x) of a colour, as shares of height and width."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    near = np.abs(picture - (red, green, blue)).max(axis=2) < within
    return np.argwhere(near) / near.shape


def bins(*points: tuple[int, float, float]) -> dict[str, Any]:
    return {"reliability": [{"count": c, "probability": p, "share": s} for c, p, s in points]}


def test_importing_the_charts_loads_no_matplotlib_and_drawing_no_pyplot() -> None:
    code = """if True:
        import sys
        from napari_stem_defects.reporting import chart_layout, figures
        print("matplotlib" in sys.modules)
        figure = chart_layout.new_figure(100, 100, 72)
        figures.draw_losses(figure, [])
        figure.canvas.draw()
        print("matplotlib.pyplot" in sys.modules)
    """
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.split() == ["False", "False"], result.stderr


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_a_full_cell_of_the_confusion_matrix_has_the_strongest_colour(theme: Theme) -> None:
    figure = new_figure(300, 150, 100, theme)
    axes = draw_confusion(figure, CONFUSION, theme)
    assert axes is not None
    picture = pixels(figure)
    assert (picture[0, 0] == picture[-1, -1]).all()
    y, x = where(picture, theme.strongest).mean(axis=0)
    height, width = picture.shape[:2]
    column, row = axes.transData.inverted().transform((x * width, (1 - y) * height))
    # SF1 was always assigned to SF1; text covers the middle evenly.
    assert (column, row) == pytest.approx((1.5, 1.5), abs=0.1)


def test_the_confusion_matrix_shows_all_counts_and_names_inside_the_figure() -> None:
    figure = new_figure(300, 150, 100)
    axes = draw_confusion(figure, CONFUSION)
    assert axes is not None
    texts = {text.get_text() for text in axes.texts}
    assert {"90", "0", "10", "50", "Bulk", "SF1", "unknown"} <= texts
    figure.canvas.draw()
    for text in (*axes.texts, *figure.texts):
        box = text.get_window_extent()
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text


def test_without_labels_there_is_no_matrix() -> None:
    figure = new_figure(300, 150, 100)
    empty = {"rows": (), "columns": ("Bulk",), "confusion": ()}
    assert draw_confusion(figure, empty) is None
    assert figure.texts[0].get_text() == "No labelled windows."


def test_small_bins_are_left_out_of_the_reliability() -> None:
    classes = {"SF1": bins((5, 0.1, 0.0), (4, 0.5, 0.4), (9, 0.9, 1.0)), "LC": bins((1, 0.2, 0.0))}
    assert reliability_curves(classes) == {"SF1": [(0.1, 0.0), (0.9, 1.0)], "LC": []}


def test_reliability_curves_have_the_colours_of_their_classes() -> None:
    figure = new_figure(200, 200, 100)
    axes = draw_reliability(figure, {"SF1": bins((9, 0.25, 0.75)), "LC": bins((1, 0.2, 0.0))})
    found = where(pixels(figure), default_class("SF1").colour)
    box = axes.get_position()
    in_axes = found[found[:, 0] < 1 - box.y0]
    y, x = in_axes.mean(axis=0)
    assert (x - box.x0) / box.width == pytest.approx(0.25, abs=0.02)
    assert (1 - y - box.y0) / box.height == pytest.approx(0.75, abs=0.02)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["SF1"]


def test_losses_are_solid_for_training_and_dashed_for_validation() -> None:
    losses = [EpochLoss("SF1", 0, epoch, 1 / epoch, 1.2 / epoch) for epoch in range(1, 6)]
    axes = draw_losses(new_figure(200, 150, 100), losses)
    solid, dashed = axes.lines
    assert not solid.is_dashed()
    assert dashed.is_dashed()
    assert list(solid.get_ydata()) == [loss.training for loss in losses]
    assert list(dashed.get_ydata()) == [loss.validation for loss in losses]


def test_a_high_validation_loss_leaves_the_training_loss_readable() -> None:
    axes = draw_losses(new_figure(200, 150, 100), [EpochLoss("SF1", 0, 1, 1.0, 50.0)])
    assert 1.5 < axes.get_ylim()[1] < 2


def test_no_losses_and_zero_losses_can_be_drawn() -> None:
    for losses in ([], [EpochLoss("", 0, 1, 0.0, None)]):
        figure = new_figure(200, 150, 100)
        draw_losses(figure, losses)
        figure.canvas.draw()


def test_legends_of_losses_name_each_class_once() -> None:
    legend = loss_legend(epoch_losses(HISTORY * 2))
    assert [entry.name for entry in legend] == ["pretraining", "Bulk", "SF1"]
    assert legend[2].colour == default_class("SF1").colour


@pytest.mark.parametrize("name", ["$x", "a_{b}$c$", "欠陥 µ", "x" * 60])
def test_any_class_name_can_be_drawn(name: str) -> None:
    figure = new_figure(300, 200, 72)
    draw_confusion(figure, {"rows": (name,), "columns": (name,), "confusion": ((1,),)})
    draw_losses(figure, [EpochLoss(name, 0, 1, 0.5, None)])
    figure.canvas.draw()
