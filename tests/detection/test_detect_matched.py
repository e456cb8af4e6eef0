"""Detection with quick models."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_crystals import labelled, vacancies
from large_cells import many_columns
from scan_rows import brighter, streaked
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.detect_matched import quick_model
from napari_stem_defects.errors import ModelError
from napari_stem_defects.lattice.unit_cell import units_per_period
from napari_stem_defects.simulation.any_lattice import make_crystal
from napari_stem_defects.simulation.any_lattice_scene import LatticeScene, simulate_lattice
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect
from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.quick_evaluation import evaluate_quick_model
from napari_stem_defects.training.quick_images import LabelledImage


@pytest.fixture(scope="module")
def model():
    return train_quick([labelled(vacancies(), 4)], ()).ensemble


def _matches(detection, image):
    found = np.array([(r.y_px, r.x_px) for r in detection.regions])
    distance = cKDTree(found).query(image.defects)[0]
    return len(found), float(distance.max())


@pytest.mark.parametrize("options", [{}, {"seed": 3}, {"spacing": 17.0, "size": 400, "seed": 4}])
def test_defects_are_found_at_other_places_and_magnifications(model, options):
    image = vacancies(**options)
    count, distance = _matches(detect_frame(image.micrograph, model), image)
    assert count == 9
    assert distance < 0.35 * image.period


@pytest.mark.parametrize("rotation", [25.0, 40.0, -70.0])
def test_defects_are_found_in_a_turned_crystal(model, rotation):
    image = vacancies(seed=6, rotation_deg=rotation)
    count, distance = _matches(detect_frame(image.micrograph, model), image)
    assert count == 9
    assert distance < 0.35 * image.period


def test_perfect_crystal_is_neither_a_defect_nor_unknown(model):
    detection = detect_frame(vacancies().micrograph, model)
    unknown = detection.masks[detection.mask_names.index("unknown")]
    assert unknown.mean() < 0.01


def test_without_a_lattice_everything_is_unknown(model):
    noise = np.random.default_rng(0).normal(size=(200, 200)).astype(np.float32)
    detection = detect_frame(Micrograph(noise, "carbon"), model)
    assert detection.regions == ()
    assert detection.masks[-1].all()
    assert "No lattice" in detection.parameters["scale_statement"]


def test_invalid_pixels_are_in_no_mask(model):
    image = vacancies()
    invalid = np.zeros(image.pixels.shape, bool)
    invalid[:60] = True
    detection = detect_frame(Micrograph(image.pixels, "crystal", invalid=invalid), model)
    assert not detection.masks[:, :55].any()


def test_an_ensemble_of_networks_has_no_matched_filters():
    import napari_stem_defects as sd

    with pytest.raises(ModelError, match="not a quick model"):
        quick_model(sd.load_model("sto-001"))


def test_a_model_chosen_by_the_shape_of_the_lattice_alone_is_stated_with_the_result(model):
    image = vacancies().micrograph
    assert image.pixel_size_nm is None
    chosen = detect_frame(image, model, choice="model vacancies chosen").parameters["warnings"]
    assert any("hold only if the crystal is that of the model" in text for text in chosen)
    given = detect_frame(image, model).parameters["warnings"]
    assert not any("hold only if" in text for text in given)


def test_disturbed_scan_rows_are_no_defects_and_are_stated(model):
    image = vacancies(seed=3)
    rows = (31, 77, 120, 121, 180, 214)
    disturbed = streaked(brighter(image.pixels, rows[:3]), rows[3:])
    detection = detect_frame(Micrograph(disturbed, "crystal"), model)
    count, distance = _matches(detection, image)
    assert count == 9
    assert distance < 0.35 * image.period
    assert "6 scan rows are disturbed" in " ".join(detection.parameters["warnings"])


@pytest.fixture(scope="module")
def narrow_and_wide():
    """One crystal, imaged with two probes: its cell has many columns with the narrow one alone."""
    images = [
        many_columns(7, vacancies=8, motif=1, sigma=sigma, seed=seed)
        for seed, sigma in ((0, 0.14), (1, 0.22))
    ]
    units = [units_per_period(image.cells[0]) for image in images]
    assert units[0] > 1 == units[1]
    return images


@pytest.mark.parametrize("clicked", [0, 1])
def test_the_length_unit_is_that_of_the_clicked_image(narrow_and_wide, clicked):
    image, other = narrow_and_wide[clicked], narrow_and_wide[1 - clicked]
    ensemble = train_quick([labelled(image, 3)], ()).ensemble
    detection = detect_frame(other.micrograph, ensemble)
    assert 6 <= len(detection.regions) <= 8
    found = np.array([(r.y_px, r.x_px) for r in detection.regions])
    assert (cKDTree(other.defects).query(found)[0] < 4.5).all()
    units = quick_model(ensemble).scale.units
    samples = detection.parameters["resampling_factor"] * other.period / units
    assert samples == pytest.approx(quick_model(ensemble).samples, rel=0.02)
    assert ("length unit" in detection.parameters["scale_statement"]) is (clicked == 0)
    evaluation = evaluate_quick_model(ensemble, [labelled(other, 8)])
    assert evaluation.metrics.classes["Vac"].recall.value >= 0.75


def test_a_fault_through_a_precipitate_keeps_its_name():
    crystal = make_crystal("square", 15.0, rotation_deg=11.0)
    defects = (
        LatticeDefect("fault", "fault", amount=0.5),
        LatticeDefect("precipitate", "grain", amount=1.3, count=1),
    )
    scene = simulate_lattice(LatticeScene(crystal, defects, shape=(384, 384)), seed=204)
    (line,), area = scene.lines["fault"], scene.areas["grain"]
    inside, outside = (ndimage.distance_transform_edt(each) for each in (area, ~area))
    steps = np.linspace(0, len(line) - 1, 300)
    at = np.stack([np.interp(steps, range(len(line)), each) for each in np.transpose(line)], 1)
    at = at[(at > 30).all(axis=1) & (at < 353).all(axis=1)]
    away = outside[tuple(np.rint(at).astype(int).T)]
    places = np.array([at[np.argmax(away)], np.unravel_index(inside.argmax(), area.shape)])
    micrograph = Micrograph(scene.pixels, "a", 0.02)
    clicks = LabelledImage(micrograph, *places.T, ("fault", "grain"))
    classes = (DefectClass("fault", "line"), DefectClass("grain", "area"))
    detection = detect_frame(micrograph, train_quick([clicks], classes).ensemble)
    free = np.rint(at[away > 15]).astype(int)
    near = {
        name: ndimage.maximum_filter(mask, 11)[tuple(free.T)]
        for name, mask in zip(detection.mask_names, detection.masks, strict=True)
    }
    assert near["fault"].mean() > 0.95
    assert not near["grain"].any()
