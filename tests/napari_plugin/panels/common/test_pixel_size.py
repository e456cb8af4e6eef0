"""Pixel size of the selected image."""

from __future__ import annotations

import numpy as np
import pytest
from fake_worker import FakeWorker

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.lattice.scale import ScaleMatch
from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSizeViewModel
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.workers.messages import Failed

SPEC = EnsembleSpec("small", ("Bulk", "SF1"), pixel_size_nm=0.03)
FRAME = FrameInput(np.zeros((64, 64), np.uint8), "CdTe", pixel_size_nm=0.02)


def match(source: str) -> ScaleMatch:
    pixels = np.zeros((64, 64), np.float32)
    micrograph = Micrograph(pixels, "CdTe", 0.027, pixel_size_source=source)
    return ScaleMatch(micrograph, 1.0, "the pixel size is suitable")


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def pixel_size(worker: FakeWorker) -> PixelSizeViewModel:
    return PixelSizeViewModel(worker.submit)


def test_a_typed_size_replaces_that_of_the_layer(pixel_size: PixelSizeViewModel) -> None:
    assert pixel_size.with_typed(FRAME) is FRAME
    pixel_size.typed_nm = 0.05
    frame = pixel_size.with_typed(FRAME)
    assert (frame.pixel_size_nm, frame.pixel_size_source) == (0.05, "user")
    assert frame.array is FRAME.array


def test_the_worker_explains_the_scale(pixel_size: PixelSizeViewModel, worker: FakeWorker) -> None:
    changes: list[str] = []
    pixel_size.changed.connect(lambda: changes.append(pixel_size.statement))
    pixel_size.explain(FRAME, SPEC)
    worker.finish(match("file"))
    assert changes == ["the pixel size is suitable"]
    assert pixel_size.proposed_nm is None


def test_a_size_from_the_lattice_is_proposed(
    pixel_size: PixelSizeViewModel, worker: FakeWorker
) -> None:
    pixel_size.explain(FRAME, SPEC)
    worker.finish(match("lattice"))
    assert pixel_size.proposed_nm == 0.027


def test_a_failure_is_shown_as_statement(
    pixel_size: PixelSizeViewModel, worker: FakeWorker
) -> None:
    pixel_size.explain(FRAME, SPEC)
    worker.send(Failed("CdTe: the image is too small"))
    assert pixel_size.statement == "CdTe: the image is too small"


def test_results_for_another_image_are_dropped(
    pixel_size: PixelSizeViewModel, worker: FakeWorker
) -> None:
    pixel_size.explain(FRAME, SPEC)
    pixel_size.clear()
    worker.finish(match("lattice"))
    assert (pixel_size.statement, pixel_size.proposed_nm) == ("", None)
