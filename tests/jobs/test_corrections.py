"""Manual corrections of regions."""

from __future__ import annotations

import numpy as np
import pytest
from sample_results import SHAPE, result

from napari_stem_defects.jobs.corrections import (
    Correction,
    apply_corrections,
    pixels_of,
    probability_in,
)

FAULT = (40, 16)
JUNCTION = (48, 56)


def correction(right: str, *, frame: int = 0, found: str = "LC") -> Correction:
    return Correction(frame, *JUNCTION, found, right)


def test_a_region_moves_to_the_class_given_by_the_user() -> None:
    before = result()
    after = apply_corrections(before, [correction("SF1")])
    assert [region.class_name for region in before.regions] == ["SF1", "LC"]
    assert [region.class_name for region in after.regions] == ["SF1", "SF1"]
    (moved,) = (region for region in before.regions if region.class_name == "LC")
    mask = pixels_of(before, moved)
    assert (after.numbered[after.names.index("SF1")][mask] > 0).all()
    assert not after.numbered[after.names.index("LC")].any()


def test_bulk_removes_the_region() -> None:
    after = apply_corrections(result(), [correction("Bulk")])
    assert [region.class_name for region in after.regions] == ["SF1"]


def test_corrections_are_stored_with_the_result() -> None:
    after = apply_corrections(result(), [correction("Bulk")])
    stored = {"frame": 0, "y": 48, "x": 56, "found": "LC", "right": "Bulk"}
    assert after.parameters["corrections"] == [stored]


def test_corrections_of_other_frames_are_skipped() -> None:
    before = result()
    assert apply_corrections(before, [correction("SF1", frame=1)]) is before


@pytest.mark.parametrize("found", ["unknown class", "SF1"])
def test_a_correction_without_its_region_changes_no_mask(found: str) -> None:
    before = result()
    after = apply_corrections(before, [correction("Bulk", found=found)])
    np.testing.assert_array_equal(after.numbered, before.numbered)


def test_a_region_below_the_threshold_is_skipped() -> None:
    after = apply_corrections(result(LC=0.7), [correction("SF1")])
    assert [region.class_name for region in after.regions] == ["SF1"]


def test_the_mask_of_a_region() -> None:
    found = result()
    for region in found.regions:
        mask = pixels_of(found, region)
        assert mask.shape == SHAPE
        assert mask.sum() == region.area_px
        assert mask[FAULT] == (region.class_name == "SF1")
        assert mask[JUNCTION] == (region.class_name == "LC")


def test_the_probability_inside_a_region_is_that_of_the_nearest_window() -> None:
    found = result()
    (region,) = (each for each in found.regions if each.class_name == "SF1")
    probability = probability_in(found, region)
    mask = pixels_of(found, region)
    assert probability.dtype == np.float32
    assert probability[FAULT] == np.float32(0.8)
    assert (probability[mask] > 0).all()  # also where the nearest window gives 0
    assert not probability[~mask].any()
