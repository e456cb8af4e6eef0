"""Detection frame by frame, thresholds and export, without widgets."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_worker import FakeWorkers
from sample_results import SHAPE, model_entry, result

from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.detection.frame_result import PartialResultProgress
from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.napari_plugin.panels.detect.request import DetectRequest
from napari_stem_defects.napari_plugin.panels.detect.view_model import DetectViewModel
from napari_stem_defects.networks.spec import EnsembleSpec

if TYPE_CHECKING:
    from napari_stem_defects.detection.frame_result import FrameResult


class Harness:
    """The view model with fake workers and the results it announced."""

    def __init__(self) -> None:
        workers = FakeWorkers()
        self.long, self.quick = workers.long, workers.quick
        self.view_model = DetectViewModel(workers.submit)
        self.found: list[FrameResult] = []
        self.view_model.frame_found.connect(self.found.append)
        self.view_model.use_model(model_entry())

    def start(self, frames: int = 1) -> None:
        self.view_model.start(
            DetectRequest(
                "CdTe", read_frame, lambda: read_frame(0), range(frames), model_entry(), stride=8
            )
        )


def read_frame(frame: int) -> FrameInput:
    return FrameInput(np.full(SHAPE, frame, np.uint8), "CdTe")


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_a_coarse_result_comes_before_the_final_one(harness: Harness) -> None:
    harness.start()
    assert harness.long.names == ["detect"]
    harness.long.report(PartialResultProgress("scanning", 1, 4, result=result()))
    harness.long.finish(result())
    assert len(harness.found) == 2
    assert harness.view_model.run.phase == "done"
    counted = r"1 SF1 \([0-9.]+ nm per nm²\), 1 LC \(0\.14 per nm²\)"
    assert re.match(counted, harness.view_model.run.message)


def test_frames_follow_one_another(harness: Harness) -> None:
    harness.start(frames=3)
    for frame in range(3):
        assert harness.long.jobs[-1].arguments["index"] == frame
        harness.long.finish(result(frame))
    assert [found.frame for found in harness.found] == [0, 1, 2]
    counted = r"3 SF1 \([0-9.]+ nm per nm²\), 3 LC \(0\.14 per nm²\) in 3 frames"
    assert re.fullmatch(counted, harness.view_model.results.summary())


def test_cancel_keeps_the_finished_frames(harness: Harness) -> None:
    harness.start(frames=3)
    harness.long.finish(result(0))
    assert harness.view_model.run.message == "2 of 3: waiting"
    harness.view_model.run.cancel()
    harness.long.stop()
    assert list(harness.view_model.results) == [0]
    assert harness.view_model.run.phase == "cancelled"
    assert harness.view_model.run.message.startswith("cancelled after 1 of 3 frames · 1 SF1")


def test_a_deleted_image_ends_the_run_with_one_line(harness: Harness) -> None:
    def gone(frame: int) -> FrameInput:
        raise InputError("CdTe: the image was deleted; open it again")

    harness.view_model.start(
        DetectRequest("CdTe", gone, lambda: gone(0), range(2), model_entry(), stride=8)
    )
    assert harness.view_model.run.message == "CdTe: the image was deleted; open it again"
    assert harness.long.jobs == []


def test_threshold_is_applied_to_the_kept_probabilities(harness: Harness) -> None:
    harness.start()
    harness.long.finish(result())
    harness.view_model.set_threshold("LC", 0.7, frame=0)
    assert harness.quick.names == ["apply_thresholds"]
    harness.quick.finish(result().with_thresholds({"LC": 0.7}))
    assert harness.view_model.results.counts()["LC"].count == 0
    assert harness.view_model.results.counts()["SF1"].count == 1
    harness.view_model.refresh(0)
    assert len(harness.quick.jobs) == 1


def test_other_frames_are_updated_when_shown(harness: Harness) -> None:
    harness.start(frames=2)
    harness.long.finish(result(0))
    harness.long.finish(result(1))
    harness.view_model.set_threshold("LC", 0.7, frame=0)
    harness.quick.finish(result(0).with_thresholds({"LC": 0.7}))
    assert len(harness.quick.jobs) == 1
    harness.view_model.refresh(1)
    assert len(harness.quick.jobs) == 2


def test_a_threshold_changed_during_the_run(harness: Harness) -> None:
    harness.start()
    harness.view_model.set_threshold("LC", 0.7, frame=0)
    harness.long.finish(result())
    assert harness.quick.jobs[-1].arguments["thresholds"]["LC"] == 0.7


def test_export_takes_all_frames_and_the_thresholds_shown(harness: Harness) -> None:
    harness.start(frames=2)
    harness.long.finish(result(0))
    harness.long.finish(result(1))
    harness.view_model.export(Path("out"))
    arguments = harness.quick.jobs[-1].arguments
    assert [found.frame for found in arguments["results"]] == [0, 1]
    assert arguments["thresholds"] == harness.view_model.thresholds
    assert arguments["results"][0].provenance["model"] == {"name": "small", "sha256": "abc"}
    harness.quick.finish(Path("out/CdTe"))
    assert "results written to" in harness.view_model.exporting.message
    harness.view_model.forget_results()
    assert harness.view_model.exporting.message == ""


def test_the_message_states_what_was_searched(harness: Harness) -> None:
    area = SearchArea.rectangle(0, 0, 48, 80)
    harness.view_model.start(
        DetectRequest(
            "CdTe",
            read_frame,
            lambda: read_frame(0),
            range(1),
            model_entry(),
            stride=8,
            area=area,
            searched="the drawn region, 50 % of the image",
        )
    )
    assert harness.long.jobs[-1].arguments["area"] is area
    harness.long.finish(result())
    assert "searched the drawn region, 50 % of the image" in harness.view_model.run.message
    harness.view_model.set_threshold("LC", 0.7, frame=0)
    harness.quick.finish(result().with_thresholds({"LC": 0.7}))
    counted = r"1 SF1 \([0-9.]+ nm per nm²\) · searched"
    assert re.match(counted, harness.view_model.run.message)


def unfinished() -> FrameResult:
    found = result()
    values = found.map.probability.copy()
    values[:, 1::2] = 0
    return replace(
        found,
        map=replace(found.map, probability=values),
        parameters={**found.parameters, "finished": False},
    )


def test_the_result_of_a_cancelled_run_is_marked_incomplete(harness: Harness) -> None:
    harness.start()
    harness.long.report(PartialResultProgress("scanning", 1, 4, result=unfinished()))
    harness.view_model.run.cancel()
    harness.long.stop()
    assert harness.view_model.run.message == "cancelled; the result shown is not complete"
    assert harness.view_model.results[0].finished is False


def test_thresholds_of_an_unfinished_map_do_not_replace_the_finished_one(harness: Harness) -> None:
    harness.start()
    harness.long.report(PartialResultProgress("scanning", 1, 4, result=unfinished()))
    harness.view_model.set_threshold("LC", 0.7, frame=0)
    harness.long.finish(result())
    harness.quick.finish(unfinished().with_thresholds({"LC": 0.7}))
    assert harness.view_model.results[0].finished
    harness.quick.finish(result().with_thresholds({"LC": 0.7}))
    assert harness.view_model.results[0].finished
    assert harness.view_model.results[0].thresholds["LC"] == 0.7


def test_selecting_another_model_keeps_the_results(harness: Harness) -> None:
    harness.start()
    other = replace(model_entry(), name="other", spec=EnsembleSpec("other", ("Bulk", "Extra")))
    harness.view_model.use_model(other)
    harness.long.finish(result())
    assert harness.view_model.run.phase == "done"
    harness.view_model.set_threshold("Extra", 0.7, frame=0)
    assert harness.quick.jobs == []
    harness.view_model.export(Path("out"))
    assert set(harness.quick.jobs[-1].arguments["thresholds"]) == {"Bulk"}


def test_reloading_the_library_keeps_the_thresholds(harness: Harness) -> None:
    harness.view_model.set_threshold("LC", 0.7, frame=0)
    harness.view_model.use_model(model_entry())
    assert harness.view_model.thresholds["LC"] == 0.7


def test_a_replaced_image_is_not_exported(harness: Harness) -> None:
    other = FrameInput(np.zeros((50, 60), np.uint8), "CdTe")
    harness.view_model.start(
        DetectRequest("CdTe", read_frame, lambda: other, range(1), model_entry(), stride=8)
    )
    harness.long.finish(result())
    harness.view_model.export(Path("out"))
    assert harness.view_model.exporting.message == (
        "CdTe: the image has changed since the run; run the detection again"
    )
    harness.view_model.correct(result().regions[0], "LC")
    assert not harness.view_model.corrections.made


def test_nothing_to_export(harness: Harness) -> None:
    harness.view_model.export(Path("out"))
    assert harness.view_model.exporting.message.startswith("there is no result to export")


def test_mask_values_are_the_region_numbers() -> None:
    found = result(LC=0.1)
    mask = found.numbered[found.names.index("LC")]
    for region in (region for region in found.regions if region.class_name == "LC"):
        assert mask[round(region.y_px), round(region.x_px)] == region.region
        assert (mask == region.region).sum() == region.area_px
    assert found.detection().masks.max() == 1
