"""Where memory runs out, a job completes with the same result or stops with one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from learning_samples import write_striped_folder
from small_model import write_dense_model, write_small_model

from napari_stem_defects.api import train as engine_learning
from napari_stem_defects.cli.main import main
from napari_stem_defects.detection import detect_frame, drawn_masks, window_probabilities
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference import sliding_window
from napari_stem_defects.io.models.checkpoint_store import CheckpointFolder
from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import RESULT_FILES
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import Settings, read_once
from napari_stem_defects.networks import ensemble
from napari_stem_defects.training import fit, pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).with_name("little_memory.py")
# The limits are on address space, of which the BLAS and torch reserve some per thread.
FEW, MANY = (5, 600), range(2, 442, 22)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.fixture(scope="module")
def one_pass(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dense_model(tmp_path_factory.mktemp("model") / "one-pass.safetensors")


@pytest.fixture(scope="module")
def references(
    model: Path, one_pass: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[Path, Any]:
    """Return what each model finds where memory suffices."""
    folder = tmp_path_factory.mktemp("reference")
    noise = write_noise(folder)
    found = {}
    for each in (model, one_pass):
        settings = Settings(folder / each.stem, each, 16, pixel_size_nm=0.027, device="cpu")
        assert fault_of(noise, settings) == ""
        found[each] = written(settings.out)
    return found


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_noise(tmp_path)


def write_noise(folder: Path) -> Path:
    noise = np.random.default_rng(0).normal(100, 10, (96, 160)).astype(np.float32)
    tifffile.imwrite(folder / "lamella.tif", noise, photometric="minisblack")
    return folder / "lamella.tif"


@pytest.fixture(autouse=True)
def nothing_remembered() -> Iterator[None]:
    read_once.cache_clear()
    yield
    read_once.cache_clear()


class Scarce:
    """Lets so many calls of a function fail for want of memory, some calls having gone well."""

    def __init__(self, function: Any, error: Exception, times: int, after: int = 0) -> None:
        self._function, self._error = function, error
        self.left, self._before = times, after

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        self._before -= 1
        if self.left and self._before < 0:
            self.left -= 1
            raise self._error
        return self._function(*arguments, **keywords)


POINTS: dict[str, tuple[Any, str]] = {
    "filter": (window_probabilities, "filter_lazily"),
    "resample": (window_probabilities, "resample"),
    "cut and transform": (sliding_window, "features_on_device"),
    "ask the networks": (ensemble.EnsembleNetwork, "member_logits"),
    "one pass": (ensemble.EnsembleNetwork, "member_logits_dense"),
    "fuse": (drawn_masks, "masks_from_probability"),
    "measure": (detect_frame, "measure_regions"),
}
ERRORS = (
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
)


@pytest.mark.parametrize("error", ERRORS, ids=["numpy", "torch"])
@pytest.mark.parametrize("times", [1, 10**9], ids=["once", "always"])
@pytest.mark.parametrize("point", POINTS)
def test_wherever_memory_runs_out(
    image: Path,
    model: Path,
    one_pass: Path,
    references: dict[Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    times: int,
    error: Exception,
) -> None:
    if point == "one pass":
        model = one_pass
    settings = Settings(tmp_path / "out", model, 16, pixel_size_nm=0.027, device="cpu")
    owner, name = POINTS[point]
    scarce = Scarce(getattr(owner, name), error, times)
    with monkeypatch.context() as patch:
        replaced = (lambda *a, **k: scarce(*a, **k)) if isinstance(owner, type) else scarce
        patch.setattr(owner, name, replaced)
        line = fault_of(image, settings)
    assert scarce.left < times
    assert "\n" not in line
    in_batches = point in ("cut and transform", "ask the networks", "one pass")
    assert bool(line) == (times > 1 or not in_batches)
    if line:
        assert "not enough memory" in line
        assert not (settings.out / "lamella" / "summary.json").exists()
        assert fault_of(image, settings) == ""  # with memory again, it goes on
    one, other = written(settings.out), references[model]
    np.testing.assert_allclose(one.map.probability, other.map.probability, atol=1e-5)
    np.testing.assert_array_equal(one.masks, other.masks)


@pytest.mark.parametrize("error", ERRORS, ids=["numpy", "torch"])
def test_a_picture_without_memory_costs_no_result(
    image: Path,
    model: Path,
    references: dict[Path, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    settings = Settings(tmp_path / "out", model, 16, pixel_size_nm=0.027, device="cpu")
    with monkeypatch.context() as patch:
        patch.setattr(
            result_folder, "draw_overview", Scarce(result_folder.draw_overview, error, 10**9)
        )
        assert fault_of(image, settings) == ""
    summary = json.loads((settings.out / "lamella" / "summary.json").read_text(encoding="utf-8"))
    (warning,) = [each for each in summary["warnings"] if "could not be drawn" in each]
    assert "no data are missing" in warning
    one, other = written(settings.out), references[model]
    np.testing.assert_array_equal(one.masks, other.masks)


def fault_of(image: Path, settings: Settings) -> str:
    """Return the line that a batch of one image ends with, empty where it has its results."""
    from napari_stem_defects.cli.main import is_out_of_memory

    try:
        (outcome,) = detect_files([image], settings)
    except InputError as error:
        return str(error)
    except (MemoryError, RuntimeError) as error:
        # What the command line turns into its one line.
        return "not enough memory" if is_out_of_memory(error) else f"\n{error}"
    return outcome.fault


def written(out: Path) -> Any:
    assert {path.name for path in (out / "lamella").iterdir()} >= set(RESULT_FILES)
    (found,) = read_results(out / "lamella")
    return found


TRAINING_POINTS: dict[str, tuple[Any, str, int]] = {
    "read": (engine_learning, "read_training_data", 0),
    "augment": (pipeline, "augmented_samples", 0),
    "first step": (fit._NetworkTrainer, "_step", 0),
    "later step": (fit._NetworkTrainer, "_step", 5),
    "keep an epoch": (CheckpointFolder, "save", 1),
    "measure": (pipeline, "evaluate_ensemble", 0),
    "write the model": (engine_learning, "save_model", 0),
    "write the report": (engine_learning, "write_report", 0),
}


@pytest.fixture(scope="module")
def patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_striped_folder(tmp_path_factory.mktemp("training") / "patches")


@pytest.fixture(scope="module")
def trained(patches: Path) -> bytes:
    """Return the model as it is written where memory suffices."""
    out = patches.with_name("m.safetensors")
    assert main(train_command(patches, out)) == 0
    return out.read_bytes()


@pytest.mark.parametrize("point", TRAINING_POINTS)
def test_wherever_memory_runs_out_in_a_training(
    patches: Path,
    trained: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    point: str,
) -> None:
    """One line, a whole model or none; with memory again, the same bits as without a fault."""
    out = tmp_path / "m.safetensors"
    out.write_bytes(b"an earlier model")
    owner, name, after = TRAINING_POINTS[point]
    scarce = Scarce(getattr(owner, name), ERRORS["step" in point], 1, after)
    capfd.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, lambda *a, **k: scarce(*a, **k))
        assert main(train_command(patches, out)) == 2
    assert scarce.left == 0
    (line,) = capfd.readouterr().err.strip().splitlines()
    assert "not enough memory" in line
    assert out.read_bytes() == (trained if "report" in point else b"an earlier model")
    assert main(train_command(patches, out)) == 0
    assert out.read_bytes() == trained


def train_command(patches: Path, out: Path) -> list[str]:
    how = ["--epochs", "Bulk=2,SF1=2", "--split", "random", "--recipe", "abstract"]
    return ["train", str(patches), "--out", str(out), *how]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits address space")
@pytest.mark.parametrize(
    "limits",
    [FEW, pytest.param(MANY, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
    ids=["some", "many"],
)
def test_little_memory_ends_in_results_or_one_line(
    image: Path, model: Path, tmp_path: Path, limits: tuple[int, ...] | range
) -> None:
    endings: dict[str, int] = {}
    for megabytes in limits:
        out = tmp_path / f"out-{megabytes}"
        command = [sys.executable, str(SCRIPT), image, out, model, str(megabytes)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
        ending = _ending(run, out)
        endings[ending] = endings.get(ending, 0) + 1
    print(", ".join(f"{count} {ending}" for ending, count in sorted(endings.items())))
    assert set(endings) <= {"complete", "one line"}


def _ending(run: subprocess.CompletedProcess[str], out: Path) -> str:
    folder = out / "lamella"
    if run.returncode == 0:
        return "complete" if set(RESULT_FILES) <= {f.name for f in folder.iterdir()} else "lost"
    # What is asked for less at once is told on the way.
    said = run.stderr.strip().splitlines()
    lines = [line for line in said if not line.startswith("cpu is out of memory: ")]
    told = run.returncode == 2 and len(lines) == 1 and "memory" in lines[0]
    half = any((folder / name).exists() for name in RESULT_FILES)
    return "one line" if told and not half else f"{run.returncode}: {run.stderr[-300:]}"
