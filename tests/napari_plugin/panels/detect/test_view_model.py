"""Detecting frame by frame, thresholds, export: the window's model without a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_worker import FakeWorker
from sample_results import SHAPE, model_entry, result

from napari_stem_defects.base.search_area import (
    SearchArea,
)
from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.napari_plugin.panels.detect.view_model import DetectModel, DetectRequest
from napari_stem_defects.networks.spec import EnsembleSpec

if TYPE_CHECKING:
    from napari_stem_defects.detection.frame_result import FrameResult


class Window:
    """A model with its workers and what it announced."""

    def __init__(self) -> None:
        self.long, self.quick = FakeWorker(), FakeWorker()
        self.model = DetectModel(self.long.submit, self.quick.submit)
        self.found: list[FrameResult] = []
        self.model.frame_found.connect(self.found.append)
        self.model.use_model(model_entry())

    def start(self, frames: int = 1) -> None:
        self.model.start(
            DetectRequest("CdTe", take, lambda: take(0), range(frames), model_entry(), stride=8)
        )


def take(frame: int) -> FrameInput:
    return FrameInput(np.full(SHAPE, frame, np.uint8), "CdTe")


@pytest.fixture
def window() -> Window:
    return Window()


def test_coarse_result_first_then_the_real_one(window: Window) -> None:
    window.start()
    assert window.long.names == ["detect"]
    window.long.progress(1, 4, partial=result())
    window.long.finish(result())
    assert len(window.found) == 2
    assert window.model.run.phase == "done"
    assert window.model.run.message.startswith("1 SF1, 1 LC")


def test_frames_follow_one_another(window: Window) -> None:
    window.start(frames=3)
    for frame in range(3):
        assert window.long.jobs[-1].arguments["index"] == frame
        window.long.finish(result(frame))
    assert [found.frame for found in window.found] == [0, 1, 2]
    assert window.model.summary() == "3 SF1, 3 LC in 3 frames"


def test_cancel_keeps_the_finished_frames(window: Window) -> None:
    window.start(frames=3)
    window.long.finish(result(0))
    window.model.run.cancel()
    window.long.stop()
    assert list(window.model.results) == [0]
    assert window.model.run.phase == "cancelled"


def test_a_deleted_image_ends_the_run_with_one_line(window: Window) -> None:
    def gone(frame: int) -> FrameInput:
        raise InputError("CdTe: the image was deleted; open it again")

    window.model.start(
        DetectRequest("CdTe", gone, lambda: gone(0), range(2), model_entry(), stride=8)
    )
    assert window.model.run.message == "CdTe: the image was deleted; open it again"
    assert window.long.jobs == []


def test_threshold_is_applied_to_the_kept_probabilities(window: Window) -> None:
    window.start()
    window.long.finish(result())
    window.model.set_threshold("LC", 0.7, frame=0)
    assert window.quick.names == ["fuse_again"]
    window.quick.finish(result().with_thresholds({"LC": 0.7}))
    assert window.model.counts()["LC"].count == 0
    assert window.model.counts()["SF1"].count == 1
    window.model.refresh(0)
    assert len(window.quick.jobs) == 1


def test_other_frames_are_fused_when_they_are_shown(window: Window) -> None:
    window.start(frames=2)
    window.long.finish(result(0))
    window.long.finish(result(1))
    window.model.set_threshold("LC", 0.7, frame=0)
    window.quick.finish(result(0).with_thresholds({"LC": 0.7}))
    assert len(window.quick.jobs) == 1
    window.model.refresh(1)
    assert len(window.quick.jobs) == 2


def test_threshold_moved_while_the_scan_runs(window: Window) -> None:
    window.start()
    window.model.set_threshold("LC", 0.7, frame=0)
    window.long.finish(result())
    assert window.quick.jobs[-1].arguments["thresholds"]["LC"] == 0.7


def test_export_takes_all_frames_and_the_thresholds_shown(window: Window) -> None:
    window.start(frames=2)
    window.long.finish(result(0))
    window.long.finish(result(1))
    window.model.export(Path("out"))
    arguments = window.quick.jobs[-1].arguments
    assert [found.frame for found in arguments["results"]] == [0, 1]
    assert arguments["thresholds"] == window.model.thresholds
    assert arguments["results"][0].origin["model"] == {"name": "small", "sha256": "abc"}
    window.quick.finish(Path("out/CdTe"))
    assert "written to" in window.model.exporting.message


def test_the_end_says_what_was_searched(window: Window) -> None:
    area = SearchArea.rectangle(0, 0, 48, 80)
    window.model.start(
        DetectRequest(
            "CdTe",
            take,
            lambda: take(0),
            range(1),
            model_entry(),
            stride=8,
            area=area,
            searched="the drawn region, 50 % of the image",
        )
    )
    assert window.long.jobs[-1].arguments["area"] is area
    window.long.finish(result())
    assert "searched the drawn region, 50 % of the image" in window.model.run.message
    window.model.set_threshold("LC", 0.7, frame=0)
    window.quick.finish(result().with_thresholds({"LC": 0.7}))
    assert window.model.run.message.startswith("1 SF1 · searched")


def unfinished() -> FrameResult:
    found = result()
    values = found.map.probability.copy()
    values[:, 1::2] = 0
    return replace(
        found,
        map=replace(found.map, probability=values),
        parameters={**found.parameters, "finished": False},
    )


def test_what_a_cancelled_scan_shows_is_called_unfinished(window: Window) -> None:
    window.start()
    window.long.progress(1, 4, partial=unfinished())
    window.model.run.cancel()
    window.long.stop()
    assert window.model.run.message == "cancelled; what is shown is not finished"
    assert window.model.results[0].finished is False


def test_thresholds_of_an_unfinished_map_do_not_replace_the_finished_one(window: Window) -> None:
    window.start()
    window.long.progress(1, 4, partial=unfinished())
    window.model.set_threshold("LC", 0.7, frame=0)
    window.long.finish(result())
    window.quick.finish(unfinished().with_thresholds({"LC": 0.7}))
    assert window.model.results[0].finished
    window.quick.finish(result().with_thresholds({"LC": 0.7}))
    assert window.model.results[0].finished
    assert window.model.results[0].thresholds["LC"] == 0.7


def test_another_model_chosen_meanwhile_leaves_the_results_alone(window: Window) -> None:
    window.start()
    other = replace(model_entry(), name="other", spec=EnsembleSpec("other", ("Bulk", "Extra")))
    window.model.use_model(other)
    window.long.finish(result())
    assert window.model.run.phase == "done"
    window.model.set_threshold("Extra", 0.7, frame=0)
    assert window.quick.jobs == []
    window.model.export(Path("out"))
    assert set(window.quick.jobs[-1].arguments["thresholds"]) == {"Bulk"}


def test_a_library_read_again_leaves_the_thresholds_alone(window: Window) -> None:
    window.model.set_threshold("LC", 0.7, frame=0)
    window.model.use_model(model_entry())
    assert window.model.thresholds["LC"] == 0.7


def test_an_image_that_was_replaced_is_not_exported(window: Window) -> None:
    other = FrameInput(np.zeros((50, 60), np.uint8), "CdTe")
    window.model.start(
        DetectRequest("CdTe", take, lambda: other, range(1), model_entry(), stride=8)
    )
    window.long.finish(result())
    window.model.export(Path("out"))
    assert window.model.exporting.message == "CdTe: the image has changed since; run again"
    window.model.correct(result().regions[0], "LC")
    assert not window.model.corrections.made


def test_nothing_to_export(window: Window) -> None:
    window.model.export(Path("out"))
    assert window.model.exporting.message.startswith("nothing to export yet")


def test_numbers_in_the_planes_are_those_of_the_regions() -> None:
    found = result(LC=0.1)
    plane = found.numbered[found.names.index("LC")]
    for region in (region for region in found.regions if region.class_name == "LC"):
        assert plane[round(region.y_px), round(region.x_px)] == region.region
        assert (plane == region.region).sum() == region.area_px
    assert found.detection().masks.max() == 1
