"""Quick models of spots in images without a lattice, from training to detection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import SQUARE, crystal_image
from scipy import ndimage
from spot_images import SpotImage, clicked_spots, film, spot_image

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.models.model_file import load_model, save_model
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.networks.model_card import describe_input, describe_scale
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.quick_evaluation import evaluate_quick_model
from napari_stem_defects.training.quick_images import LabelledImage, prepare_image
from napari_stem_defects.training.spot_images import window_outside


@pytest.fixture(scope="module")
def image() -> SpotImage:
    return spot_image(pixel_size_nm=0.02)


@pytest.fixture(scope="module")
def model(image: SpotImage) -> Ensemble:
    return train_quick([clicked_spots(image, 7)], ()).ensemble


def places(ensemble: Ensemble, micrograph: Micrograph) -> np.ndarray:
    regions = detect_frame(micrograph, ensemble).regions
    return np.array([(r.y_px, r.x_px) for r in regions if r.class_name == "Atom"]).reshape(-1, 2)


@pytest.mark.parametrize("clicks", [1, 3, 7])
@pytest.mark.parametrize("height", [14.0, -14.0])
def test_clicks_find_the_other_spots(clicks, height):
    shown = spot_image(2, height=height)
    report = train_quick([clicked_spots(shown, clicks)], ())
    hits, false = shown.found(places(report.ensemble, shown.micrograph))
    assert hits >= 27
    assert false <= 2


def test_the_report_states_the_window_and_the_clicks_that_were_found(image):
    report = train_quick([clicked_spots(image, 7)], ())
    assert report.notes[0].startswith("No lattice at the clicks: spots are sought in a window of")
    assert "7 of 7 clicks left out were found" in report.evaluations[0].notes[0]


def test_it_finds_spots_in_another_image_at_its_own_pixel_size(model):
    other = spot_image(9, fwhm=10.0, shape=(400, 400), pixel_size_nm=0.01, count=20)
    found = detect_frame(other.micrograph, model)
    hits, false = other.found(places(model, other.micrograph))
    assert hits >= 18
    assert false <= 2
    assert found.parameters["recognised"]
    assert "in a window of" in found.parameters["scale_statement"]


def test_without_a_pixel_size_spots_are_as_large_in_px(model):
    other = spot_image(8)
    statement = detect_frame(other.micrograph, model).parameters["scale_statement"]
    assert "as many px as in the clicked image" in statement
    assert other.found(places(model, other.micrograph))[0] >= 27


def test_films_without_spots_have_hardly_any(model):
    counts = [len(places(model, spot_image(60 + n, count=0).micrograph)) for n in range(4)]
    assert sum(counts) <= 4


def test_a_pixel_size_that_cannot_be_is_stated(model):
    tiny = spot_image(8, pixel_size_nm=5.0).micrograph
    found = detect_frame(tiny, model)
    assert "smaller than a pixel; check the pixel size" in found.parameters["scale_statement"]
    assert all(region.class_name == "unknown" for region in found.regions)


def test_a_crystal_is_stated(model):
    found = detect_frame(crystal_image(size=160).micrograph, model)
    (warning,) = [w for w in found.parameters["warnings"] if "spots" in w]
    assert "this image shows one" in warning
    assert "\n" not in warning


def test_the_file_keeps_the_model(model, image, tmp_path):
    path = tmp_path / "atoms.safetensors"
    save_model(model, path)
    loaded = load_model(path)
    np.testing.assert_array_equal(places(loaded, image.micrograph), places(model, image.micrograph))
    assert "spots without a lattice" in describe_scale(loaded.spec)
    assert "whitened background" in describe_input(loaded.spec)


def test_models_of_a_lattice_are_described_as_before():
    spec = EnsembleSpec.from_dict(EnsembleSpec("mine", ("Bulk", "Vac")).to_dict())
    assert "window_px" not in spec.to_dict()["architecture"]


def test_it_is_evaluated_on_clicks_of_another_image(model):
    other = clicked_spots(spot_image(11, pixel_size_nm=0.02), 12)
    figures = evaluate_quick_model(model, [other]).metrics.classes["Atom"]
    assert figures.recall.value >= 0.9


def test_a_line_without_a_lattice_is_one_line(image):
    clicks = clicked_spots(image, 3)
    with pytest.raises(LabelError, match="only points are learned") as error:
        train_quick([clicks], (DefectClass("Atom", kind="line"),))
    assert "\n" not in str(error.value)


def test_training_is_repeatable(model, image):
    again = train_quick([clicked_spots(image, 7)], ()).ensemble
    for name, array in model.weights.items():
        np.testing.assert_array_equal(array, again.weights[name])
    assert replace(again.spec, figures={}, training={}) == replace(
        model.spec, figures={}, training={}
    )


def beside(crystal_columns: int) -> SpotImage:
    """Return a crystal on the left and spots on a film on the right."""
    crystal = crystal_image(size=300, missing=6, seed=2).pixels.astype(float)
    amorphous = spot_image(4, count=25, shape=(300, 300))
    pixels = amorphous.micrograph.pixels.astype(float)
    pixels = (pixels - np.median(pixels)) / pixels.std() * crystal.std() * 0.7 + np.median(crystal)
    pixels[:, :crystal_columns] = crystal[:, :crystal_columns]
    right = amorphous.spots[amorphous.spots[:, 1] > crystal_columns + 10]
    both = Micrograph(pixels.astype(np.float32), "half")
    return SpotImage(both, right, amorphous.fwhm)


@pytest.mark.parametrize("crystal_columns", [90, 150])
def test_spots_beside_a_crystal_are_found_and_its_columns_are_none(crystal_columns):
    image = beside(crystal_columns)
    report = train_quick([clicked_spots(image, 6)], ())
    hits, false = image.found(places(report.ensemble, image.micrograph))
    assert hits >= len(image.spots) - 2
    assert false <= 4
    (warning,) = [
        w
        for w in detect_frame(image.micrograph, report.ensemble).parameters["warnings"]
        if "not searched for spots" in w
    ]
    assert "\n" not in warning


def test_defects_of_a_crystal_beside_a_film_are_learned_from_its_lattice():
    crystal = crystal_image(size=300, missing=6, seed=2)
    image = beside(150)
    inside = crystal.defects[crystal.defects[:, 1] < 120][:2]
    clicks = clicked_spots(image, 0)._replace(y=inside[:, 0], x=inside[:, 1], labels=("Vac",) * 2)
    report = train_quick([clicks], ())
    assert report.ensemble.spec.matched_filters.window_px is None


def with_missing_pixel(image: Micrograph, y: float, x: float) -> Micrograph:
    """Return an image without a value at one pixel."""
    invalid = np.zeros(image.frame_shape, bool)
    invalid[round(y), round(x)] = True
    return replace(image, invalid=invalid)


@pytest.mark.parametrize("shift", [2, 22])
def test_a_missing_pixel_near_a_click_makes_no_crystal_a_film(shift):
    y, x = np.indices((400, 400)) * 2 * np.pi / 12
    noise = np.random.default_rng(0).normal(0, 0.05, (400, 400))
    pixels = (2 + np.cos(y) + np.cos(x) + noise).astype(np.float32)
    crystal = with_missing_pixel(Micrograph(pixels, "crystal"), 204, 204 + shift)
    clicks = clicked_spots(spot_image(), 0)._replace(
        micrograph=crystal, y=np.array([204.0]), x=np.array([204.0]), labels=("Vac",)
    )
    report = train_quick([clicks], ())
    assert report.ensemble.spec.matched_filters.window_px is None
    assert not any("No lattice" in note for note in report.notes)


def test_clicks_near_a_missing_pixel_do_not_count():
    """Of three clicks one is near it, and of the others most are in the film, or in the crystal."""
    image = beside(150)
    film_spots = image.spots[image.spots[:, 1] > 190]
    lattice = measure_lattices(image.micrograph.pixels)
    for at, is_film in ((film_spots[0], True), (np.array([150.0, 60.0]), False)):
        other = np.array([200.0, 60.0]) if is_film else film_spots[0]
        micrograph = with_missing_pixel(image.micrograph, *(other + 4))
        y, x = np.stack([at, other, other]).T
        clicks = clicked_spots(image, 0)._replace(
            micrograph=micrograph, y=y, x=x, labels=("Atom",) * 3
        )
        ready = prepare_image(micrograph, lattice=lattice)
        assert (window_outside([clicks], [ready]) is not None) == is_film


def test_clicks_at_the_edge_of_a_crystal_that_is_no_particle_are_in_it():
    image = beside(210)
    edge = np.array([[100.0, 200.0], [200.0, 200.0]])
    clicks = clicked_spots(image, 0)._replace(y=edge[:, 0], x=edge[:, 1], labels=("Vac",) * 2)
    ready = prepare_image(image.micrograph)
    at = np.rint(ready.residual.sampled.to_samples(edge)).astype(int)
    assert ready.residual.blocked[at[:, 0], at[:, 1]].all()
    assert window_outside([clicks], [ready]) is None


def test_the_atoms_of_a_particle_of_few_periods_are_spots():
    fwhm, shape = 5.0, (256, 256)
    rows, columns = np.mgrid[:9, :9]
    at = np.stack([100 + 9 * 0.866 * rows, 80 + 9 * (columns + 0.5 * (rows % 2))], -1).reshape(
        -1, 2
    )
    y, x = np.indices(shape)
    pixels = film(shape, fwhm, 3)
    for place in at:
        square = (y - place[0]) ** 2 + (x - place[1]) ** 2
        pixels += 14 * np.exp(-square / (2 * (fwhm / 2.355) ** 2))
    counted = np.random.default_rng(3).poisson(8 * (pixels + 5 - pixels.min()))
    image = SpotImage(Micrograph(counted.astype(np.float32), "particle"), at, fwhm)
    report = train_quick([clicked_spots(image._replace(spots=at[::12]), 7)], ())
    hits, false = image.found(places(report.ensemble, image.micrograph))
    assert hits >= 70
    assert false <= 8


def test_an_empty_image_is_one_line():
    flat = Micrograph(np.full((100, 100), 3, np.float32), "flat")
    image = clicked_spots(spot_image(), 1)._replace(micrograph=flat)
    with pytest.raises(LabelError, match=r"^flat: the image is empty"):
        train_quick([image], ())


def test_defects_of_a_particle_of_few_periods_are_learned_from_its_lattice():
    rng = np.random.default_rng(0)
    image = crystal_image(SQUARE, size=300, spacing=14.0, missing=30, seed=1)
    away = np.hypot(*(image.defects - 150).T) / image.period
    inner = image.defects[away < 4.5]
    assert len(inner) >= 3
    y, x = np.mgrid[:300, :300]
    beside = ndimage.gaussian_filter(rng.normal(size=(300, 300)), 3.0)
    beside = image.pixels.mean() + 0.3 * image.pixels.std() * beside / beside.std()
    is_particle = np.hypot(y - 150, x - 150) < 7 * image.period
    pixels = np.where(is_particle, image.pixels, beside).astype(np.float32)
    clicks = LabelledImage(
        Micrograph(pixels, "particle"), inner[:, 0], inner[:, 1], ("Vac",) * len(inner)
    )
    report = train_quick([clicks], ())
    assert report.ensemble.spec.matched_filters.window_px is None
