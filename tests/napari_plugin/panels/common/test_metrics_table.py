"""Table of metrics per class."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtGui import QColor, QPalette
from report_samples import evaluated

from napari_stem_defects.napari_plugin.panels.common.metrics_table import (
    MetricsTable,
    full_columns,
    short_columns,
)
from napari_stem_defects.reporting.colour_contrast import TEXT_RATIO, contrast_ratio

pytestmark = pytest.mark.gui


def evaluation(split: str) -> dict[str, Any]:
    counts = {"training": {"Bulk": 30}, "test": {"Bulk": 10, "SF1": 10}}
    return evaluated(split, counts=counts).to_dict()


def texts(table: MetricsTable, row: int) -> list[str]:
    return [table.item(row, column).text() for column in range(table.columnCount())]


def test_one_evaluation_shows_all_metrics() -> None:
    headings = [column.heading for column in short_columns([evaluation("site")])]
    assert headings == ["P", "R", "F1", "false", "missed"]


def test_several_evaluations_are_distinguished_by_their_split() -> None:
    headings = [c.heading for c in short_columns([evaluation("site"), evaluation("random")])]
    assert headings == ["site\nP", "site\nR", "site\nF1", "random\nF1"]


def test_rows_hold_the_metrics_of_their_class(qtbot: Any) -> None:
    table = MetricsTable("figures")
    qtbot.addWidget(table)
    table.set_columns(full_columns(evaluation("site")))
    assert texts(table, 0) == ["30", "10", "1.00", "0.90", "0.95", "0", "1"]
    assert texts(table, 1)[0] == "–"
    assert table.item(0, 3).toolTip() == "0.900, 95 % interval 0.596 to 0.982"


def test_names_stay_readable_in_another_theme(qtbot: Any) -> None:
    table = MetricsTable("figures")
    qtbot.addWidget(table)
    for background, text in (("#efebe9", "#000000"), ("#262930", "#ffffff")):
        theme = QPalette()
        theme.setColor(QPalette.ColorRole.Window, QColor(background))
        theme.setColor(QPalette.ColorRole.WindowText, QColor(text))
        table.setPalette(theme)
        table.set_columns(full_columns(evaluation("site")))
        for row in range(table.rowCount()):
            ink = table.verticalHeaderItem(row).foreground().color().name()
            assert contrast_ratio(ink, background) >= TEXT_RATIO
