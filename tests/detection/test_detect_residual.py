"""Detection with networks that see the lattice residual: the bundled general model."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, crystal_image
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
