"""Surveys dropped on napari: their places are in the table, and lead to their frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from panels import docked, press, wait_for
from qtpy.QtWidgets import QComboBox, QLabel
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.survey_folder import add_survey
from napari_stem_defects.napari_plugin.layers.convert import get_camera
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


def dropped(viewer: Any, path: Path) -> Any:
    """Open a survey as a drop on napari does, and return the panel that opens with it."""
    viewer.open(str(path), plugin=PLUGIN)
    wait_for(lambda: bool(viewer.window.dock_widgets))
    (widget,) = viewer.window.dock_widgets.values()
    assert isinstance(widget, DetectDefectsWidget)
    wait_for(lambda: widget.listed.survey is not None)
    return widget


def has_counts(widget: Any) -> bool:
    """Return whether densities stand beside the thresholds of the classes."""
    return any("nm²" in label.text() for label in widget.classes.findChildren(QLabel))


def rows(widget: Any) -> int:
    return int(widget.regions.model().rowCount())


def test_the_places_are_listed_and_shown(empty: Any, tmp_path: Path) -> None:
    folder, (made,) = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "out")
    widget = dropped(empty, folder)
    assert widget.listed.lists_places
    assert rows(widget) == len(made.candidates)
    assert made.statement in widget.run_row.message.text()
    assert widget.setup.image.currentText() == "a"
    widget.regions.selectRow(0)
    first = made.candidates[0]
    wanted = [0.02 * first.y, 0.02 * first.x]
    assert get_camera(empty).center[-2:] == pytest.approx(wanted, abs=0.001)
    press(widget, "export")
    assert f"stored already, in {folder}" in widget.export.message.text()


def test_a_new_survey_takes_over_the_layers(empty: Any, tmp_path: Path) -> None:
    folder, _ = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "out")
    widget = dropped(empty, folder)
    old = empty.layers["unusual places - a"]
    press(widget, "survey")
    wait_for(lambda: old not in empty.layers and "unusual places - a" in empty.layers)
    names = [layer.name for layer in empty.layers]
    assert names == ["a", "anomaly - a", "unusual places - a"]
    assert widget.surveyed.missing() == ""


def test_the_table_follows_the_frame_of_a_stack(empty: Any, tmp_path: Path) -> None:
    path = write_crystal(tmp_path / "movie.npy", 4)
    folder, made = write_surveys(path, tmp_path / "out", [1, 3])
    widget = dropped(empty, folder)
    for survey in made:
        empty.dims.set_current_step(0, survey.frame)
        wait_for(lambda survey=survey: rows(widget) == len(survey.candidates))
        assert widget.listed.survey.frame == survey.frame
        assert survey.statement in widget.run_row.message.text()
    press(widget, "run")  # a detection clears the list, and frames no longer fill it
    wait_for(lambda: widget.listed.survey is None)


def test_several_images_without_one_of_them(empty: Any, tmp_path: Path) -> None:
    for number in range(2):
        write_surveys(write_crystal(tmp_path / f"im{number}.npy", seed=number), tmp_path / "out")
    (tmp_path / "im1.npy").unlink()
    widget = dropped(empty, tmp_path / "out")
    empty.dims.set_current_step(0, 1)
    wait_for(lambda: widget.run_row.message.text().startswith("frame 1: im1 · "))
    empty.dims.set_current_step(0, 0)
    wait_for(lambda: widget.run_row.message.text().startswith("frame 0: im0 · "))


def test_without_its_image_a_place_is_shown_on_the_map(empty: Any, tmp_path: Path) -> None:
    image = write_crystal(tmp_path / "a.npy")
    folder, (made,) = write_surveys(image, tmp_path / "out")
    image.unlink()
    widget = dropped(empty, folder)
    assert "is not found" in widget.run_row.message.text()
    widget.regions.selectRow(1)
    second = made.candidates[1]
    wanted = [0.02 * second.y, 0.02 * second.x]
    assert get_camera(empty).center[-2:] == pytest.approx(wanted, abs=0.001)


def test_results_give_way_to_a_survey_and_the_other_way_round(empty: Any, tmp_path: Path) -> None:
    result = write_result(write_image(tmp_path / "b.tif"), tmp_path / "found")
    survey, (made,) = write_surveys(write_crystal(tmp_path / "a.npy"), tmp_path / "unusual")
    widget = docked(empty, DetectDefectsWidget)
    empty.open(str(result), plugin=PLUGIN)
    wait_for(lambda: widget.view_model.results.opened is not None)
    wait_for(lambda: has_counts(widget))
    empty.open(str(survey), plugin=PLUGIN)
    wait_for(lambda: widget.listed.lists_places)
    assert widget.view_model.results.opened is None
    assert not widget.export.save.isVisible()
    assert rows(widget) == len(made.candidates)
    assert not has_counts(widget)
    empty.layers.clear()
    empty.open(str(result), plugin=PLUGIN)
    wait_for(lambda: widget.view_model.results.opened is not None)
    assert not widget.listed.lists_places
    assert rows(widget) == 3


@pytest.mark.parametrize("has_regions", [True, False])
def test_the_survey_within_results_is_offered_beside_regions(
    empty: Any, tmp_path: Path, has_regions: bool
) -> None:
    image = write_crystal(tmp_path / "a.npy")
    threshold = 0.5 if has_regions else 1.1
    folder = write_result(image, tmp_path / "out", threshold=threshold)
    micrograph = read(image)
    made = survey_frame(micrograph)
    add_survey(folder, micrograph, [made])
    widget = dropped(empty, folder)
    listed = widget.findChild(QComboBox, "listed")
    assert listed.isHidden() != has_regions
    assert widget.listed.lists_places != has_regions
    listed.setCurrentText("Unusual places")
    listed.activated.emit(listed.currentIndex())
    assert rows(widget) == len(made.candidates)
    assert widget.view_model.results.opened is not None
