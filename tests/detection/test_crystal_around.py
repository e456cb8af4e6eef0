"""Nothing is named where hardly anything around is recognised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.detection import crystal_around
from napari_stem_defects.detection.crystal_around import only_in_crystal
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.postprocessing.results import ProbabilityMap
from napari_stem_defects.simulation.random_scenes import random_scene
from napari_stem_defects.simulation.simulate import simulate

WINDOW = 64.0


def crystal_and_film(stride: int = 8, classes: tuple[str, ...] = ("Bulk", "Vac", "SF")):
    """Return a map whose left half is Bulk, with one vacancy and one fault in each half."""
    y, x = np.arange(0, 512, stride), np.arange(0, 1024, stride)
    probability = np.zeros((3, len(y), len(x)), np.float32)
    probability[0, :, x < 512] = 0.95
    for left in (200, 800):
        here = (np.abs(y[:, None] - 100) <= 12) & (np.abs(x - left) <= 12)
        probability[1][here] = 0.9
        along = (np.abs(y[:, None] - 350) <= 30) & (np.abs(x - left) <= 8)
        probability[2][along] = 0.8
    probability = probability[[("Bulk", "Vac", "SF").index(name) for name in classes]]
    valid = np.ones(probability.shape[1:], bool)
    return ProbabilityMap(probability, y.astype(np.float32), x.astype(np.float32), classes, valid)


@pytest.mark.parametrize("stride", [4, 8, 16])
def test_defects_of_the_crystal_stay_and_those_in_the_film_go(stride: int) -> None:
    before = crystal_and_film(stride)
    after = only_in_crystal(before, WINDOW)
    left = before.x < 480
    np.testing.assert_array_equal(after.probability[..., left], before.probability[..., left])
    film = before.x > 700
    left = crystal_around.LEFT * before.probability[1:, :, film]
    np.testing.assert_allclose(after.probability[1:, :, film], left)


@pytest.mark.parametrize("model", ["cdte-110", "sto-001"])
def test_what_is_left_outside_of_the_crystal_is_below_every_threshold(model: str) -> None:
    spec = load_model(find_model(model)).spec
    defects = [name for name in spec.classes if name != "Bulk"]
    assert min(spec.threshold(name) for name in defects) > 1.5 * crystal_around.LEFT


def test_bulk_stays_wherever_it_is() -> None:
    before = crystal_and_film()
    before.probability[0, 60, 120] = 0.9
    after = only_in_crystal(before, WINDOW)
    np.testing.assert_array_equal(after.probability[0], before.probability[0])


def test_models_without_bulk_know_no_crystal_and_change_nothing() -> None:
    before = crystal_and_film(classes=("Vac", "SF"))
    assert only_in_crystal(before, WINDOW) is before


def test_windows_without_anything_do_not_count() -> None:
    """A crystal in vacuum is recognised up to its edge."""
    found = crystal_and_film()
    valid = np.broadcast_to(found.x < 230, found.valid.shape)
    before = replace(found, probability=found.probability * valid, valid=valid.copy())
    assert only_in_crystal(before, WINDOW) is before


@pytest.mark.parametrize(("model", "seed"), [("cdte-110", 12), ("sto-001", 8)])
def test_an_amorphous_film_beside_a_crystal_has_no_named_defects(
    monkeypatch: pytest.MonkeyPatch, model: str, seed: int
) -> None:
    ensemble = load_model(find_model(model))
    size = ensemble.spec.pixel_size_nm
    scene = simulate(model, size=512, pixel_size_nm=size, seed=11)
    rng = np.random.default_rng(seed)
    film = random_scene(rng, crystal=model, family="amorphous", size=512, pixel_size_nm=size)
    pixels = np.array(scene.micrograph.pixels, np.float32)
    noise = film.micrograph.pixels
    noise = (noise - noise.mean()) / noise.std() * pixels.std() + pixels.mean()
    pixels[:, 256:] = noise[:, 256:]

    def named() -> list[float]:
        found = detect_frame(replace(scene.micrograph, pixels=pixels), ensemble)
        return [each.x_px for each in found.regions if each.class_name != "unknown"]

    places = named()
    assert [x for x in places if x < 240]
    assert not [x for x in places if x > 340]
    monkeypatch.setattr(crystal_around, "MIN_ASSIGNED", 0.0)
    assert [x for x in named() if x > 340]
