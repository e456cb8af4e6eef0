"""Detection with networks that see the lattice residual: the bundled general model."""

from __future__ import annotations

import numpy as np
import pytest
from crowded_crystals import crowded_crystal
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, columns, crystal_image, render
from missing_in_few_periods import few_periods
from scipy.spatial import cKDTree

import napari_stem_defects as sd
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.detection.detect_frame import detect_frame


@pytest.fixture(scope="module")
def general():
    return sd.load_model(GENERAL_MODEL)


def _matched(detection, image, name):
    found = [(r.y_px, r.x_px) for r in detection.regions if r.class_name == name]
    apart = cKDTree(np.array(found).reshape(-1, 2)).query(image.defects)[0]
    return int((apart < 0.5 * image.period).sum()), len(detection.regions)


@pytest.mark.parametrize("vectors", [SQUARE, HEXAGONAL, OBLIQUE])
@pytest.mark.parametrize("spacing", [9.0, 21.0])
def test_missing_columns_are_named_in_any_lattice_at_any_magnification(
    general, vectors, spacing
) -> None:
    image = crystal_image(vectors, missing=6, size=round(24 * spacing), spacing=spacing)
    hits, regions = _matched(
        detect_frame(image.micrograph, general, device="cpu"), image, "Missing"
    )
    assert hits >= 5
    assert regions <= 8


def test_the_contrast_does_not_matter(general) -> None:
    image = crystal_image(SQUARE, missing=6, size=260)
    inverted = sd.Micrograph((image.pixels.max() - image.pixels).astype(np.float32), "bright field")
    hits, _ = _matched(detect_frame(inverted, general, device="cpu"), image, "Missing")
    assert hits >= 5


def test_a_perfect_crystal_is_bulk(general) -> None:
    detection = detect_frame(crystal_image(OBLIQUE, size=260).micrograph, general, device="cpu")
    assert not detection.regions
    assert detection.masks[detection.mask_names.index("unknown")].mean() < 0.02


def test_without_a_lattice_everything_is_unknown(general) -> None:
    noise = np.random.default_rng(0).normal(size=(160, 160)).astype(np.float32)
    detection = detect_frame(sd.Micrograph(noise, "noise"), general, device="cpu")
    assert not detection.regions
    assert detection.parameters["recognised"] is False
    assert detection.masks[detection.mask_names.index("unknown")].all()


def test_places_near_pixels_without_a_value_are_not_searched(general) -> None:
    image = crystal_image(SQUARE, missing=4, size=240)
    pixels = image.pixels.copy()
    invalid = np.zeros(pixels.shape, bool)
    invalid[100:140, 100:140] = True
    pixels[invalid] = pixels.mean()
    micrograph = sd.Micrograph(pixels, "with a hole", invalid=invalid)
    detection = detect_frame(micrograph, general, device="cpu")
    assert not any(mask[invalid].any() for mask in detection.masks)


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE])
def test_missing_columns_that_crowd_have_names(general, shape) -> None:
    crystal = crowded_crystal(shape, 0.15, 0.0)
    detection = detect_frame(sd.Micrograph(crystal.pixels, "crowd"), general, device="cpu")
    found = [(r.y_px, r.x_px) for r in detection.regions if r.class_name == "Missing"]
    named = cKDTree(found)
    assert (named.query(crystal.dim)[0] < 6).mean() > 0.6
    assert (named.query(crystal.usual)[0] < 5).mean() < 0.02


def test_columns_may_be_bright_in_one_part_and_dark_in_another(general) -> None:
    image = crystal_image(SQUARE, missing=8, size=320)
    pixels = image.pixels.copy()
    half = pixels.shape[1] // 2
    pixels[:, half:] = 80 - pixels[:, half:]
    detection = detect_frame(sd.Micrograph(pixels, "both"), general, device="cpu")
    away = np.abs(image.defects[:, 1] - half) > 36
    for place in image.defects[away]:
        named = {
            r.class_name
            for r in detection.regions
            if np.hypot(r.y_px - place[0], r.x_px - place[1]) < 6
        }
        assert named == {"Missing"}


def test_stated_contrast_decides_alone(general) -> None:
    image = crystal_image(SQUARE, missing=6, size=260)
    detection = detect_frame(image.micrograph, general, device="cpu", contrast="dark")
    names = {region.class_name for region in detection.regions}
    assert "Added" in names
    assert "Missing" not in names
    assert detection.parameters["columns"] == "dark"


def test_what_surrounds_missing_columns_with_little_noise_is_no_boundary(general) -> None:
    places = columns(12.7 * np.asarray(HEXAGONAL), 210)
    missing = [np.hypot(*(places - at).T).argmin() for at in ((60, 60), (70, 150), (150, 100))]
    heights = np.ones(len(places))
    heights[missing] = 0
    image = render(places, heights, 210, 0.19 * 12.7) + 0.25
    pixels = np.random.default_rng(1).poisson(5000 * image).astype(np.float32)
    detection = detect_frame(sd.Micrograph(pixels, "little noise"), general, device="cpu")
    assert [region.class_name for region in detection.regions] == ["Missing"] * 3


def test_a_cell_larger_than_the_measured_one_is_no_defect(general) -> None:
    # Every fourth column of every second row is brighter, in so few cells that they are not seen.
    places = columns(12.0 * np.asarray(SQUARE), 168)
    order = np.rint((places - 84) / 12.0).astype(int)
    heights = 1 + 0.5 * ((order[:, 0] % 2 == 0) & (order[:, 1] % 4 == 0))
    rng = np.random.default_rng(4)
    pixels = rng.poisson(80 * (render(places, heights, 168, 2.4) + 0.2)).astype(np.float32)
    detection = detect_frame(sd.Micrograph(pixels, "larger cell"), general, device="cpu")
    assert not [region for region in detection.regions if region.kind == "point"]


def test_missing_columns_of_a_small_crystal_are_not_its_noise(general) -> None:
    pixels, missing = few_periods()
    detection = detect_frame(sd.Micrograph(pixels, "few periods"), general, device="cpu")
    found = [(r.y_px, r.x_px) for r in detection.regions if r.class_name == "Missing"]
    assert len(found) <= len(missing)
    assert (cKDTree(found).query(missing)[0] < 6).sum() >= 7
