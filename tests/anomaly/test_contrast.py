"""Bright and dark columns are told apart, and give the same residual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, crystal_image
from numpy.typing import NDArray
from scipy import ndimage

from napari_stem_defects.anomaly.contrast import (
    _mean_of_shifted,
    bright_residual,
    column_contrast,
    column_sharpness,
)
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import Scale, sample
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.simulation.any_lattice_random import random_lattice_scene
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice


@pytest.mark.parametrize("vectors", [SQUARE, HEXAGONAL, OBLIQUE])
def test_columns_are_brighter_or_darker_than_the_ground(vectors) -> None:
    image = crystal_image(vectors, missing=3, size=200)
    assert column_sharpness(image.pixels, image.cells) > 0
    inverted = (image.pixels.max() - image.pixels).astype(np.float32)
    assert column_sharpness(inverted, image.cells) < 0


def test_a_missing_column_is_a_deficit_in_both_contrasts() -> None:
    image = crystal_image(SQUARE, missing=4, size=200)
    inverted = (image.pixels.max() - image.pixels).astype(np.float32)
    for pixels in (image.pixels, inverted):
        residual = lattice_residual(sample(pixels, image.cells, Scale(7.0)))
        bright = bright_residual(residual, int(np.sign(column_sharpness(pixels, image.cells))))
        y, x = np.rint(residual.sampled.to_samples(image.defects)).astype(int).T
        assert (bright[y, x] < -3).all()


def random_crystal(seed: int, contrast: str, per_period: float) -> Micrograph:
    rng = np.random.default_rng([seed, 77])
    period = float(np.exp(rng.uniform(*np.log((7.0, 20.0)))))
    scene = random_lattice_scene(rng, (256, 256), period_px=period, forms=())
    dose = float(np.clip(per_period / period**2, 1.5, 2000))
    imaging = replace(scene.imaging, contrast=contrast, dose=dose)  # type: ignore[arg-type]
    return simulate_lattice(replace(scene, imaging=imaging), seed).micrograph()


@pytest.mark.parametrize("per_period", [600, 4000, 60000])
def test_bright_columns_are_never_called_dark_and_most_dark_ones_are(per_period: float) -> None:
    found = {"bright": 0, "dark": 0}
    for contrast in found:
        for seed in range(8):
            pixels = random_crystal(seed, contrast, per_period).pixels
            cells = measure_lattices(pixels).cells
            found[contrast] += column_contrast(pixels, cells) == "dark"
    assert found["bright"] == 0
    assert found["dark"] >= 6


def honeycomb(size: int = 360, bond_px: float = 9.0) -> NDArray[np.float32]:
    """Return bright columns so dense that the dark middles of the rings are the rarest places."""
    first = np.array([0.0, 3**0.5 * bond_px])
    second = np.array([1.5 * bond_px, 3**0.5 / 2 * bond_px])
    i, j = np.indices((60, 60)).reshape(2, -1, 1)
    corners = (i - 15) * first + (j - 10) * second
    others = np.add(corners, (bond_px, 0.0))
    at = np.concatenate([corners, others])
    # A Gaussian is the product of its profiles along y and x.
    y, x = np.exp(-((np.arange(size) - at.T[..., None]) ** 2) / (2 * (0.3 * bond_px) ** 2))
    image = 20 + 100 * y.T @ x
    return np.random.default_rng(0).poisson(image).astype(np.float32)


def test_bright_columns_of_a_honeycomb_are_bright() -> None:
    """Flattened, intensities have their long tail towards the dark middles of the rings."""
    pixels = honeycomb()
    cells = measure_lattices(pixels).cells
    flat = np.asarray(sample(pixels, cells).filtered[0:9999, slice(None)])
    assert ((flat - flat.mean()) ** 3).mean() < 0
    assert column_sharpness(pixels, cells) > 0
    assert column_sharpness(-pixels, cells) < 0


def test_sharpness_changes_its_sign_with_the_contrast() -> None:
    pixels = random_crystal(3, "bright", 60000).pixels
    cells = measure_lattices(pixels).cells
    assert column_sharpness(pixels, cells) == pytest.approx(-column_sharpness(-pixels, cells), 0.05)


def test_without_a_lattice_nothing_is_clear() -> None:
    noise = np.random.default_rng(0).random((128, 128), np.float32)
    assert column_contrast(noise, ()) == "unclear"


def test_the_contrast_can_be_given() -> None:
    image = crystal_image(SQUARE, missing=4, size=200)
    residual = lattice_residual(sample(image.pixels, image.cells, Scale(7.0)))
    np.testing.assert_array_equal(bright_residual(residual, -1), -bright_residual(residual, 1))


def test_the_mean_of_shifted_images_is_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((40, 50)).astype(np.float32)
    shifts = rng.uniform(-12, 12, (7, 2))
    shifts[0] = 3, -2
    expected = np.mean([ndimage.shift(image, each, order=1, mode="reflect") for each in shifts], 0)
    np.testing.assert_allclose(_mean_of_shifted(image, shifts), expected, atol=1e-6)
