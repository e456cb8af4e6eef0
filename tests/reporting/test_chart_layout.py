"""Margins, texts and legends of charts, in points."""

from __future__ import annotations

import pytest
from report_samples import HISTORY

from napari_stem_defects.reporting.chart_layout import (
    LegendEntry,
    Margins,
    add_axes,
    add_plot_axes,
    label,
    legend_height,
    new_figure,
    size_in_points,
    write,
)
from napari_stem_defects.reporting.figures import loss_legend
from napari_stem_defects.reporting.losses import epoch_losses
from napari_stem_defects.reporting.themes import DARK, LIGHT


@pytest.mark.parametrize("dpi", [72, 150])
def test_sizes_are_in_points_at_every_resolution(dpi: float) -> None:
    figure = new_figure(300, 200, dpi)
    assert size_in_points(figure) == pytest.approx((300, 200))
    left, right = figure.subfigures(1, 2, wspace=0)
    assert size_in_points(right) == pytest.approx((150, 200))
    axes = add_axes(left, Margins(30, 20, 10, 50), LIGHT)
    box = axes.get_window_extent()
    scale = 72 / dpi
    assert [box.x0 * scale, box.y0 * scale] == pytest.approx([30, 50])
    assert [box.width * scale, box.height * scale] == pytest.approx([110, 130])


def test_axes_of_a_tiny_figure_keep_a_size() -> None:
    box = add_axes(new_figure(20, 20, 72), Margins(30, 20, 10, 50), LIGHT).get_window_extent()
    assert box.width > 0
    assert box.height > 0


def test_a_figure_has_the_background_of_its_theme() -> None:
    figure = new_figure(30, 20, 72, DARK)
    figure.canvas.draw()
    red, green, blue, _ = bytes(figure.canvas.buffer_rgba())[:4]
    assert f"#{red:02x}{green:02x}{blue:02x}" == DARK.background


def test_texts_start_where_they_should() -> None:
    figure = new_figure(300, 200, 72)
    write(figure, 40, 60, "Edge", LIGHT.text)
    axes = add_axes(figure, Margins(100, 100, 0, 0), LIGHT)
    label(axes, (0, 0), (5, 7), "Edge", LIGHT.text, va="baseline")
    figure.canvas.draw()
    written, beside = figure.texts[0].get_window_extent(), axes.texts[0].get_window_extent()
    assert (written.x0, written.y0) == pytest.approx((40, 200 - 60), abs=3)
    assert (beside.x0, beside.y0) == pytest.approx((105, 7), abs=3)


def test_a_narrow_legend_is_higher() -> None:
    legend = loss_legend(epoch_losses(HISTORY))
    assert legend_height(legend, 70) == 3 * legend_height(legend, 700)
    assert legend_height([], 700) == 0


def test_legends_and_axes_do_not_overlap() -> None:
    legend = [LegendEntry(f"class {number}", "#ff0000") for number in range(9)]
    figure = new_figure(200, 250, 72)
    axes = add_plot_axes(figure, legend, ("x", "y"), LIGHT)
    figure.canvas.draw()
    box = figure.legends[0].get_window_extent()
    below = axes.xaxis.label.get_window_extent()
    assert box.y0 >= 0
    assert box.x1 <= 200
    assert box.y1 <= below.y0 + 1
    assert below.y1 <= axes.get_window_extent().y0
