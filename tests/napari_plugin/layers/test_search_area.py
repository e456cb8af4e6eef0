"""Search areas from the view and from drawn shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Shapes

from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY
from napari_stem_defects.napari_plugin.layers.search_area import (
    DRAWN,
    TOOLS,
    VIEW,
    WHOLE,
    describe_area,
    get_search_area,
    start_drawing,
)

if TYPE_CHECKING:
    from napari.layers import Image

SHAPE = (100, 120)


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def image(viewer: ViewerModel) -> Image:
    pixels = np.zeros(SHAPE, np.float32)
    return viewer.add_image(pixels, name="CdTe", scale=(0.5, 0.5), units=("nm", "nm"))


def drawn(viewer: ViewerModel, image: Image, corners: object, kind: str = "rectangle") -> object:
    viewer.add_shapes([np.array(corners)], shape_type=kind)
    return get_search_area(viewer, image, DRAWN)


def test_the_whole_image_needs_no_area(viewer: ViewerModel, image: Image) -> None:
    assert get_search_area(viewer, image, WHOLE) is None


def test_the_current_view(viewer: ViewerModel, image: Image) -> None:
    image.corner_pixels = np.array([[10, 20], [50, 60]])
    assert get_search_area(viewer, image, VIEW) == SearchArea.rectangle(10, 20, 50, 60)
    image.corner_pixels = np.array([[0, 0], [100, 120]])
    assert get_search_area(viewer, image, VIEW) is None
    image.corner_pixels = np.array([[200, 200], [300, 300]])
    with pytest.raises(InputError, match="CdTe: no part of the image is in the current view"):
        get_search_area(viewer, image, VIEW)


def test_a_rectangle_is_converted_to_pixels_of_the_image(viewer: ViewerModel, image: Image) -> None:
    area = drawn(viewer, image, [[5, 10], [5, 20], [15, 20], [15, 10]])  # nm
    assert area == SearchArea.rectangle(10, 20, 31, 41)


def test_an_ellipse_is_approximated_by_an_outline(viewer: ViewerModel, image: Image) -> None:
    area = drawn(viewer, image, [[5, 10], [5, 30], [25, 30], [25, 10]], "ellipse")
    assert isinstance(area, SearchArea)
    assert area.mask(SHAPE).sum() == pytest.approx(np.pi * 20 * 20, rel=0.02)


def test_a_freehand_outline_is_simplified(viewer: ViewerModel, image: Image) -> None:
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    circle = np.column_stack([25 + 10 * np.cos(angle), 30 + 10 * np.sin(angle)])
    area = drawn(viewer, image, circle, "polygon")
    assert isinstance(area, SearchArea)
    assert len(area.outlines[0]) < 100
    assert area.mask(SHAPE).sum() == pytest.approx(np.pi * 20 * 20, rel=0.05)


def test_lines_enclose_nothing(viewer: ViewerModel, image: Image) -> None:
    with pytest.raises(InputError, match="no region is drawn yet"):
        get_search_area(viewer, image, DRAWN)
    with pytest.raises(InputError, match="no region is drawn yet"):
        drawn(viewer, image, [[0, 0], [10, 10]], "line")


@pytest.mark.parametrize(("tool", "mode"), TOOLS.items())
def test_drawing_uses_one_layer(viewer: ViewerModel, image: Image, tool: str, mode: str) -> None:
    start_drawing(viewer, image)
    start_drawing(viewer, image, tool)
    (layer,) = (each for each in viewer.layers if isinstance(each, Shapes))
    assert layer.name == "search region - CdTe"
    assert layer.mode == mode
    assert viewer.layers.selection.active is layer
    assert layer.units == image.units


def test_outlines_of_grains_are_not_drawn_on(viewer: ViewerModel, image: Image) -> None:
    ring = [[0, 0], [0, 30], [30, 30], [0, 0]]
    grains = viewer.add_shapes(
        [ring], shape_type="path", metadata={METADATA_KEY: {"made": "survey"}}
    )
    start_drawing(viewer, image)
    assert viewer.layers.selection.active is not grains
    assert viewer.layers.selection.active.name == "search region - CdTe"


def test_descriptions() -> None:
    area = SearchArea.rectangle(0, 0, 50, 120)
    assert describe_area(None, SHAPE, WHOLE) == "all of the image"
    assert describe_area(area, SHAPE, VIEW) == "the current view, 50 % of the image"
    two = SearchArea((*area.outlines, *SearchArea.rectangle(50, 0, 75, 120).outlines))
    assert describe_area(two, SHAPE, DRAWN) == "2 drawn regions, 75 % of the image"
