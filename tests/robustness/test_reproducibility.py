"""However a micrograph is searched, the answer is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from small_model import write_dense_model, write_small_model

import napari_stem_defects as sd
from napari_stem_defects.cli.main import main
from napari_stem_defects.inference import dense, sliding_window
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.write_simulation import write_simulation
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.registry import (
    DETECT,
    EXPORT_RESULTS,
    DetectArguments,
    ExportResultsArguments,
)
from napari_stem_defects.networks.ensemble import supports_dense_inference
from napari_stem_defects.postprocessing import mask_stack
from napari_stem_defects.preprocessing import pipeline, tiled
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.workers.client import Worker
from napari_stem_defects.workers.isolated_read import READ_MICROGRAPH, SignalArguments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from napari_stem_defects.postprocessing.results import Detection

MODELS = [
    "small",
    "one-pass",
    pytest.param("cdte-110", marks=[pytest.mark.long, pytest.mark.timeout(600)]),
]


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "small":
        return write_small_model(tmp_path / "small.safetensors", thresholds={"SF1": 0.15})
    if request.param == "one-pass":
        return write_dense_model(tmp_path / "one-pass.safetensors", thresholds={"SF1": 0.49})
    return find_model(request.param)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_simulation(tmp_path, simulate("cdte-110", size=160, seed=2))[0]


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


def by_command(image: Path, model: Path, out: Path, *more: str) -> Detection:
    places = [str(image), "--out", str(out), "--model", str(model), "--device", "cpu"]
    assert main(["detect", *places, *more]) == 0
    (found,) = read_results(out / image.stem)
    return found


def by_window(worker: Worker, image: Path, model: Path, out: Path) -> Detection:
    """Do what the Detect window does, export included."""
    micrograph = worker.run(READ_MICROGRAPH.job(SignalArguments(image), subject=image.name))
    frame = FrameInput(
        micrograph.pixels,
        micrograph.name,
        pixel_size_nm=micrograph.pixel_size_nm,
        pixel_size_source="file",
        path=image,
    )
    arguments = DetectArguments(frame, 0, model, stride=8, thresholds={}, device="cpu")
    result = worker.run(DETECT.job(arguments, subject=frame.name))
    export = ExportResultsArguments([result], {}, image=frame, folder=out)
    folder = worker.run(EXPORT_RESULTS.job(export, subject=frame.name))
    (found,) = read_results(folder)
    np.testing.assert_array_equal(found.masks, result.detection().masks)
    return found


@pytest.mark.slow
def test_window_command_line_and_python_agree(
    image: Path, model: Path, worker: Worker, tmp_path: Path
) -> None:
    answers = {
        "Python": sd.detect(sd.read(image), load_model(model), device="cpu"),
        "command line": by_command(image, model, tmp_path / "command"),
        "window": by_window(worker, image, model, tmp_path / "window"),
    }
    first = answers["Python"]
    assert first.masks.any()
    for name, answer in answers.items():
        assert answer.mask_names == first.mask_names
        np.testing.assert_array_equal(answer.masks, first.masks, err_msg=name)
        apart = np.abs(answer.map.probability - first.map.probability).max()
        print(f"{name}: {answer.masks.sum()} px of defects, {apart:.1e} apart")
        assert apart <= 1e-5
    assert len({len(answer.regions) for answer in answers.values()}) == 1


def parts_of(model: Path) -> dict[tuple[Any, str], tuple[int, ...]]:
    """Return what cuts the work on an image into parts, and sizes to try."""
    if supports_dense_inference(load_model(model).spec):
        return {(dense, "TILE_PX"): (70, 150, 1024)}
    return {(sliding_window, "BATCH"): (1, 7, 64, 1024)}


@pytest.mark.slow
def test_batches_tiles_threads_and_workers_change_nothing(
    image: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = by_command(image, model, tmp_path / "reference")
    assert reference.masks.any()
    apart = {}
    for (module, name), sizes in parts_of(model).items():
        for size in sizes:
            with monkeypatch.context() as patch:
                patch.setattr(module, name, size)
                other = sd.detect(sd.read(image), load_model(model), device="cpu")
            apart[f"{name} {size}"] = other
    with monkeypatch.context() as patch:
        # Large images are flattened in strips; here this one is as well.
        patch.setattr(tiled, "STRIP_ROWS", 64)
        patch.setattr(mask_stack, "BLOCK_PIXELS", 10_000)
        patch.setattr(pipeline, "LARGE_PX", 1)
        apart["strips"] = sd.detect(sd.read(image), load_model(model), device="cpu")
        patch.setattr(pipeline, "HUGE_PX", 1)
        apart["on access"] = sd.detect(sd.read(image), load_model(model), device="cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    apart["2 threads"] = sd.detect(sd.read(image), load_model(model), device="cpu")
    torch.set_num_threads(threads)
    apart["2 workers"] = by_command(image, model, tmp_path / "workers", "--workers", "2")
    apart["again"] = by_command(image, model, tmp_path / "again")
    for name, other in apart.items():
        difference = np.abs(other.map.probability - reference.map.probability).max()
        print(f"{name}: probabilities {difference:.1e} apart")
        assert difference <= 1e-5, name
        np.testing.assert_array_equal(other.masks, reference.masks, err_msg=name)
    np.testing.assert_array_equal(apart["again"].map.probability, reference.map.probability)
