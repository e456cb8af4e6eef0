"""Grey images that are stored as colour become grey layers with the same values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    pixel_size_nm,
    source_path,
    whole_input,
)
from napari_stem_defects.napari_plugin.layers.grey_copy import (
    is_grey,
    looks_grey,
    replace_by_grey,
)

pytestmark = pytest.mark.gui
GREY = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)


def rgba(alpha: int = 255) -> np.ndarray:
    return np.dstack([GREY, GREY, GREY, np.full_like(GREY, alpha)])


@pytest.mark.parametrize("samples", [3, 4])
def test_equal_channels_are_grey(samples: int) -> None:
    layer = Image(rgba()[..., :samples], rgb=True)
    assert looks_grey(layer)
    assert is_grey(layer)
    assert is_grey(Image(np.stack([rgba()] * 2)[..., :samples], rgb=True))


def test_colours_grey_layers_and_transparency_are_not() -> None:
    tinted = rgba()
    tinted[::8, ::8, 2] //= 2
    faded = rgba()
    faded[..., 3] = GREY
    assert not looks_grey(Image(tinted, rgb=True))
    assert not looks_grey(Image(faded, rgb=True))
    assert not looks_grey(Image(GREY))


def test_one_coloured_pixel_is_found_before_anything_is_replaced() -> None:
    marked = rgba()
    marked[3, 3, 0] += 1
    assert looks_grey(Image(marked, rgb=True))
    assert not is_grey(Image(marked, rgb=True))


def test_the_grey_layer_takes_the_place_of_the_other_one() -> None:
    viewer = ViewerModel()
    below = viewer.add_image(GREY, name="below")
    keywords = {"scale": (0.02, 0.02), "units": ("nm", "nm"), "translate": (1, 2)}
    colour = viewer.add_image(
        rgba(), rgb=True, name="shot", metadata={METADATA_KEY: {"path": "/a/shot.png"}}, **keywords
    )
    above = viewer.add_image(GREY, name="above")
    wanted = whole_input(colour).micrograph()
    grey = replace_by_grey(viewer.layers, colour)
    assert list(viewer.layers) == [below, grey, above]
    assert (grey.name, grey.rgb) == ("shot", False)
    assert pixel_size_nm(grey) == pytest.approx(0.02)
    assert tuple(grey.translate) == (1, 2)
    assert source_path(grey) == Path("/a/shot.png")
    np.testing.assert_array_equal(grey.data, GREY)
    assert grey.data.base is None or grey.data.base.ndim == 2
    found = whole_input(grey).micrograph()
    np.testing.assert_array_equal(found.pixels, wanted.pixels)
    assert found.sha256 == wanted.sha256
    assert grey.get_value((1 + 0.02, 2 + 0.04), world=True) == GREY[1, 2]


def test_a_stack_keeps_its_frames() -> None:
    viewer = ViewerModel()
    colour = viewer.add_image(np.stack([rgba(), rgba()]), rgb=True, name="movie")
    assert replace_by_grey(viewer.layers, colour).data.shape == (2, 40, 50)
