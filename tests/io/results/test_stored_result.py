"""Finished result folders, read frame by frame."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from written_results import write_image, write_result

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.stored_result import StoredResult, is_result

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_image(tmp_path / "data" / "movie.tif", 4)


@pytest.fixture
def folder(image: Path, tmp_path: Path) -> Path:
    return write_result(image, tmp_path / "out", [1, 3])


def edit_summary(folder: Path, change: Any) -> None:
    path = folder / "summary.json"
    summary = json.loads(path.read_text(encoding="utf-8"))
    change(summary)
    path.write_text(json.dumps(summary), encoding="utf-8")


def test_a_frame_is_what_read_results_returns(folder: Path) -> None:
    stored = StoredResult(folder / "summary.json")
    assert (stored.folder, stored.frames, stored.frame_count) == (folder, (1, 3), 4)
    assert stored.is_stack
    assert stored.has_probability
    for whole in read_results(folder):
        found = stored.detection(whole.frame)
        assert found.regions == whole.regions
        assert found.parameters == whole.parameters
        assert found.class_table == whole.class_table
        np.testing.assert_array_equal(found.masks, whole.masks)
        np.testing.assert_array_equal(found.map.probability, whole.map.probability)


def test_without_probabilities_the_masks_remain(folder: Path) -> None:
    (folder / "probability.npz").unlink()
    stored = StoredResult(folder)
    assert not stored.has_probability
    found = stored.detection(1)
    assert found.masks.any()
    assert not found.map.valid.any()


def test_the_image_is_found_where_it_was_or_beside_the_results(
    folder: Path, image: Path, tmp_path: Path
) -> None:
    assert StoredResult(folder).find_image() == image
    for place in (folder, folder.parent, folder.parent.parent):
        image = image.rename(place / image.name)
        found = StoredResult(folder).find_image()
        assert found is not None
        assert found.resolve() == image.resolve()
    (tmp_path / "far" / "away").mkdir(parents=True)
    image = image.rename(tmp_path / "far" / "away" / image.name)
    stored = StoredResult(folder)
    assert stored.find_image() is None
    stored.moved_to = image
    assert stored.find_image() == image


def test_a_path_of_windows_names_the_same_file(folder: Path, image: Path) -> None:
    image.rename(folder / image.name)
    edit_summary(folder, lambda s: s["image"].update(path=r"D:\night 3\movie.tif"))
    assert StoredResult(folder).find_image() == folder / "movie.tif"
    edit_summary(folder, lambda s: s["image"].update(path=None))
    assert StoredResult(folder).find_image() is None


def test_later_frames_of_older_results_do_not_get_the_checks_of_the_first(folder: Path) -> None:
    def older(summary: dict[str, Any]) -> None:
        summary["parameters"]["planar_checks"] = [{"name": "SF1"}]
        summary["parameters"]["corrections"] = [{"frame": 1}]
        summary["corrections"] = [{"frame": 1}, {"frame": 3}]
        for frame in summary["frames"]:
            frame.pop("parameters")

    edit_summary(folder, older)
    stored = StoredResult(folder)
    assert stored.detection(1).parameters["planar_checks"] == [{"name": "SF1"}]
    assert stored.detection(1).parameters["corrections"] == [{"frame": 1}]
    assert "planar_checks" not in stored.detection(3).parameters
    assert stored.detection(3).parameters["corrections"] == [{"frame": 3}]


def test_what_is_a_result(folder: Path, tmp_path: Path) -> None:
    assert is_result(folder)
    assert is_result(folder / "summary.json")
    assert not is_result(folder.parent)
    assert not is_result(folder / "regions.csv")
    assert not is_result(tmp_path / "nowhere")
    survey = tmp_path / "survey"
    survey.mkdir()
    (survey / "summary.json").write_text('{"result": "survey", "fingerprint": "a"}')
    assert not is_result(survey)


def test_unfinished_and_damaged_folders_are_one_line(folder: Path, tmp_path: Path) -> None:
    half = tmp_path / "half"
    (half / ".partial" / "ab").mkdir(parents=True)
    assert is_result(half)
    cases = {"half": "unfinished"}
    for name, fault in {
        "cut": "is damaged",
        "no-classes": "is damaged",
        "no-masks": "masks.ome.tif is missing",
        "no-table": "regions.csv",
        "bad-lines": "lines.geojson",
    }.items():
        shutil.copytree(folder, tmp_path / name)
        cases[name] = fault
    text = (folder / "summary.json").read_text(encoding="utf-8")
    (tmp_path / "cut" / "summary.json").write_text(text[:200], encoding="utf-8")
    assert is_result(tmp_path / "cut")
    edit_summary(tmp_path / "no-classes", lambda s: s.update(classes=[{"colour": 1}]))
    (tmp_path / "no-masks" / "masks.ome.tif").unlink()
    (tmp_path / "no-table" / "regions.csv").unlink()
    (tmp_path / "bad-lines" / "lines.geojson").write_text("{}")
    for name, fault in cases.items():
        with pytest.raises(ReadError, match=fault) as caught:
            StoredResult(tmp_path / name)
        assert "\n" not in str(caught.value)
