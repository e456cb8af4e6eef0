"""Summary of a report in the panel Train ensemble."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from report_samples import evaluated

from napari_stem_defects.napari_plugin.panels.train.report_summary import ReportSummary

pytestmark = pytest.mark.gui


@pytest.fixture
def summary(qtbot: Any) -> ReportSummary:
    made = ReportSummary()
    qtbot.addWidget(made)
    return made


def test_without_evaluations_it_is_hidden(summary: ReportSummary) -> None:
    summary.set_evaluations([evaluated("site").to_dict()])
    assert not summary.isHidden()
    summary.set_evaluations([])
    assert summary.isHidden()


def test_each_split_is_explained(summary: ReportSummary) -> None:
    both = [evaluated(split).to_dict() for split in ("site", "random")]
    summary.set_evaluations(both, "Stopped early.")
    assert summary.meaning.text().splitlines() == [
        "Held-out defects: meaning of site.",
        "Random split: meaning of random.",
    ]
    assert summary.remarks.text() == "Stopped early."
    summary.set_evaluations([evaluated("site", notes=("Vac: 5 of 5 found.",)).to_dict()], "Late.")
    assert summary.remarks.text().splitlines() == ["Vac: 5 of 5 found.", "Late."]
    summary.set_evaluations(both)
    assert summary.metrics.rowCount() == 2


def test_the_button_opens_the_report(summary: ReportSummary, qtbot: Any) -> None:
    summary.show()
    with qtbot.waitSignal(summary.open_clicked, timeout=1000):
        QTest.mouseClick(summary.open, Qt.MouseButton.LeftButton)
