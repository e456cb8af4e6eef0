"""Training from few clicks with its report, and when it is chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from crystal_images import CrystalImage
from labelled_crystals import click_project, labelled, vacancies

import napari_stem_defects as sd
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.base.progress import Cancelled, Progress, StopAndKeep
from napari_stem_defects.errors import LabelError
from napari_stem_defects.training import few_labels
from napari_stem_defects.training.few_label_training import are_few, train_from_few
from napari_stem_defects.training.quick_images import LabelledImage


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return click_project(tmp_path_factory.mktemp("few") / "clicks", vacancies(), 6)


@pytest.fixture(scope="module")
def trained(project):
    """Train shortly: what is learned from clicks is tested in `test_few_labels`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_labels, "EPOCHS", 1)
        patch.setattr(few_labels, "CALIBRATION_WINDOWS", 1000)
        return sd.train([project], project.parent / "few.safetensors", device="cpu")


def test_networks_and_quick_model_are_reported_side_by_side(trained, project) -> None:
    networks, quick = trained.evaluations
    assert (networks.split, quick.split) == ("site", "quick")
    assert networks.data.labels == quick.data.labels == ("Vac",) * 6
    assert "in 3 parts (Vac at 6 places)" in networks.meaning
    assert "each place in turn" in quick.meaning
    assert networks.metrics.classes["Vac"].recall.value == 1
    spec = trained.ensemble.spec
    assert set(spec.figures) == {"site", "quick"}
    assert spec.training["clicks"] == {"Bulk": 0, "Vac": 6}
    assert spec.lattice_geometry is not None
    text = (project.parent / "few.report" / "report.md").read_text(encoding="utf-8")
    assert "Quick model" in text


def test_few_clicks_are_trained_on_this_way_by_default(trained, project) -> None:
    assert trained.ensemble.spec.training["recipe"] == "few labels"
    model = project.parent / "few.safetensors"
    found = sd.detect(vacancies(seed=2).micrograph, model, device="cpu")
    assert len(found.regions) == 9
    again = sd.evaluate(model, [project], device="cpu")
    assert again.evaluations[0].metrics.classes["Vac"].recall.value == 1


@pytest.mark.parametrize(
    "options", [{"epochs": {"Vac": 1}}, {"representation": "real"}, {"splits": ("region",)}]
)
def test_options_of_a_training_from_scratch_are_kept(options) -> None:
    images = [labelled(vacancies(), 5)]
    assert are_few(images, sd.TrainingOptions())
    assert not are_few(images, sd.TrainingOptions(**options))


def test_many_clicks_are_not_few() -> None:
    image = vacancies()
    many = LabelledImage(image.micrograph, np.zeros(41), np.zeros(41), ("Vac",) * 41)
    assert not are_few([many], sd.TrainingOptions())


def test_no_lattice_is_one_line(tmp_path) -> None:
    noise = np.random.default_rng(0).normal(size=(160, 160)).astype(np.float32)
    image = CrystalImage(noise, 10.0, np.array([[50.0, 50.0], [90.0, 90.0]]))
    project = click_project(tmp_path / "noise", image, 2)
    with pytest.raises(LabelError, match="only quick models of clicked spots do without"):
        sd.train([project], options=sd.TrainingOptions(recipe="few"), device="cpu")


@pytest.mark.parametrize("stop", [Cancelled, StopAndKeep])
def test_it_is_cancelled_where_it_is_stopped(stop) -> None:
    def report(step: Progress) -> None:
        if step.stage.startswith("training"):
            raise stop

    with pytest.raises(Cancelled):
        train_from_few([labelled(vacancies(), 3)], (), sd.load_model(GENERAL_MODEL), report=report)
