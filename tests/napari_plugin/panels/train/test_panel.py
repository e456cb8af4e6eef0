"""Train ensemble, as a person uses it."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from labelled_crystals import click_project, vacancies
from panels import Heartbeat, choose_in_list, choose_in_menu, crystal, docked, press, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QWidget

from napari_stem_defects.napari_plugin.panels.common.report_window import ReportWindow
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.train.panel import TrainEnsembleWidget

pytestmark = pytest.mark.gui
FEW, ENOUGH = 12, 24
"""Patches of each class; so many are tested that a bin of probabilities holds 5."""


@pytest.fixture
def widget(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Any:
    """Return the panel with a folder of patches, added through its dialog."""
    folder, each = tmp_path / "patches", getattr(request, "param", FEW)
    folder.mkdir()
    for number in range(each):
        noise = np.random.default_rng(number).integers(0, 100, (64, 64), np.uint8)
        tifffile.imwrite(folder / f"Bulk_{number}.tif", noise)
        tifffile.imwrite(folder / f"SF1_{number}.tif", noise + (crystal(64) // 8).astype(np.uint8))
    made = docked(viewer, TrainEnsembleWidget)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    press(made, "add_data")
    wait_for(lambda: made.view_model.counts == {"Bulk": each, "SF1": each})
    line = made.findChild(QWidget, "name")
    line.selectAll()
    QTest.keyClicks(line, "mine")
    return made


@pytest.mark.parametrize("widget", [ENOUGH], indirect=True)
def test_the_report_shows_random_beside_honest(viewer: Any, widget: Any, library: Path) -> None:
    widget.split.setCurrentText("image")
    widget.compare.setChecked(True)
    choose_in_list(widget.findChild(QWidget, "recipe"), "abstract")  # without pretraining
    gaps = Heartbeat()
    press(widget, "run")
    wait_for(lambda: bool(widget.view_model.losses))
    assert widget.losses.isVisible()
    wait_for(lambda: not widget.view_model.run.busy, 100)
    assert widget.view_model.run.phase == "done", widget.view_model.run.message
    report = widget.report
    assert report.isVisibleTo(widget)
    titles = [
        report.metrics.horizontalHeaderItem(column).text()
        for column in range(report.metrics.columnCount())
    ]
    assert titles == ["image\nP", "image\nR", "image\nF1", "random\nF1"]
    honest, random = report.meaning.text().splitlines()
    assert "whole images were held out" in honest
    assert "this tests memory" in random
    assert {name for name, _ in widget.losses.legend} == {"Bulk", "SF1"}
    press(widget, "open_report")
    check_report(viewer, next(iter(widget.findChildren(ReportWindow))))
    card = (library / "mine.md").read_text(encoding="utf-8")
    assert card.startswith("# mine")
    assert "random" in card
    gaps.check()
    open_from_the_card(viewer)


def check_report(viewer: Any, shown: ReportWindow) -> None:
    """It is large, stands beside the viewer, and shows everything for both splits."""
    assert shown.isVisible()
    assert not shown.isModal()
    assert shown.windowTitle() == "Report on mine"
    assert (shown.width(), shown.height()) > (1000, 700)
    for split in ("image", "random"):
        confusion = shown.findChild(QWidget, f"confusion_{split}")
        assert list(confusion.columns) == ["Bulk", "SF1", "unknown"]
        assert sum(map(sum, confusion.counts)) > 0
        reliability = shown.findChild(QWidget, f"reliability_{split}")
        assert set(reliability.curves) == {"Bulk", "SF1"}
        assert any(reliability.curves.values())
        assert shown.findChild(QWidget, f"figures_{split}").columnCount() == 7
        assert "windows tested" in shown.findChild(QWidget, f"meaning_{split}").text()
    QTest.keyClick(shown, Qt.Key.Key_Escape)


def open_from_the_card(viewer: Any) -> None:
    """The report is there again in the library, whenever it is wanted."""
    detecting = docked(viewer, DetectDefectsWidget)
    detecting.ensemble.reload("mine")
    menu = detecting.findChild(QWidget, "model_actions").menu()
    menu.popup(detecting.mapToGlobal(detecting.rect().topLeft()))
    choose_in_menu(menu, "Show card")
    card = detecting.findChild(QWidget, "card_text").window()
    QTest.mouseClick(card.findChild(QWidget, "open_report"), Qt.MouseButton.LeftButton)
    assert not card.isVisible()
    (shown,) = detecting.findChildren(ReportWindow)
    assert shown.windowTitle() == "Report on mine"
    shown.close()


@pytest.mark.parametrize("keep", [True, False])
def test_cancel_leaves_the_best_so_far_or_nothing(
    viewer: Any, widget: Any, library: Path, keep: bool
) -> None:
    widget.split.setCurrentText("random")
    widget.compare.setChecked(False)
    if not keep:
        choose_in_list(widget.findChild(QWidget, "recipe"), "abstract")  # without pretraining
        QTest.keyClick(widget.on_cancel, Qt.Key.Key_Down)
    for name in ("bulk", "sf1"):
        spin = widget.findChild(QWidget, f"epochs_{name}")
        spin.selectAll()
        QTest.keyClicks(spin, "300")
    press(widget, "run")
    wait_for(lambda: any(loss.class_name == "Bulk" for loss in widget.view_model.losses), 100)
    started = time.monotonic()
    press(widget, "cancel")
    wait_for(lambda: not widget.view_model.run.busy)
    print(f"cancelled in {time.monotonic() - started:.2f} s")
    assert time.monotonic() - started < 10  # 1 promised; the machine may be busy
    assert (library / "mine.safetensors").exists() is keep
    assert not (library / "mine.checkpoint").exists()
    if keep:
        assert {name for name, _ in widget.losses.legend} == {"pretraining", "Bulk"}
        assert "stopped early, the best so far" in widget.view_model.run.message
        assert "SF1 from the shared pretraining" in widget.report.remarks.text()
        card = (library / "mine.md").read_text(encoding="utf-8")
        assert re.search(r"Bulk at epoch \d+ of 300", card)
    else:
        assert widget.view_model.run.phase == "cancelled"


def test_cancel_of_the_comparison_leaves_the_model(viewer: Any, widget: Any, library: Path) -> None:
    widget.compare.setChecked(True)
    widget.split.setCurrentText("image")
    choose_in_list(widget.findChild(QWidget, "recipe"), "abstract")  # without pretraining
    press(widget, "run")
    wait_for(lambda: widget.view_model.run.message.startswith("beside it: training"), 100)
    press(widget, "cancel")
    wait_for(lambda: not widget.view_model.run.busy)
    assert (library / "mine.safetensors").exists()
    assert "comparison cancelled" in widget.view_model.run.message
    assert widget.report.isVisibleTo(widget)


def test_sources_are_removed_and_classes_left_out_by_mouse(viewer: Any, widget: Any) -> None:
    check = widget.findChild(QWidget, "train_sf1")
    widget.body.ensureWidgetVisible(check)
    QTest.keyClick(check, Qt.Key.Key_Space)
    assert widget.classes.classes == ("Bulk",)
    row = widget.sources.visualItemRect(widget.sources.item(0)).center()
    QTest.mouseClick(widget.sources.viewport(), Qt.MouseButton.LeftButton, pos=row)
    press(widget, "remove_data")
    assert widget.view_model.sources == []
    press(widget, "run")
    assert "there is no data" in widget.view_model.run.message


def test_the_quick_recipe_learns_from_clicks(
    viewer: Any, tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = click_project(tmp_path / "labels", vacancies(), bulk=2)
    made = docked(viewer, TrainEnsembleWidget)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(project))
    press(made, "add_data")
    wait_for(lambda: made.view_model.counts == {"Bulk": 2, "Vac": 4})
    recipe = made.findChild(QWidget, "recipe")
    choose_in_list(recipe, "quick")
    for name in ("representation", "split", "members", "epochs_vac"):
        assert not made.findChild(QWidget, name).isEnabled()
    press(made, "run")
    wait_for(lambda: not made.view_model.run.busy)
    assert made.view_model.run.phase == "done", made.view_model.run.message
    assert (library / "my-model.safetensors").is_file()
    assert made.report.isVisibleTo(made)
    choose_in_list(recipe, "suited")
    assert made.findChild(QWidget, "split").isEnabled()
