"""Regions are measured in pixels and nanometres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from skimage.draw import disk
from skimage.measure import label, regionprops

from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.regions import (
    measure_regions,
    number_regions,
    totals,
)
from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = (120, 160)
NAMES = ("SF1", "Vacancy_CdTe", "unknown")


def even_map(value: float = 0.8) -> ProbabilityMap:
    y, x = (np.arange(0, size, 8, dtype=np.float32) for size in SHAPE)
    return ProbabilityMap(
        probability=np.full((3, y.size, x.size), value, np.float32),
        y=y,
        x=x,
        classes=("Bulk", "SF1", "Vacancy_CdTe"),
        valid=np.ones((y.size, x.size), bool),
    )


def empty_masks() -> NDArray[np.uint8]:
    return np.zeros((3, *SHAPE), np.uint8)


def measure(
    masks: NDArray[np.uint8], prediction: ProbabilityMap | None = None, nm: float | None = None
) -> tuple[Region, ...]:
    packed = MaskStack.from_array(NAMES, masks)
    return measure_regions(prediction or even_map(), packed, image="a", frame=2, pixel_size_nm=nm)


def measured_length(mask: NDArray[np.bool_]) -> float:
    masks = empty_masks()
    masks[1, 30 : 30 + mask.shape[0], 50 : 50 + mask.shape[1]] = mask
    (region,) = measure(masks, nm=1.0)
    assert region.length_nm is not None
    return region.length_nm


def test_a_band_is_measured_in_px_and_nm() -> None:
    masks = empty_masks()
    masks[0, 10:110, 40:50] = 1
    (band,) = measure(masks, nm=0.03)
    assert (band.image, band.frame, band.class_name, band.region) == ("a", 2, "SF1", 1)
    assert (band.y_px, band.x_px) == pytest.approx((59.5, 44.5))
    assert (band.y_nm, band.x_nm) == pytest.approx((59.5 * 0.03, 44.5 * 0.03))
    assert band.area_px == 1000
    assert band.area_nm2 == pytest.approx(1000 * 0.03**2)
    assert band.length_nm == pytest.approx(100 * 0.03, abs=0.003)
    assert band.width_nm == pytest.approx(10 * 0.03, abs=0.003)
    assert band.direction_deg == pytest.approx(90, abs=0.1)
    assert (band.kind, band.perimeter_nm) == ("line", None)
    np.testing.assert_allclose(band.centre_line, [(9.5, 44.5), (109.5, 44.5)], atol=0.05)
    assert (band.mean_probability, band.max_probability) == pytest.approx((0.8, 0.8))


def test_without_calibration_there_are_no_nanometres() -> None:
    masks = empty_masks()
    masks[0, 5:9, 5:9] = 1
    (spot,) = measure(masks)
    assert spot.y_nm is spot.x_nm is spot.area_nm2 is spot.length_nm is None


def test_unknown_is_no_region() -> None:
    masks = empty_masks()
    masks[2] = 1
    assert measure(masks) == ()


def test_order_is_class_then_y_then_x() -> None:
    masks = empty_masks()
    for y, x in ((80, 20), (30, 120), (30, 20)):
        masks[:2, y : y + 3, x : x + 3] = 1
    found = [(r.class_name, r.region, round(r.y_px), round(r.x_px)) for r in measure(masks)]
    places = [(31, 21), (31, 121), (81, 21)]
    assert found == [
        (name, number, *place) for name in NAMES[:2] for number, place in enumerate(places, start=1)
    ]


def test_pixels_carry_the_numbers_of_their_regions() -> None:
    masks = empty_masks()
    masks[0, 80:90, 20:30] = 1
    masks[0, 30:40, 120:130] = 1
    masks[2, 5, 5] = 1
    numbered = number_regions(even_map(), MaskStack.from_array(NAMES, masks))
    assert [numbered[0, round(r.y_px), round(r.x_px)] for r in measure(masks)] == [1, 2]
    assert ((numbered > 0) == (masks > 0)).all()


def test_diagonal_neighbours_are_one_region() -> None:
    masks = empty_masks()
    masks[0, np.arange(50), np.arange(50)] = 1
    assert len(measure(masks)) == 1


def test_a_point_defect_sits_at_its_peak() -> None:
    prediction = even_map(0.0)
    prediction.probability[2] = np.exp(
        -((prediction.y[:, None] - 50) ** 2 + (prediction.x[None] - 90) ** 2) / (2 * 9.0**2)
    )
    masks = empty_masks()
    masks[1, 35:61, 70:101] = 1  # lopsided on purpose
    (spot,) = measure(masks, prediction)
    assert np.hypot(spot.y_px - 50, spot.x_px - 90) < 2.5


@pytest.mark.parametrize("length", [1, 2, 7, 50])
def test_a_row_of_n_pixels_is_n_long(length: int) -> None:
    row = np.ones((1, length), bool)
    assert measured_length(row) == pytest.approx(length, abs=1e-9)
    assert measured_length(row.T) == pytest.approx(length, abs=1e-9)


def test_extent_of_known_shapes() -> None:
    assert measured_length(np.eye(30, dtype=bool)) == pytest.approx(np.hypot(30, 29), abs=1e-9)
    ball = np.zeros((81, 81), bool)
    ball[disk((40, 40), 40.5)] = True
    assert measured_length(ball) == pytest.approx(81, abs=1)


def test_extent_agrees_with_scikit_image() -> None:
    random = np.random.default_rng(1)
    for _ in range(10):
        blob = np.zeros((60, 60), np.uint8)
        for y, x, radius in random.integers(12, 48, (3, 3)):
            blob[disk((y, x), radius / 2, shape=blob.shape)] = 1
        whole = max(regionprops(label(blob)), key=lambda region: region.area)
        length = measured_length(whole.image)
        assert length == pytest.approx(whole.feret_diameter_max, abs=1.0)


def test_totals_add_up_and_name_every_class() -> None:
    masks = empty_masks()
    masks[0, 10:20, 10:20] = 1
    masks[0, 50:60, 10:30] = 1
    summed = totals(measure(masks, nm=0.5), NAMES)
    assert list(summed) == ["SF1", "Vacancy_CdTe"]
    assert (summed["SF1"].count, summed["SF1"].area_px) == (2, 300)
    assert summed["SF1"].area_nm2 == pytest.approx(75)
    assert summed["Vacancy_CdTe"].count == 0
    assert totals(measure(masks), NAMES)["SF1"].length_nm is None
