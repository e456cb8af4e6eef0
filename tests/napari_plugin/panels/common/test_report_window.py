"""The report dialog shows everything that ``report.json`` holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from panels import Heartbeat, wait_for
from qtpy.QtWidgets import QWidget
from report_samples import report

from napari_stem_defects.io.models.report_folder import report_folder
from napari_stem_defects.napari_plugin.panels.common.figure_canvas import FigureCanvas
from napari_stem_defects.napari_plugin.panels.common.report_window import ReportWindow, show_report

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gui


@pytest.fixture
def parent(qtbot: Any) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    return made


def test_each_split_has_its_charts_and_the_losses_are_shown_once(parent: QWidget) -> None:
    gaps = Heartbeat()
    dialog = ReportWindow(report().to_dict(), parent)
    dialog.show()
    charts = dialog.findChildren(FigureCanvas)
    names = [
        f"{kind}_{split}" for split in ("site", "random") for kind in ("confusion", "reliability")
    ]
    assert {chart.objectName() for chart in charts} == {*names, "report_losses"}
    wait_for(lambda: all(chart.axes is not None for chart in charts))
    assert dialog.findChild(QWidget, "remarks").text() == "A remark."
    assert "SF1 was not tested" in dialog.findChild(QWidget, "notes_site").text()
    assert dialog.findChild(QWidget, "notes_random").text() == "A note."
    meaning = dialog.findChild(QWidget, "meaning_site").text()
    assert meaning.startswith("Meaning of site. Of 20 windows tested, 95.0% were assigned")
    gaps.check()


def test_without_a_history_there_is_no_loss_plot(parent: QWidget) -> None:
    dialog = ReportWindow(report(history=[]).to_dict(), parent)
    assert dialog.findChild(QWidget, "report_losses").isHidden()


def test_a_report_is_opened_from_the_file_of_its_model(parent: QWidget, tmp_path: Path) -> None:
    model = tmp_path / "striped.safetensors"
    show_report(model, parent)
    assert not parent.findChildren(ReportWindow)
    report_folder(model).mkdir()
    text = json.dumps(report().to_dict())
    (report_folder(model) / "report.json").write_text(text, encoding="utf-8")
    show_report(model, parent)
    (dialog,) = parent.findChildren(ReportWindow)
    assert dialog.windowTitle() == "Report on striped"
    dialog.close()
