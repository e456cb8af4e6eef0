"""``report.png``: a row of charts per split, the losses once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from report_samples import HISTORY, evaluated

from napari_stem_defects.reporting.report_page import draw_report, report_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pixels(figure: Figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)


def test_a_report_has_a_row_of_charts_per_split() -> None:
    one = draw_report("striped µ", [evaluated("site")], HISTORY)
    two = draw_report("striped µ", [evaluated("site"), evaluated("random")], HISTORY)
    assert pixels(one).shape[1] == pixels(two).shape[1] == 1760
    assert one.get_figheight() < two.get_figheight() < 2 * one.get_figheight()
    texts = [text.get_text() for text in two.texts]
    assert texts[0] == "Report on striped µ"
    assert {"Held-out defects", "Random split"} <= set(texts)
    assert [len(figure.axes) for figure in two.subfigs] == [1, 1, 1, 1, 1, 0]


def test_charts_of_a_report_are_where_they_should_be() -> None:
    """Compare the mean darkness of a coarse grid: left the matrix, right the losses."""
    with_losses = pixels(draw_report("x", [evaluated("site")], HISTORY)).mean(axis=2)
    without = pixels(draw_report("x", [evaluated("site")], [])).mean(axis=2)
    changed = np.abs(with_losses - without)
    cells = changed[: changed.shape[0] // 8 * 8].reshape(8, -1, 8, 220).mean(axis=(1, 3))
    assert cells[:, :5].max() < 0.01
    assert cells[3:, 6:].max() > 2


def test_a_long_explanation_is_wrapped_and_cut() -> None:
    figure = draw_report("x", [evaluated("site", untestable={"LC": "", "SF2": ""})], [])
    assert "Meaning of site. Not testable: LC, SF2." in [text.get_text() for text in figure.texts]
    figure = draw_report("x", [replace(evaluated("site"), meaning="more windows " * 100)], [])
    figure.canvas.draw()
    assert all(text.get_window_extent().x1 < 1760 for text in figure.texts)


def test_the_settings_of_the_user_have_no_effect() -> None:
    a = report_picture("x", [evaluated("site")], HISTORY)
    with matplotlib.rc_context({"savefig.dpi": 40, "axes.facecolor": "red", "font.size": 40}):
        b = report_picture("x", [evaluated("site")], HISTORY)
    assert a.size == b.size == (1760, a.height)
    assert np.abs(np.asarray(a, int) - np.asarray(b, int)).mean() < 0.01
