"""Results that get finer while the scan goes on, and cost little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_model import write_small_model

from napari_stem_defects.api.detect import detect
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Progress
from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.detection.cutout import Cutout
from napari_stem_defects.detection.frame_result import FrameResult, PartialResultProgress
from napari_stem_defects.inference import sliding_window
from napari_stem_defects.inference.predict import PartialProbabilities
from napari_stem_defects.inference.sliding_window import COARSE_STEP
from napari_stem_defects.inference.strategy import CoarseMapProgress
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.jobs import progressive_results, tasks
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.progressive_results import ProgressiveResults
from napari_stem_defects.preprocessing.windows import window_grid

OUTLINE = ((10.0, 10.0), (10.0, 180.0), (180.0, 10.0))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.mark.parametrize("area", [None, SearchArea((OUTLINE,))])
def test_results_get_finer_and_end_as_the_command_line_has_them(
    model: Path, area: SearchArea | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progressive_results, "SHARE", 1e9)
    monkeypatch.setattr(sliding_window, "BATCH", 64)
    pixels = np.random.default_rng(0).random((192, 192), np.float32)
    reported: list[Progress] = []
    final = tasks.detect(
        frame=FrameInput(pixels, "noise", pixel_size_nm=0.027),
        index=0,
        model=model,
        stride=6,
        thresholds={"SF1": 0.4},
        device="cpu",
        area=area,
        report=reported.append,
    )
    partial = [each.result for each in reported if isinstance(each, PartialResultProgress)]
    assert not any(isinstance(each, CoarseMapProgress) for each in reported)
    assert len(partial) > 3
    assert not any(each.finished for each in partial)
    assert all(each.thresholds["SF1"] == 0.4 for each in partial)
    off = [
        (each.map.probability != final.map.probability)[:, final.map.valid].mean()
        for each in partial[1:]
    ]
    assert off == sorted(off, reverse=True)
    assert off[0] > off[-1]
    if area is not None:
        assert not any(each.numbered[:, ~area.mask((192, 192))].any() for each in partial)

    same = detect(
        Micrograph(pixels, "noise", 0.027),
        load_model(model),
        stride=6,
        thresholds={"SF1": 0.4},
        device="cpu",
        area=area,
    )
    assert final.finished
    np.testing.assert_array_equal(final.map.probability, same.map.probability)
    np.testing.assert_array_equal(final.numbered > 0, same.masks)
    assert final.provenance["model"] == {"name": "small", "sha256": load_model(model).sha256}


class Clock:
    """Stands still but for the seconds that work is assumed to take."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


def test_refining_costs_a_small_share(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(progressive_results, "time", clock)
    spec = load_model(model).spec
    image = Micrograph(np.zeros((160, 160), np.float32), "CdTe", 0.027)
    shown: list[FrameResult] = []

    def report_result(progress: Progress) -> None:
        assert progress.stage == "scanning"
        clock.now += 0.5
        assert isinstance(progress, PartialResultProgress)
        shown.append(progress.result)

    limits: dict[str, Any] = {"thresholds": {"Bulk": 0.5, "SF1": 0.5}}
    refining = ProgressiveResults(report_result, Cutout(image, image), spec, 0, limits, {})
    grid = window_grid((160, 160), 8)
    predictions = np.zeros((2, len(grid.y), len(grid.x)), np.float32)
    so_far = PartialProbabilities(predictions, np.zeros(predictions.shape[1:], bool), grid)
    so_far.predicted[::COARSE_STEP, ::COARSE_STEP] = True
    coarse = predictions[:, ::COARSE_STEP, ::COARSE_STEP]
    y, x = grid.y[::COARSE_STEP], grid.x[::COARSE_STEP]
    refining.report(CoarseMapProgress("scanning", 1, 9, probability=coarse, y=y, x=x))
    np.testing.assert_array_equal(shown[0].map.probability, coarse)
    assert not shown[0].finished
    started = clock.now
    for _ in range(100):
        clock.now += 0.3
        refining.watch(so_far)
    spent = 0.5 * (len(shown) - 1)
    assert len(shown) > 3
    assert spent <= progressive_results.SHARE * (clock.now - started + 0.5)
    so_far.predicted[:] = True
    clock.now += 1000
    before = len(shown)
    refining.watch(so_far)
    assert len(shown) == before  # the final result comes next
