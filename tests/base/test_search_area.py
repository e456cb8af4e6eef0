"""Search areas: rectangles and outlines, their masks, and their text and JSON forms."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_stem_defects.base.search_area import MAX_POINTS, PixelBox, SearchArea
from napari_stem_defects.errors import InputError

BOX = (64, 100, 192, 200)
AREA = SearchArea.rectangle(*BOX)
TRIANGLE = ((20.0, 30.0), (20.0, 230.5), (220.25, 30.0))


def circle(corners: int) -> list[tuple[float, float]]:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return [(50 + 40 * np.sin(each), 50 + 40 * np.cos(each)) for each in angle]


def test_an_outline_along_pixels_is_the_rectangle() -> None:
    outline = ((63.5, 99.5), (63.5, 199.5), (191.5, 199.5), (191.5, 99.5))
    assert SearchArea.from_value([outline]) == AREA
    expected = np.zeros((256, 256), bool)
    expected[64:192, 100:200] = True
    np.testing.assert_array_equal(AREA.mask((256, 256)), expected)
    assert AREA.bounding_box((150, 150)) == (64, 100, 150, 150)


@pytest.mark.parametrize(
    "area",
    [AREA, SearchArea((TRIANGLE,)), SearchArea((TRIANGLE, ((-3.5, 1.1), (9, 1.2), (9, 1e-7))))],
)
def test_areas_come_back_from_text_and_from_json(area: SearchArea) -> None:
    assert SearchArea.parse(area.to_text()) == area
    assert SearchArea.from_value(json.loads(json.dumps(area.to_json()))) == area


@pytest.mark.parametrize("text", ["1,2,3", "1.5,2,3,4", "1,2 3,4", "1,2 3,4 nan,5", "a b c", ""])
def test_text_that_is_no_area_is_rejected(text: str) -> None:
    with pytest.raises(InputError, match="not of the form TOP,LEFT,BOTTOM,RIGHT or"):
        SearchArea.parse(text)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (AREA, AREA),
        (BOX, AREA),
        (np.array(BOX), AREA),
        ([list(map(list, TRIANGLE))], SearchArea((TRIANGLE,))),
    ],
)
def test_from_value_accepts_areas_edges_and_outlines(value: object, expected: SearchArea) -> None:
    assert SearchArea.from_value(value) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "value",
    [
        (0, 0, 5),
        (0.5, 0, 5, 5),
        [[(0, 0), (1, 1)]],
        [1, [2, 3]],
        "0,0,5,5",
        [],
        [[(0, 0), (0, float("inf")), (1, 1)]],
        [circle(MAX_POINTS + 1)],
        [circle(3)] * (MAX_POINTS + 1),
    ],
)
def test_values_that_are_no_area_are_rejected(value: object) -> None:
    with pytest.raises(InputError, match=r"give .top, left, bottom, right. or outlines") as caught:
        SearchArea.from_value(value)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_outlines_may_have_the_maximum_number_of_points() -> None:
    area = SearchArea.from_value([circle(MAX_POINTS)])
    assert area.mask((100, 100)).sum() == pytest.approx(np.pi * 40**2, rel=0.02)


def test_rectangles_and_outlines_have_short_texts() -> None:
    assert AREA.to_text() == "64,100,192,200"
    assert AREA.to_json() == [64, 100, 192, 200]
    two = SearchArea((TRIANGLE, ((0.0, 0.0), (0.0, 1.5), (2.0, 0.0))))
    assert two.to_text() == "20.0,30.0 20.0,230.5 220.25,30.0;0.0,0.0 0.0,1.5 2.0,0.0"


def test_a_pixel_belongs_to_an_area_if_its_centre_does() -> None:
    mask = SearchArea.rectangle(2, 3, 5, 7).mask((10, 10))
    expected = np.zeros((10, 10), bool)
    expected[2:5, 3:7] = True
    np.testing.assert_array_equal(mask, expected)
    assert SearchArea.rectangle(-5, -5, 2, 2).mask((10, 10)).sum() == 4


def test_the_mask_of_several_outlines_is_their_union() -> None:
    outlines = (circle(60), [(60.0, 60.0), (60.0, 95.0), (95.0, 60.0)])
    one, other = (SearchArea.from_value([outline]).mask((100, 100)) for outline in outlines)
    both = SearchArea.from_value(outlines).mask((100, 100))
    np.testing.assert_array_equal(both, one | other)


def test_large_masks_have_no_seams() -> None:
    """Masks are drawn in blocks of rows."""
    area = SearchArea.from_value([[(10.0, 10.0), (10.0, 60.0), (700.0, 60.0), (700.0, 10.0)]])
    mask = area.mask((800, 80))
    assert mask[11:700, 11:60].all()
    assert not mask[:10].any()
    assert not mask[701:].any()


def test_the_bounding_box_encloses_the_pixels_of_the_area() -> None:
    area = SearchArea((TRIANGLE,))
    box = area.bounding_box((256, 256))
    assert box == PixelBox(20, 30, 221, 231)
    mask = area.mask((256, 256))
    assert mask[box.top : box.bottom, box.left : box.right].sum() == mask.sum()


def test_an_area_beside_the_image_has_no_bounding_box() -> None:
    with pytest.raises(InputError, match="area 300,0,400,100: no pixel of the image is inside"):
        SearchArea.rectangle(300, 0, 400, 100).bounding_box((256, 256))
