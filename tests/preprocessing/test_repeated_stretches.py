"""What the crystal repeats is no disturbance of the scan."""

from __future__ import annotations

import io

import numpy as np
import pytest
from crystal_images import HEXAGONAL, SQUARE, crystal_image
from PIL import Image
from scan_rows import DISTURBANCES
from scipy import ndimage

from napari_stem_defects.preprocessing.repeated_stretches import without_repeated
from napari_stem_defects.preprocessing.scan_rows import mend_scan_rows

ROWS = [61, 150, 222, 301]


def smooth(spacing, sigma=2.0, size=384, turn=10.0, shape=HEXAGONAL):
    """Return a crystal after a Gaussian filter, without what the filter does to the border."""
    made = crystal_image(
        shape, spacing=spacing, counts=500, size=size + 32, seed=3, rotation_deg=turn
    )
    return ndimage.gaussian_filter(made.pixels, sigma)[16:-16, 16:-16], [
        np.array(cell.vectors_px) for cell in made.cells
    ]


def as_bytes(pixels, saturated):
    """Return the image in 8 bits, with a share of its pixels saturated at either end."""
    low, high = np.quantile(pixels, [saturated, 1 - saturated])
    return np.clip((pixels - low) / (high - low) * 255, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("spacing", [12.0, 17.3, 26.0])
@pytest.mark.parametrize("turn", [0.0, 10.0])
def test_a_smooth_crystal_with_saturated_columns_has_no_disturbed_row(spacing, turn):
    pixels, lattices = smooth(spacing, turn=turn)
    found = mend_scan_rows(as_bytes(pixels, 0.002).astype(np.float32), spacing, lattices=lattices)
    assert not found.mask.any()


def test_blocks_of_a_jpeg_file_are_no_disturbed_rows():
    for quality in (75, 90, 95):
        pixels, lattices = smooth(26.0)
        file = io.BytesIO()
        Image.fromarray(as_bytes(pixels, 0.001)).save(file, "JPEG", quality=quality)
        image = np.asarray(Image.open(file), np.float32)
        assert not mend_scan_rows(image, 26.0, lattices=lattices).mask.any()


@pytest.mark.parametrize("kind", sorted(DISTURBANCES))
@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE])
def test_rows_that_are_disturbed_in_a_smooth_crystal_are_found(kind, shape):
    pixels, lattices = smooth(17.3, 1.0, shape=shape)
    disturbed = DISTURBANCES[kind](pixels.astype(np.float32), ROWS)
    found = mend_scan_rows(disturbed, 17.3, lattices=lattices)
    assert np.flatnonzero(found.mask.any(axis=1)).tolist() == ROWS


def test_a_stretch_stays_where_the_image_shows_no_lattice_vector_further():
    rng = np.random.default_rng(0)
    image = rng.normal(size=(40, 64)).astype(np.float32)
    mask = np.zeros(image.shape, bool)
    mask[20] = True
    filled = np.where(mask, np.float32(0), image)
    vectors = np.array([[200.0, 0.0], [0.0, 200.0]])
    assert without_repeated(image, filled, mask, [vectors]).sum() == 64


def test_the_lattice_of_the_grain_decides():
    pixels, (vectors,) = smooth(17.3)
    image = as_bytes(pixels, 0.002).astype(np.float32)
    strange = vectors @ np.array([[0.9, 0.3], [-0.3, 0.9]])
    assert not mend_scan_rows(image, 17.3, lattices=[strange, vectors]).mask.any()
