from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from learning_samples import write_striped_folder
from napari_stem_defects.core.progress import Cancelled, Progress
from napari_stem_defects.core.training_plan import Choices
from napari_stem_defects.engine.learning import evaluate_files, report_folder, train_files
from napari_stem_defects.errors import InputError, ModelError, OutputError
from napari_stem_defects.files.model_file import load_model

if TYPE_CHECKING:
    from pathlib import Path

REPORT = {"report.json", "report.md", "report.png", "predictions.csv"}
QUICK = Choices(name="striped", epochs={"Bulk": 1, "SF1": 1}, splits=("random",))


@pytest.fixture
def patches(tmp_path: Path) -> Path:
    return write_striped_folder(tmp_path / "patches")


def test_training_leaves_a_model_and_its_report(patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "striped.safetensors"
    trained = train_files([patches], out, QUICK, device="cpu")
    ensemble = load_model(out)
    assert ensemble.spec.name == "striped"
    assert ensemble.sha256 == trained.ensemble.sha256
    assert {path.name for path in report_folder(out).iterdir()} == REPORT
    told = json.loads((report_folder(out) / "report.json").read_text(encoding="utf-8"))
    assert told["weights_sha256"] == ensemble.sha256
    assert told["split"] == "random"
    assert "memory" in told["meaning"]


def test_the_same_seed_writes_the_same_file(patches: Path, tmp_path: Path) -> None:
    outs = [tmp_path / name / "striped.safetensors" for name in "ab"]
    for out in outs:
        train_files([patches], out, QUICK, device="cpu")
    first, second = (out.read_bytes() for out in outs)
    assert first == second


def test_a_model_is_measured_on_other_data(patches: Path, tmp_path: Path) -> None:
    out = tmp_path / "striped.safetensors"
    train_files([patches], out, QUICK, device="cpu")
    (patches / "SF1_7.tif").rename(patches / "Twin_Bound_7.tif")
    measured = evaluate_files(out, [patches], tmp_path / "measured", device="cpu")
    assert {path.name for path in (tmp_path / "measured").iterdir()} == REPORT
    assert measured.measurements[0].evaluation.rows == ("Bulk", "SF1", "Twin_Bound")
    assert measured.measurements[0].evaluation.windows == 16


def test_without_a_target_nothing_is_written(patches: Path, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    assert train_files([str(patches)], choices=QUICK, device="cpu").measurements
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("stage", ["reading", "augmenting", "training", "testing"])
def test_a_cancelled_training_leaves_what_was_there(
    patches: Path, tmp_path: Path, stage: str
) -> None:
    out = tmp_path / "striped.safetensors"
    out.write_bytes(b"an earlier model")
    before = set(tmp_path.rglob("*"))

    def cancel(step: Progress) -> None:
        if step.stage.startswith(stage):
            raise Cancelled

    with pytest.raises(Cancelled):
        train_files([patches], out, QUICK, device="cpu", report=cancel)
    assert set(tmp_path.rglob("*")) == before
    assert out.read_bytes() == b"an earlier model"


def test_a_target_that_cannot_be_is_refused_before_any_work(patches: Path, tmp_path: Path) -> None:
    steps: list[Progress] = []
    with pytest.raises(ModelError, match="safetensors"):
        train_files([patches], tmp_path / "model.pt", QUICK, report=steps.append)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        train_files([patches], tmp_path / "taken" / "m.safetensors", QUICK, report=steps.append)
    assert steps == []


def test_a_device_that_is_not_there_is_one_line(patches: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mps"):
        train_files([patches], tmp_path / "m.safetensors", QUICK, device="mps")
