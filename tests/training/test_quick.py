"""Training of quick models."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image
from labelled_crystals import labelled, vacancies
from large_cells import many_columns
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.detect_matched import quick_model
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.models.model_file import load_model, save_model
from napari_stem_defects.lattice.unit_cell import units_per_period
from napari_stem_defects.training.quick import clicks_of, train_quick
from napari_stem_defects.training.quick_images import LabelledImage, prepare_image
from napari_stem_defects.training.recipes import TrainingOptions


def test_a_model_states_its_clicks_classes_and_test():
    report = train_quick([labelled(vacancies(), 5)], (DefectClass("Vac", title="vacancy"),))
    spec = report.ensemble.spec
    assert spec.is_quick
    assert spec.classes == ("Bulk", "Vac")
    assert spec.class_data[1].title == "vacancy"
    assert spec.training["clicks"] == {"Bulk": 0, "Vac": 5}
    (evaluation,) = report.evaluations
    assert evaluation.split == "site"
    assert evaluation.metrics.classes["Vac"].recall.value == 1
    assert "each place in turn (Vac at 5 places)" in evaluation.meaning
    assert evaluation.metrics.classes["Vac"].precision.value is None
    assert evaluation.notes[0].startswith("Vac: 5 of 5 clicks left out were found")
    assert "9 regions, 4 of them without a click" in evaluation.notes[3]


def test_clicks_of_several_images_make_one_model():
    images = [labelled(vacancies(seed), 2) for seed in (0, 1)]
    report = train_quick(images, ())
    assert report.ensemble.spec.training["clicks"]["Vac"] == 4


def test_one_click_is_enough_and_cannot_be_tested():
    report = train_quick([labelled(vacancies(), 1)], ())
    assert report.evaluations[0].untestable == {"Vac": "all its clicks show one place"}
    assert len(report.evaluations[0].data) == 0


def test_the_progress_ends_complete():
    steps = []
    train_quick([labelled(vacancies(), 2)], (), report=steps.append)
    assert steps[-1].done == steps[-1].total


def test_two_trainings_are_equal():
    first, second = (train_quick([labelled(vacancies(), 3)], ()).ensemble for _ in range(2))
    for name, array in first.weights.items():
        np.testing.assert_array_equal(array, second.weights[name])


def test_of_contradicting_clicks_the_newer_one_holds():
    image = vacancies()
    y, x = image.defects[:3].T
    contradicting = LabelledImage(
        image.micrograph, np.append(y, y[0]), np.append(x, x[0]), ("Vac", "Vac", "Vac", "Bulk")
    )
    clicks, notes = clicks_of([contradicting], [prepare_image(image.micrograph)])
    assert [click.class_name for click in clicks] == ["Vac", "Vac", "Bulk"]
    assert notes[0].startswith("crystal: 1 click left out")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image: image._replace(y=image.y - 500), "lies outside the image"),
        (lambda image: image._replace(labels=("Bulk",) * 3), "no click shows a defect"),
    ],
)
def test_clicks_that_cannot_be_used_are_one_line(change, message):
    with pytest.raises(LabelError, match=message) as error:
        train_quick([change(labelled(vacancies(), 3))], ())
    assert "\n" not in str(error.value)


def test_a_class_without_clicks_is_named():
    with pytest.raises(LabelError, match="GB: no click shows this class"):
        train_quick([labelled(vacancies(), 3)], (), TrainingOptions(classes=("GB",)))


def test_bulk_may_be_chosen_without_a_click() -> None:
    options = TrainingOptions(classes=("Bulk", "Vac"))
    assert train_quick([labelled(vacancies(), 3)], (), options).ensemble.spec.classes[1] == "Vac"


def test_an_image_without_a_lattice_among_others_is_named():
    noise = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    image = LabelledImage(Micrograph(noise, "carbon"), np.array([50.0]), np.array([50.0]), ("Vac",))
    with pytest.raises(LabelError, match=r"^carbon: .*make a model of each kind$"):
        train_quick([image, labelled(vacancies(), 3)], ())


@pytest.mark.parametrize("kind", ["point", "line", "area"])
def test_clicks_that_show_nothing_are_stated_and_find_nothing(kind: str) -> None:
    """Domain walls, for example, that the image does not resolve."""
    image = crystal_image(size=360, counts=10)
    places = np.array([[80.0, 90], [150, 260], [190, 120], [240, 200], [290, 90], [120, 180]])
    clicks = LabelledImage(image.micrograph, *places.T, ("Wall",) * len(places))
    report = train_quick([clicks], [DefectClass("Wall", kind)])
    assert [note for note in report.notes if "no more unusual" in note and "Wall" in note]
    found = detect_frame(image.micrograph, report.ensemble)
    assert not [region for region in found.regions if region.class_name == "Wall"]


def test_a_boundary_is_no_place_like_any() -> None:
    image = crystal_image(SQUARE, size=360, grain_deg=20)
    y = np.full(6, 180.0)
    clicks = LabelledImage(image.micrograph, y, np.linspace(60, 300, 6), ("GB",) * 6)
    report = train_quick([clicks], [DefectClass("GB", "line")])
    assert not [note for note in report.notes if "no more unusual" in note]
    found = detect_frame(image.micrograph, report.ensemble)
    assert [region.class_name for region in found.regions if region.class_name == "GB"]


def test_a_model_with_a_class_that_shows_nothing_is_kept(tmp_path) -> None:
    image = vacancies(counts=200.0)
    y, x = image.defects[:5].T
    anywhere = np.array([[60.0, 60.0], [150, 240], [240, 150], [90, 200]])
    far = np.hypot(*(anywhere[:, None] - image.defects).T).min(axis=0) > 15
    places = anywhere[far]
    names = ("Vac",) * 5 + ("Wall",) * len(places)
    clicks = LabelledImage(image.micrograph, np.r_[y, places[:, 0]], np.r_[x, places[:, 1]], names)
    classes = [DefectClass("Vac", "point"), DefectClass("Wall", "line")]
    trained = train_quick([clicks], classes)
    assert [note for note in trained.notes if note.startswith("Wall: nothing is found")]
    save_model(trained.ensemble, tmp_path / "kept.safetensors")
    found = detect_frame(image.micrograph, load_model(tmp_path / "kept.safetensors"))
    assert {region.class_name for region in found.regions} <= {"Vac", "unknown"}
    assert len(found.regions) >= 9


def test_three_clicks_find_defects_in_cells_of_many_columns():
    found = 0
    for motif in (5, 6, 7):
        image = many_columns(36, size=480, rotation_deg=12, counts=200, vacancies=8, motif=motif)
        ensemble = train_quick([labelled(image, 3)], ()).ensemble
        places = [(r.y_px, r.x_px) for r in detect_frame(image.micrograph, ensemble).regions]
        found += int((cKDTree(places).query(image.defects)[0] < 4.5).sum())
    assert found >= 18


def test_the_length_unit_of_a_model_is_saved(tmp_path):
    image = many_columns(24, vacancies=6)
    ensemble = train_quick([labelled(image, 3)], ()).ensemble
    scale = quick_model(ensemble).scale
    assert scale.units == pytest.approx(units_per_period(image.cells[0]), abs=1e-3)
    assert ensemble.spec.matched_filters.units == scale.units > 1
    save_model(ensemble, tmp_path / "many.safetensors")
    read = load_model(tmp_path / "many.safetensors")
    assert quick_model(read).scale == scale
    assert read.spec.matched_filters == ensemble.spec.matched_filters


def test_a_model_of_a_small_cell_has_no_length_unit_of_its_own():
    ensemble = train_quick([labelled(vacancies(), 2)], ()).ensemble
    assert quick_model(ensemble).scale.units == 1
    assert "units" not in ensemble.spec.to_dict()["architecture"]


@pytest.mark.parametrize("clicked_dark", [False, True])
def test_the_next_image_may_have_the_other_contrast(clicked_dark):
    """What is darker than the crystal in one of them is brighter in the other."""
    image, following = vacancies(), vacancies(seed=3)
    first, second = (
        each._replace(pixels=each.pixels.max() - each.pixels) if dark else each
        for each, dark in ((image, clicked_dark), (following, not clicked_dark))
    )
    ensemble = train_quick([labelled(first, 5)], ()).ensemble
    assert ensemble.spec.column_contrast == ("dark" if clicked_dark else "bright")
    detection = detect_frame(second.micrograph, ensemble)
    assert detection.parameters["inverted"]
    assert len(detection.regions) == len(following.defects)
