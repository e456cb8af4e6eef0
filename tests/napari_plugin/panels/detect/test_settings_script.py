"""The script of the panel repeats the result shown or, before a run, the settings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from fake_worker import FakeWorkers
from napari.layers import Image
from sample_results import SHAPE, model_entry, result

from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.napari_plugin.panels.detect.request import DetectRequest
from napari_stem_defects.napari_plugin.panels.detect.settings_script import settings_script
from napari_stem_defects.napari_plugin.panels.detect.view_model import DetectViewModel


def setup(entry: Any = None) -> Any:
    """Return what the script reads of the settings."""
    return SimpleNamespace(
        image=SimpleNamespace(image=Image(np.zeros(SHAPE))),
        ensemble=SimpleNamespace(entry=entry),
        size_row=SimpleNamespace(size_nm=0.05),
        stride=SimpleNamespace(value=lambda: 5),
        device=SimpleNamespace(currentText=lambda: "cpu"),
        contrast=SimpleNamespace(currentData=lambda: "dark"),
    )


def test_before_a_run_auto_stays_auto() -> None:
    script = settings_script(DetectViewModel(FakeWorkers().submit), setup(), None, 0)
    assert (script.model, script.stride, script.device) == ("auto", 5, "cpu")
    assert script.contrast == "dark"
    assert script.pixel_size_nm == 0.05
    assert "--model auto" in script.command()


def test_after_a_run_the_script_names_the_model_that_was_used(monkeypatch: Any) -> None:
    path = "napari_stem_defects.napari_plugin.panels.detect.settings_script.script_name"
    monkeypatch.setattr(path, lambda entry: entry.name)
    workers = FakeWorkers()
    view_model = DetectViewModel(workers.submit)
    frame = FrameInput(np.zeros(SHAPE, np.uint8), "CdTe")
    entry = model_entry()
    view_model.use_model(entry)
    request = DetectRequest(
        "CdTe", lambda _: frame, lambda: frame, range(1), entry, stride=8, choice="chosen"
    )
    view_model.start(request)
    workers.long.finish(result())
    script = settings_script(view_model, setup(), None, 0)
    assert script.model == entry.name
    assert script.stride == 8
    assert script.pixel_size_nm == result().pixel_size_nm
