"""Results of one frame: classes of a map, masks of a detection."""

from __future__ import annotations

import numpy as np
import pytest
from probability_maps import blank_map

from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import Detection, searched_nm2


@pytest.mark.parametrize(
    ("classes", "expected"),
    [
        (("Bulk", "SF1", "LC"), ("SF1", "LC")),
        (("SF1", "Bulk", "LC"), ("SF1", "LC")),
        (("SF1", "LC"), ("SF1", "LC")),
        (("Bulk",), ()),
    ],
)
def test_defect_classes_are_all_but_bulk(
    classes: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert blank_map(*classes).defect_classes == expected


def test_windows_have_their_centres_in_px_of_the_image() -> None:
    found = blank_map("Bulk", shape=(40, 60))
    windows = np.array([(0, 0), (2, 3)])
    expected = [(found.y[0], found.x[0]), (found.y[2], found.x[3])]
    np.testing.assert_array_equal(found.centres_of(windows), expected)
    assert found.centres_of(np.zeros((0, 2), np.intp)).shape == (0, 2)


def test_masks_of_a_detection_are_unpacked_once() -> None:
    masks = (np.random.default_rng(0).random((2, 30, 40)) < 0.4).astype(np.uint8)
    found = Detection(
        image="a",
        frame=0,
        map=blank_map("Bulk", "SF1", shape=(30, 40)),
        mask_stack=MaskStack.from_array(("SF1", "unknown"), masks),
        regions=(),
        pixel_size_nm=None,
    )
    assert found.mask_names == ("SF1", "unknown")
    np.testing.assert_array_equal(found.masks, masks)
    assert found.masks is found.masks
    assert found.parameters == {}


def test_what_is_outside_of_the_crystal_was_not_searched() -> None:
    found = blank_map("Bulk", "Missing", shape=(80, 80))
    whole = searched_nm2((80, 80), found, {}, 0.1)
    found.probability[0, :, 4:] = 0.9
    assert searched_nm2((80, 80), found, {}, 0.1) == pytest.approx(whole * 0.6)
    assert whole == pytest.approx(64)
    assert searched_nm2((80, 80), found, {}, None) is None
