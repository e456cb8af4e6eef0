"""Results of frames, of a detection or of an opened folder."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sample_results import result
from written_results import write_image, write_result

from napari_stem_defects.jobs.opened_result import open_result
from napari_stem_defects.napari_plugin.panels.detect import frame_results
from napari_stem_defects.napari_plugin.panels.detect.frame_results import FrameResults

if TYPE_CHECKING:
    from pathlib import Path


def test_results_of_a_detection_are_counted() -> None:
    results = FrameResults()
    assert results.first() is None
    assert results.counts() == {}
    for frame in (0, 2):
        results[frame] = result(frame)
    assert list(results) == [0, 2]
    assert 1 not in results
    assert len(results.regions()) == 4
    assert results.counts()["LC"].count == 2
    counted = r"2 SF1 \([0-9.]+ nm per nm²\), 2 LC \(0\.14 per nm²\) in 2 frames"
    assert re.fullmatch(counted, results.summary())
    del results[2]
    assert len(results.regions()) == 2
    assert results.get(2) is None


def test_where_nothing_is_found_the_classes_and_what_shows_others_are_stated() -> None:
    results = FrameResults()
    results[0] = replace(result(0), regions=())
    nothing = "no SF1 or LC · Find unusual places shows defects of other kinds"
    assert results.summary() == nothing


def test_an_opened_stack_is_read_frame_by_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_results, "_KEPT", 2)
    folder = write_result(write_image(tmp_path / "m.tif", 5), tmp_path / "out")
    results = FrameResults()
    results.open(open_result(folder))
    assert len(results.regions()) == 15  # from the table
    assert results.loaded() == []
    for frame in range(5):
        assert results[frame].frame == frame
    assert [each.frame for each in results.loaded()] == [3, 4]
    changed = results[1].with_thresholds({"Vacancy_CdTe": 0.95})
    results[1] = changed
    results[3], results[4]
    assert len(results.regions()) == 13  # also of a frame that is not held any more
    assert results.counts()["Vacancy_CdTe"].count == 8
    assert results.searched_nm2() == pytest.approx(5 * 96 * 128 * 0.05**2)


def test_a_frame_that_cannot_be_read_has_no_result(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "m.tif", 2), tmp_path / "out")
    results = FrameResults()
    results.open(open_result(folder))
    (folder / "masks.ome.tif").unlink()
    assert results.get(0) is None
    assert results.probabilities_at(0, 5, 5) is None
    assert results.region_at(0, 5, 5) is None
