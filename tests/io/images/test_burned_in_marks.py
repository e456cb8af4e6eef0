"""Marks burned into images of crystals are masked, and images without marks are left alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from crystal_images import crystal_image
from lattice_images import lattice_image
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_stem_defects.io.images.burned_in_marks import find_marks, mask_marks

Pixels = NDArray[np.float32]


def crystal(saturated: float = 0.0) -> Pixels:
    """Return a crystal in 8 bits, the brightest share of its pixels saturated."""
    image = lattice_image(12, 1, 70, size=320, dose=200)
    low, high = np.quantile(image, [0.0, 1 - saturated])
    return np.clip(np.round(255 * (image - low) / (high - low)), 0, 255).astype(np.float32)


def drawn(image: Pixels, draw: object) -> Pixels:
    picture = Image.fromarray(image.astype(np.uint8))
    draw(ImageDraw.Draw(picture))
    return np.asarray(picture).astype(np.float32)


def bar(value: int) -> object:
    return lambda pen: pen.rectangle((20, 290, 119, 297), fill=value)


@pytest.mark.parametrize("value", [255, 0])
@pytest.mark.parametrize("saturated", [0.0, 0.002, 0.01])
def test_a_bar_is_masked_and_little_else(value: int, saturated: float) -> None:
    mask = find_marks(drawn(crystal(saturated), bar(value)))
    assert mask is not None
    assert mask[290:298, 20:120].all()
    assert mask.sum() < 2.1 * 8 * 100


def test_letters_beside_a_bar_are_masked() -> None:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((20, 290, 119, 297), fill=255)
        pen.text((50, 268), "4 nm", fill=255, font=ImageFont.load_default(18))

    image = crystal(0.001)
    marked = drawn(image, draw)
    mask = find_marks(marked)
    assert mask is not None
    strong = np.abs(marked - image) > 60
    assert (strong & mask).sum() > 0.97 * strong.sum()
    assert mask.mean() < 0.04


def test_letters_along_a_colour_bar_are_masked_and_not_the_image_beside_them() -> None:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((20, 10, 27, 309), fill=255)
        for top in range(10, 300, 70):
            pen.text((33, top), "0.5", fill=255, font=ImageFont.load_default(18))

    mask = find_marks(drawn(crystal(), draw))
    assert mask is not None
    assert mask[:, 20:28].mean() > 0.9
    only = drawn(np.zeros((320, 320), np.float32), draw)[:, 33:] > 128
    assert mask[:, 33:][only].mean() > 0.95
    assert not mask[:, 90:].any()


def test_a_plate_with_bar_and_text_is_masked() -> None:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((10, 270, 130, 310), fill=0)
        pen.rectangle((20, 298, 119, 303), fill=255)
        pen.text((50, 272), "4 nm", fill=255, font=ImageFont.load_default(18))

    mask = find_marks(drawn(crystal(), draw))
    assert mask is not None
    assert mask[298:304, 20:120].all()


def test_a_data_bar_is_masked() -> None:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.rectangle((0, 296, 319, 319), fill=0)
        pen.text((10, 298), "HAADF  300 kV  10 Mx", fill=255, font=ImageFont.load_default(16))

    mask = find_marks(drawn(crystal(), draw))
    assert mask is not None
    assert mask[296:].all()
    assert not mask[:290].any()


def test_an_arrow_is_masked() -> None:
    mask = find_marks(
        drawn(crystal(), lambda pen: pen.line((100, 100, 180, 150), fill=255, width=6))
    )
    assert mask is not None
    assert mask[125, 140]
    assert mask.mean() < 0.06


def test_a_bar_that_was_compressed_is_masked() -> None:
    file = io.BytesIO()
    Image.fromarray(drawn(crystal(0.005), bar(255)).astype(np.uint8)).save(file, "JPEG", quality=85)
    mask = find_marks(np.asarray(Image.open(file)).astype(np.float32))
    assert mask is not None
    assert mask[291:297, 22:118].all()


def test_a_bar_in_an_image_of_16_bits() -> None:
    image = np.round(200 * crystal() + 4000)
    image[290:298, 20:120] = 65535
    mask = find_marks(image)
    assert mask is not None
    assert mask[290:298, 20:120].all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("saturated", [0.0, 0.001, 0.02, 0.1])
def test_crystals_have_no_marks(seed: int, saturated: float) -> None:
    image = lattice_image(10 + 3 * seed, 1.2, 60 + 10 * seed, 13.0 * seed, size=256, dose=80)
    low, high = np.quantile(image, [saturated, 1 - saturated])
    assert find_marks(np.clip(np.round(255 * (image - low) / (high - low)), 0, 255)) is None


def test_defects_blank_areas_and_pores_are_no_marks() -> None:
    image = np.array(crystal_image(missing=6).micrograph.pixels)
    assert find_marks(image) is None
    half = image.copy()
    half[len(half) // 2 :] = 0  # a scan that was stopped
    assert find_marks(half) is None
    side = image.copy()
    side[:, :40] = 0  # shifted by the correction of drift
    assert find_marks(side) is None
    y, x = np.indices(image.shape)
    pore = image.copy()
    pore[np.hypot(y - 120, x - 120) < 25 + 4 * np.sin(5 * np.arctan2(y - 120, x - 120))] = 0
    assert find_marks(pore) is None


def with_pores(count: int) -> Pixels:
    """Return a crystal with round pores and a straight one, whose side bulges."""
    image = crystal()
    y, x = np.indices(image.shape)
    for number in range(count):
        image[np.hypot((y - 90 - 50 * number) / 2, x - 200) < 9] = 0
    image[136:168, 1:7] = 0
    image[147:154, 1:9] = 0
    return image


def test_of_many_pores_a_straight_one_is_no_mark() -> None:
    """Boxes of letters were put around the other pores, and columns between them left out."""
    assert find_marks(with_pores(3)) is None
    beside = drawn(with_pores(3), bar(0))  # with an exact bar the image is marked all the same
    mask = find_marks(beside)
    assert mask is not None
    assert mask[290:298, 20:120].all()
    assert mask.sum() < 2.1 * 8 * 100


def test_drawings_and_small_or_flat_images_are_left_alone() -> None:
    stripes = np.zeros((128, 128), np.float32)
    stripes[::16] = 1
    assert find_marks(stripes) is None
    assert find_marks(np.zeros((200, 200), np.float32)) is None
    assert find_marks(drawn(crystal(), bar(255))[250:310, :90]) is None


@pytest.mark.parametrize("ends", [(40, 40, 120, 120), (20, 20, 300, 300), (20, 150, 300, 170)])
def test_of_an_arrow_only_its_own_pixels_are_masked(ends: tuple[int, ...]) -> None:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        pen.line(ends, fill=255, width=5)
        pen.regular_polygon((*ends[2:], 9), 3, fill=255)

    mask, only = find_marks(drawn(crystal(), draw)), drawn(np.zeros((320, 320)), draw) > 0
    assert mask is not None
    assert mask[only].all()
    assert mask.sum() < 4 * only.sum()


def test_marks_are_filled_marked_as_invalid_and_noted() -> None:
    marked = drawn(crystal(), bar(255))
    stack = np.stack([marked, marked])
    pixels, invalid, note = mask_marks(stack.copy(), None)
    assert invalid is not None
    assert invalid[:, 290:298, 20:120].all()
    assert (pixels[~invalid] == stack[~invalid]).all()
    assert pixels[0, 294, 60] == np.median(marked[~invalid[0]])
    assert "left out of the analysis" in note
    clean = crystal()
    assert mask_marks(clean, None) == (clean, None, "")
