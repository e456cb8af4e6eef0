"""Shapes of regions, from masks that come in row blocks."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.draw import disk

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.postprocessing import mask_stack as stack_module
from napari_stem_defects.postprocessing import region_shapes as module
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

SHAPE = (200, 240)
NAMES = ("boundary", "grain", "spot", "unknown")
CLASSES = (
    DefectClass("boundary", "line"),
    DefectClass("grain", "area"),
    DefectClass("spot", "point"),
)


def measured(masks: np.ndarray, nm: float | None = 0.5) -> tuple[Region, ...]:
    y, x = (np.arange(0, size, 8, dtype=np.float32) for size in masks.shape[1:])
    even = np.full((3, y.size, x.size), 0.8, np.float32)
    valid = np.ones(even.shape[1:], bool)
    found = ProbabilityMap(even, y, x, NAMES[:-1], valid, CLASSES)
    stack = MaskStack.from_array(NAMES, masks)
    return measure_regions(found, stack, image="a", pixel_size_nm=nm)


def masks_of_each_kind() -> np.ndarray:
    masks = np.zeros((len(NAMES), *SHAPE), np.uint8)
    masks[0, 20:30, 10:210] = 1
    masks[0, 60:190, 100:112] = 1
    masks[1][disk((100, 60), 40)] = 1
    masks[2, 150:158, 20:28] = 1
    return masks


@pytest.mark.parametrize("block_pixels", [1, 7 * 240, 2**21])
def test_each_kind_has_its_measures(monkeypatch: pytest.MonkeyPatch, block_pixels: int) -> None:
    monkeypatch.setattr(stack_module, "BLOCK_PIXELS", block_pixels)
    across, down, grain, spot = measured(masks_of_each_kind())
    assert (across.kind, grain.kind, spot.kind) == ("line", "area", "point")
    assert across.length_nm == pytest.approx(100, abs=0.1)
    assert across.length_px == pytest.approx(200, abs=0.1)
    assert across.width_nm == pytest.approx(5, abs=0.05)
    assert across.direction_deg == pytest.approx(0, abs=0.1)
    np.testing.assert_allclose(across.centre_line, [(24.5, 9.5), (24.5, 209.5)], atol=0.1)
    assert down.direction_deg == pytest.approx(90, abs=0.1)
    assert down.length_px == pytest.approx(130, abs=0.1)
    assert grain.perimeter_nm == pytest.approx(2 * np.pi * 40 * 0.5, rel=0.03)
    assert grain.centre_line == spot.centre_line == ()
    assert grain.width_nm is grain.direction_deg is across.perimeter_nm is spot.perimeter_nm is None
    assert grain.length_px is spot.length_px is None


def test_a_large_region_is_measured_at_lower_resolution(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = measured(masks_of_each_kind())
    monkeypatch.setattr(module, "MOST_PIXELS", 500)
    coarse = measured(masks_of_each_kind())
    for fine, rough in zip(exact[:2], coarse[:2], strict=True):
        assert rough.length_px == pytest.approx(fine.length_px, abs=4)
        np.testing.assert_allclose(rough.centre_line[0], fine.centre_line[0], atol=4)
        assert rough.area_px == fine.area_px
    assert coarse[2].perimeter_nm == pytest.approx(exact[2].perimeter_nm, rel=0.1)


def test_neighbours_in_one_box_are_told_apart() -> None:
    """A short line inside the bounding box of a bent one is no part of it."""
    masks = np.zeros((len(NAMES), *SHAPE), np.uint8)
    masks[0, 10:20, 10:150] = 1
    masks[0, 10:150, 10:20] = 1
    masks[0, 80:86, 60:120] = 1
    bent, short = sorted(measured(masks), key=lambda region: -region.area_px)
    assert bent.length_px == pytest.approx(2 * 140 - 10, abs=8)
    assert short.length_px == pytest.approx(60, abs=0.1)


def test_without_a_pixel_size_the_line_is_there_and_its_nanometres_are_not() -> None:
    across = measured(masks_of_each_kind(), nm=None)[0]
    assert across.length_nm is across.width_nm is None
    assert across.length_px == pytest.approx(200, abs=0.1)
