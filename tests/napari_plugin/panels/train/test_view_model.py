"""Collecting data, starting and following a training, without a window."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_worker import FakeWorker

from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.jobs.train_job import TrainingReport
from napari_stem_defects.napari_plugin.panels.train.view_model import Loss, TrainModel
from napari_stem_defects.training.recipes import TrainingOptions


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(library_module, "user_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def long() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def quick() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def model(long: FakeWorker, quick: FakeWorker, library: Path) -> TrainModel:
    return TrainModel(long.submit, quick.submit)


def test_data_are_counted(model: TrainModel, quick: FakeWorker) -> None:
    model.add_source(Path("a"))
    quick.finish({"Bulk": 3, "SF1": 2})
    assert model.counts == {"Bulk": 3, "SF1": 2}
    model.remove_source(Path("a"))
    assert model.counts == {}


def test_losses_then_report(model: TrainModel, long: FakeWorker, library: Path) -> None:
    model.add_source(Path("a"))
    model.start(TrainingOptions("mine", ("Bulk", "SF1"), epochs={"SF1": 4}))
    assert long.jobs[0].arguments["choices"].epochs == {"SF1": 4}
    assert long.jobs[0].arguments["out"] == library / "mine.safetensors"
    long.progress(1, 2)
    step = {"class": "Bulk", "seed": 0, "epoch": 1, "loss": 0.7, "validation_loss": None}
    long.progress(2, 2, **step)
    assert model.losses == [Loss("Bulk", 0, 1, 0.7, None)]
    long.finish(TrainingReport(library / "mine.safetensors", (), (), 90.0))
    assert model.run.message == "mine is in your library · trained in 1.5 min"


@pytest.mark.parametrize(
    ("sources", "choices", "fault"),
    [
        ([], TrainingOptions("mine", ("Bulk", "SF1")), "no data yet"),
        (["a"], TrainingOptions("mine"), "no class is chosen"),
        (["a"], TrainingOptions("../mine", ("Bulk", "SF1")), "use letters"),
        (["a"], TrainingOptions("taken", ("Bulk", "SF1")), "has a model 'taken' already"),
    ],
)
def test_what_cannot_be_trained_is_told(
    model: TrainModel,
    long: FakeWorker,
    library: Path,
    sources: list[str],
    choices: TrainingOptions,
    fault: str,
) -> None:
    (library / "taken.safetensors").touch()
    for source in sources:
        model.add_source(Path(source))
    model.start(choices)
    assert fault in model.run.message
    assert long.jobs == []
