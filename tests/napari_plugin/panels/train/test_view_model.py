"""Data sources, start and progress of a training, without widgets."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_worker import FakeWorker, FakeWorkers

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.progress import EpochProgress
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.jobs.training_summary import ModelSavedProgress, TrainingSummary
from napari_stem_defects.napari_plugin.panels.train.view_model import TrainViewModel
from napari_stem_defects.reporting.losses import EpochLoss
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
def view_model(long: FakeWorker, quick: FakeWorker, library: Path) -> TrainViewModel:
    return TrainViewModel(FakeWorkers(long, quick).submit)


def epoch(class_name: str, number: int, loss: float) -> EpochProgress:
    return EpochProgress(
        "training",
        number,
        4,
        class_name=class_name,
        seed=0,
        epoch=number,
        training_loss=loss,
        validation_loss=None,
    )


def test_data_are_counted(view_model: TrainViewModel, quick: FakeWorker) -> None:
    view_model.add_source(Path("a"))
    fault = DefectClass("SF1", "line", colour="#010203")
    quick.finish({DefectClass("Bulk", "bulk"): 3, fault: 2})
    assert view_model.counts == {"Bulk": 3, "SF1": 2}
    assert view_model.classes[1] == fault
    view_model.remove_source(Path("a"))
    assert view_model.counts == {}


def test_losses_then_report(view_model: TrainViewModel, long: FakeWorker, library: Path) -> None:
    view_model.add_source(Path("a"))
    view_model.start(TrainingOptions("mine", ("Bulk", "SF1"), epochs={"SF1": 4}))
    assert long.jobs[0].arguments["options"].epochs == {"SF1": 4}
    assert long.jobs[0].arguments["out"] == library / "mine.safetensors"
    long.progress(1, 2)
    long.report(epoch("Bulk", 1, 0.7))
    assert view_model.losses == [EpochLoss("Bulk", 0, 1, 0.7, None)]
    long.finish(TrainingSummary(library / "mine.safetensors", (), (), 90.0))
    assert view_model.run.message == "mine is in your library · trained in 1.5 min"


def test_the_auxiliary_loss_is_not_shown(view_model: TrainViewModel, long: FakeWorker) -> None:
    view_model.add_source(Path("a"))
    view_model.start(TrainingOptions("mine", ("Bulk", "SF1")))
    changes: list[int] = []
    view_model.losses_changed.connect(lambda: changes.append(len(view_model.losses)))
    long.report(epoch("lesson", 1, 0.9))
    long.report(epoch("", 1, 0.8))
    assert view_model.losses == [EpochLoss("", 0, 1, 0.8, None)]
    assert changes == [0, 1]


def test_a_cancel_after_the_model_is_saved_keeps_it(
    view_model: TrainViewModel, long: FakeWorker, library: Path
) -> None:
    view_model.add_source(Path("a"))
    view_model.start(TrainingOptions("mine", ("Bulk", "SF1")))
    summary = TrainingSummary(library / "mine.safetensors", (), (), 90.0)
    long.report(ModelSavedProgress("measuring", 1, 2, summary=summary))
    assert view_model.report is summary
    assert view_model.losses == []
    view_model.run.cancel()
    long.stop()
    assert view_model.run.message == "mine is in your library · comparison cancelled"


@pytest.mark.parametrize(
    ("sources", "options", "fault"),
    [
        ([], TrainingOptions("mine", ("Bulk", "SF1")), "there is no data"),
        (["a"], TrainingOptions("mine"), "no class is selected"),
        (["a"], TrainingOptions("../mine", ("Bulk", "SF1")), "use letters"),
        (["a"], TrainingOptions("taken", ("Bulk", "SF1")), "already has a model 'taken'"),
    ],
)
def test_unusable_options_are_reported(
    view_model: TrainViewModel,
    long: FakeWorker,
    library: Path,
    sources: list[str],
    options: TrainingOptions,
    fault: str,
) -> None:
    (library / "taken.safetensors").touch()
    for source in sources:
        view_model.add_source(Path(source))
    view_model.start(options)
    assert fault in view_model.run.message
    assert long.jobs == []
