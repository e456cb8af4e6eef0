"""Training from few clicks with its report, and when it is chosen."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import CrystalImage
from labelled_crystals import click_project, labelled, vacancies

import napari_stem_defects as sd
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.base.progress import Cancelled, Progress, StopAndKeep
from napari_stem_defects.errors import LabelError
from napari_stem_defects.training.few_label_training import are_few, train_from_few
from napari_stem_defects.training.quick_images import LabelledImage


@pytest.fixture(scope="module")
def report():
    return train_from_few([labelled(vacancies(), 6)], (), sd.load_model(GENERAL_MODEL))


def test_networks_and_quick_model_are_reported_side_by_side(report) -> None:
    networks, quick = report.evaluations
    assert (networks.split, quick.split) == ("site", "quick")
    assert networks.data.labels == quick.data.labels == ("Vac",) * 6
    assert "in 3 parts (Vac at 6 places)" in networks.meaning
    assert "each place in turn" in quick.meaning
    assert networks.metrics.classes["Vac"].recall.value == 1
    assert set(report.ensemble.spec.figures) == {"site", "quick"}
    assert report.ensemble.spec.training["clicks"] == {"Bulk": 0, "Vac": 6}
    assert report.ensemble.spec.lattice_geometry is not None


def test_few_clicks_are_trained_on_this_way_by_default(tmp_path) -> None:
    project = click_project(tmp_path / "clicks", vacancies(), 5)
    trained = sd.train([project], tmp_path / "few.safetensors", device="cpu")
    assert trained.ensemble.spec.training["recipe"] == "few labels"
    assert (tmp_path / "few.report" / "report.md").is_file()
    text = (tmp_path / "few.report" / "report.md").read_text(encoding="utf-8")
    assert "Quick model" in text
    found = sd.detect(vacancies(seed=2).micrograph, tmp_path / "few.safetensors", device="cpu")
    assert len(found.regions) == 9
    again = sd.evaluate(tmp_path / "few.safetensors", [project], device="cpu")
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
    with pytest.raises(LabelError, match="learn from images of a lattice"):
        sd.train([project], options=sd.TrainingOptions(recipe="few"), device="cpu")


@pytest.mark.parametrize("stop", [Cancelled, StopAndKeep])
def test_it_is_cancelled_where_it_is_stopped(stop) -> None:
    def report(step: Progress) -> None:
        if step.stage.startswith("training"):
            raise stop

    with pytest.raises(Cancelled):
        train_from_few([labelled(vacancies(), 3)], (), sd.load_model(GENERAL_MODEL), report=report)
