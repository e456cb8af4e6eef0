"""Results dropped on napari: table, thresholds and corrections go on, by mouse and keys."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from panel_actions import press_copy_as, slide
from panels import docked, press, wait_for
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog
from written_results import write_image, write_result

from napari_stem_defects.io.results.read_results import read_results, read_summary
from napari_stem_defects.napari_plugin.layers.convert import RESULT_KEY
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.gui

PLUGIN = "napari-stem-defects"


@pytest.fixture
def empty(make_napari_viewer: Callable[..., Any]) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1280, 900)
    return viewer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_result(write_image(tmp_path / "data" / "movie.tif", 3), tmp_path / "out")


def opened(viewer: Any, path: Path) -> Any:
    """Open results as a drop on napari does, and return the panel that opens with them."""
    viewer.open(str(path), plugin=PLUGIN)
    wait_for(lambda: bool(viewer.window.dock_widgets))
    (widget,) = viewer.window.dock_widgets.values()
    assert isinstance(widget, DetectDefectsWidget)
    wait_for(lambda: widget.view_model.results.opened is not None)
    return widget


def select_row(widget: Any, class_name: str, frame: int) -> None:
    model = widget.regions.model()
    row = next(
        row
        for row, region in enumerate(model.items)
        if (region.class_name, region.frame) == (class_name, frame)
    )
    index = model.index(row, 1)
    widget.body.ensureWidgetVisible(widget.regions)
    widget.regions.scrollTo(index)
    QTest.qWait(30)
    where = widget.regions.visualRect(index).center()
    QTest.mouseClick(widget.regions.viewport(), Qt.MouseButton.LeftButton, pos=where)
    QTest.qWait(30)


def vacancies(folder: Path) -> list[int]:
    found = read_results(folder)
    return [sum(r.class_name == "Vacancy_CdTe" for r in each.regions) for each in found]


def test_corrections_are_saved_and_continue_later(empty: Any, folder: Path) -> None:
    widget = opened(empty, folder)
    assert len(widget.view_model.results.regions()) == 9
    assert widget.setup.image.currentText() == "movie"
    assert "6 Vacancy_CdTe" in widget.run_row.message.text()
    assert not widget.export.save.isEnabled()

    select_row(widget, "Vacancy_CdTe", 1)
    assert empty.dims.current_step[0] == 1
    before = int((empty.layers["Vacancy_CdTe - movie"].data[1] > 0).sum())
    QTest.keyClick(widget.regions, Qt.Key.Key_Delete)
    wait_for(lambda: len(widget.view_model.results.regions()) == 8)
    shown = empty.layers["Vacancy_CdTe - movie"]
    wait_for(lambda: 0 < int((shown.data[1] > 0).sum()) < before)
    press(widget, "save")
    wait_for(lambda: widget.view_model.exporting.phase == "done")
    assert vacancies(folder) == [2, 1, 2]
    assert not widget.export.save.isEnabled()
    assert len(widget.view_model.results.regions()) == 8

    # Another drop continues with the stored correction, which can be taken back.
    empty.layers.clear()
    widget.view_model.results.clear()
    widget = opened(empty, folder / "summary.json")
    assert widget.correction.statement.text().startswith("1 corrected")
    empty.dims.set_current_step(0, 1)
    press(widget, "undo_correction")
    wait_for(lambda: len(widget.view_model.results.regions()) == 9)
    press(widget, "save")
    wait_for(lambda: widget.view_model.exporting.phase == "done")
    assert vacancies(folder) == [2, 2, 2]
    assert read_summary(folder)["corrections"] == []


def test_thresholds_are_live(empty: Any, folder: Path) -> None:
    widget = opened(empty, folder)
    empty.dims.set_current_step(0, 0)
    slide(widget, "Vacancy_CdTe", 0.95)
    wait_for(lambda: widget.view_model.results[0].thresholds["Vacancy_CdTe"] == 0.95)
    shown = empty.layers["Vacancy_CdTe - movie"]
    wait_for(lambda: not shown.data[0].any())
    empty.dims.set_current_step(0, 2)  # another frame follows when it is shown
    wait_for(lambda: not shown.data[2].any())
    press(widget, "save")
    wait_for(lambda: widget.view_model.exporting.phase == "done")
    assert vacancies(folder) == [0, 0, 0]


def test_a_panel_that_is_open_takes_the_results(empty: Any, folder: Path, tmp_path: Path) -> None:
    widget = docked(empty, DetectDefectsWidget)
    empty.open(str(folder), plugin=PLUGIN)
    wait_for(lambda: widget.view_model.results.opened is not None)
    press_copy_as(widget, "Command")
    text = QApplication.clipboard().text()
    assert str(tmp_path / "data" / "movie.tif") in text
    assert "--model cdte-110" in text
    assert "--frames 0,1,2" in text


def test_export_writes_a_new_folder(
    empty: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = opened(empty, folder)
    select_row(widget, "Vacancy_CdTe", 0)
    QTest.keyClick(widget.regions, Qt.Key.Key_Delete)
    wait_for(lambda: len(widget.view_model.results.regions()) == 8)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path / "new"))
    press(widget, "export")
    wait_for(lambda: widget.view_model.exporting.phase == "done")
    assert vacancies(tmp_path / "new" / "movie") == [1, 2, 2]
    assert vacancies(folder) == [2, 2, 2]
    assert widget.export.save.isEnabled()


def test_a_batch_without_one_of_its_images(empty: Any, tmp_path: Path) -> None:
    for number in range(3):
        image = write_image(tmp_path / "data" / f"im{number}.tif", seed=number)
        write_result(image, tmp_path / "out")
    (tmp_path / "data" / "im1.tif").unlink()
    widget = opened(empty, tmp_path / "out")
    assert "im1.tif is not found" in widget.run_row.message.text()
    empty.dims.set_current_step(0, 2)
    wait_for(lambda: widget.run_row.message.text().startswith("frame 2: im2"))
    select_row(widget, "SF1", 1)
    QTest.keyClick(widget.regions, Qt.Key.Key_Delete)
    wait_for(lambda: len(widget.view_model.results.regions()) == 8)
    press(widget, "save")
    wait_for(lambda: widget.view_model.exporting.phase == "done")
    counts = [read_summary(tmp_path / "out" / f"im{n}")["counts"]["SF1"] for n in range(3)]
    assert counts == [1, 0, 1]


def test_without_the_image_or_probabilities_the_table_is_there(empty: Any, folder: Path) -> None:
    image = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["image"]["path"]
    (folder / "probability.npz").unlink()
    (folder.parent.parent / "data" / "movie.tif").unlink()
    widget = opened(empty, folder)
    assert len(widget.view_model.results.regions()) == 9
    text = widget.run_row.message.text()
    assert f"{image} is not found" in text
    assert "no probabilities are stored" in text
    select_row(widget, "Vacancy_CdTe", 2)
    assert empty.dims.current_step[0] == 2
    QTest.keyClick(widget.regions, Qt.Key.Key_Delete)
    assert len(widget.view_model.results.regions()) == 9


def test_a_new_run_takes_over_the_layers(empty: Any, tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    widget = opened(empty, folder)
    press(widget, "run")
    wait_for(lambda: not widget.view_model.run.busy)
    assert widget.view_model.run.phase == "done", widget.view_model.run.message
    assert widget.view_model.results.opened is None
    assert not widget.export.save.isVisible()
    metadata = empty.layers["SF1 - a"].metadata["stem_defects"]
    assert RESULT_KEY not in metadata
    assert set(widget.view_model.thresholds) == {"Bulk", "SF1"}


def test_the_statement_is_that_of_the_image_shown(empty: Any, tmp_path: Path) -> None:
    """napari shows the middle of a stack first, and the slider may stand anywhere."""
    for number in range(3):
        write_result(write_image(tmp_path / "data" / f"image_{number}.tif", 1), tmp_path / "out")
    widget = opened(empty, tmp_path / "out")
    wait_for(lambda: "image_" in widget.run_row.message.text())
    shown = int(empty.dims.current_step[0])
    assert shown > 0
    assert widget.run_row.message.text().startswith(f"frame {shown}: image_{shown}")


def test_the_table_of_opened_results_has_the_room_of_the_settings(empty: Any, folder: Path) -> None:
    widget = opened(empty, folder)
    empty.window._qt_window.resize(1280, 700)
    widget = opened(empty, folder)
    wait_for(lambda: not widget.setup.fold.isChecked())
    assert widget.setup.fold.text().startswith("▸ movie")


def test_without_results_no_folder_is_asked_for(
    empty: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: asked.append(_) or "")
    widget = docked(empty, DetectDefectsWidget)
    press(widget, "export")
    assert widget.export.message.text().startswith("there is no result to export")
    assert asked == []
