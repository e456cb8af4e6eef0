"""View model of the live map, with a fake worker."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_worker import FakeWorkers

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.live_map_request import LiveMap, LiveMapRequest
from napari_stem_defects.napari_plugin.panels.common.job_state import JobState
from napari_stem_defects.napari_plugin.panels.common.shared_state import LibraryEvents
from napari_stem_defects.napari_plugin.panels.label.live_map import LiveMapViewModel
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
from napari_stem_defects.workers.messages import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator

PIXELS = np.random.default_rng(0).random((3, 100, 120), np.float32)
STACK = Micrograph(PIXELS, "stack", sha256="ab" * 32)


class Harness:
    """A live map with a project and a fake worker."""

    def __init__(self, folder: Path) -> None:
        workers, events = FakeWorkers(), LibraryEvents()
        self.worker = workers.quick
        self.labels = LabelViewModel()
        self.labels.create(folder, ("Bulk", "SF1"))
        self.labels.show(STACK, 1)
        self.labels.activate("SF1")
        self.run = JobState(workers.submit)
        self.live = LiveMapViewModel(
            self.labels, workers.submit, lambda: FrameInput(PIXELS[1], "stack"), self.run, events
        )
        self.added: list[str] = []
        events.changed.connect(self.added.append)

    @property
    def requests(self) -> list[LiveMapRequest]:
        return [job.arguments["request"] for job in self.worker.jobs]

    def answer(self, place: int = -1) -> LiveMap:
        request = self.requests[place]
        drawn = np.zeros((100, 120), np.uint8)
        found = LiveMap(request.shown, request.classes, drawn, {"SF1": 3}, ("A note.",), 0.31)
        self.worker.finish(found, place)
        return found


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    made = Harness(tmp_path / "labels")
    yield made
    made.labels.close()


def test_the_map_follows_every_change(harness: Harness) -> None:
    harness.labels.click(10, 20)
    assert harness.requests == []
    harness.live.switch(True)
    assert harness.live.statement == "computing the map…"
    found = harness.answer()
    assert harness.live.found is found
    assert harness.live.statement == "3 SF1 · 0.3 s A note."
    (label,) = harness.labels.labels
    changes = [
        lambda: harness.labels.click(30, 40),
        lambda: harness.labels.move(label.id, 12, 20),
        lambda: harness.labels.remove(label.id),
        harness.labels.undo,
        lambda: harness.labels.set_class("SF1", kind="area"),
        lambda: harness.labels.show_frame(2),
    ]
    for count, change in enumerate(changes, start=2):
        change()
        assert len(harness.requests) == count
        harness.answer()
    assert len({str(each) for each in harness.requests}) == len(changes) + 1


def test_a_selection_alone_requests_nothing(harness: Harness) -> None:
    harness.labels.click(10, 20)
    harness.live.switch(True)
    harness.answer()
    harness.labels.select(harness.labels.labels[0].id)
    harness.labels.activate("Bulk")
    assert len(harness.requests) == 1


def test_only_the_newest_of_several_clicks_counts(harness: Harness) -> None:
    harness.live.switch(True)
    harness.worker.send(Failed("no click shows a defect"))
    for y in (10, 30, 50, 70):
        harness.labels.click(y, 20)
    assert len(harness.requests) == 2  # the others wait, and only the last one is sent
    harness.answer()
    assert len(harness.requests) == 3
    assert len(harness.requests[-1].clicked[0].labels) == 4


def test_the_map_of_another_frame_is_dropped(harness: Harness) -> None:
    harness.labels.click(10, 20)
    harness.live.switch(True)
    harness.labels.show_frame(2)
    harness.answer(0)
    assert harness.live.found is None
    assert harness.requests[-1].shown.frame == 2
    assert harness.answer() is harness.live.found


def test_pixels_are_sent_for_frames_that_the_project_does_not_have(harness: Harness) -> None:
    harness.live.switch(True)
    assert harness.requests[-1].pixels is not None
    harness.worker.send(Failed("no click shows a defect"))
    harness.labels.click(10, 20)
    assert harness.requests[-1].pixels is None


def test_faults_are_one_line_and_clear_the_map(harness: Harness) -> None:
    harness.labels.click(10, 20)
    harness.live.switch(True)
    harness.answer()
    harness.labels.click(30, 20)
    harness.worker.send(Failed("stack: no lattice"))
    assert harness.live.found is None
    assert harness.live.statement == "stack: no lattice"
    harness.labels.click(50, 20)
    assert harness.live.statement == "computing the map…"
    harness.labels.close()
    assert "no label project is open" in harness.live.statement
    harness.live.switch(False)
    assert harness.live.statement == ""
    harness.labels.open(Path("nowhere"))
    assert len(harness.requests) == 3


def test_results_after_switching_off_are_ignored(harness: Harness) -> None:
    harness.labels.click(10, 20)
    harness.live.switch(True)
    harness.live.switch(False)
    harness.answer()
    assert harness.live.found is None


def test_a_kept_model_goes_to_the_library(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "user_folder", lambda: tmp_path)
    harness.labels.click(10, 20)
    harness.live.keep("a/b")
    assert harness.run.phase == "failed"
    assert harness.worker.jobs == []
    harness.live.keep("mine")
    arguments = harness.worker.jobs[-1].arguments
    assert arguments["out"] == tmp_path / "mine.safetensors"
    assert arguments["options"].recipe == "quick"
    harness.worker.finish(SimpleNamespace(path=tmp_path / "mine.safetensors", seconds=1.26))
    assert harness.run.message == "mine is in your library · made in 1.3 s"
    assert harness.added == ["mine"]
