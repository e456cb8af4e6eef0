"""Masks and region tables of fixed probability maps stay the same.

``golden_masks.json`` holds, for each case, the SHA-256 of the masks' bytes, the area of each mask
and the table of regions. They hold for every size of the row blocks.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.postprocessing import mask_stack as module
from napari_stem_defects.postprocessing.masks import MIN_PLANAR_LENGTH_PX, masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

GOLDEN = json.loads(Path(__file__).with_name("golden_masks.json").read_text(encoding="utf-8"))
ALL = ("Bulk", "SF1", "SF2", "Twin_Bound", "LC", "Vacancy_CdTe", "interstitial")
# Image shape, stride, classes, threshold of the defects, share of invalid pixels, minimum length.
CASES = {
    "all_classes": ((150, 201), 8, ALL, 0.6003, 0.0, None),
    "invalid_pixels": ((150, 201), 8, ALL, 0.5503, 0.02, None),
    "stride_3": ((97, 110), 3, ALL, 0.6503, 0.0, None),
    "stride_13": ((211, 160), 13, ALL, 0.5003, 0.005, None),
    "high_threshold": ((128, 300), 5, ALL, 0.8003, 0.0, None),
    "low_threshold": ((128, 128), 16, ALL, 0.3003, 0.01, None),
    "point_classes": ((180, 140), 6, ("Bulk", "LC", "Vacancy_CdTe"), 0.4503, 0.0, None),
    "planar_classes": ((140, 180), 6, ("SF1", "SF2", "Twin_Bound"), 0.5503, 0.01, None),
    "no_minimum_length": ((120, 121), 7, ("Bulk", "SF1", "SF2"), 0.7003, 0.0, 0.0),
    "long_minimum": ((120, 121), 7, ("Bulk", "SF1", "SF2"), 0.5503, 0.0, 40.0),
    "threshold_zero": ((90, 70), 8, ("Bulk", "SF1", "interstitial"), 0.0, 0.01, None),
}


def golden_input(name: str) -> dict[str, Any]:
    """Return the arrays of a case.

    Probabilities are rounded, and thresholds lie between the steps, so that the last bit of a
    floating-point operation decides about no pixel.
    """
    shape, stride, classes, threshold, invalid_share, min_length_px = CASES[name]
    rng = np.random.default_rng(list(CASES).index(name))
    y, x = (np.arange(0, length, stride, dtype=np.float32) + 1.5 for length in shape)
    smooth = ndimage.gaussian_filter(rng.random((len(classes), y.size, x.size)), (0, 1.7, 1.7))
    lowest, highest = smooth.min((1, 2), keepdims=True), smooth.max((1, 2), keepdims=True)
    probability = np.rint((smooth - lowest) / (highest - lowest) * 512) / 512
    valid = rng.random((y.size, x.size)) < 0.97
    return {
        "probability": (probability * valid).astype(np.float32),
        "y": y,
        "x": x,
        "classes": classes,
        "valid": valid,
        "shape": shape,
        "thresholds": {each: 0.4003 if each == "Bulk" else threshold for each in classes},
        "invalid": rng.random(shape) < invalid_share if invalid_share else None,
        "min_length_px": min_length_px,
    }


def summary(names: tuple[str, ...], masks: NDArray[np.uint8], regions: Any) -> dict[str, Any]:
    """Return what ``golden_masks.json`` holds of a case."""
    return {
        "sha256": hashlib.sha256(np.ascontiguousarray(masks).tobytes()).hexdigest(),
        "areas": dict(zip(names, masks.sum(axis=(1, 2), dtype=int).tolist(), strict=True)),
        "regions": [
            [
                each.class_name,
                each.region,
                each.area_px,
                each.y_px,
                each.x_px,
                each.length_nm,
                each.mean_probability,
                each.max_probability,
            ]
            for each in regions
        ],
    }


@pytest.mark.parametrize("block_pixels", [1, 7 * 201, 2**21])
@pytest.mark.parametrize("name", CASES)
def test_masks_and_regions_stay_the_same(
    monkeypatch: pytest.MonkeyPatch, name: str, block_pixels: int
) -> None:
    monkeypatch.setattr(module, "BLOCK_PIXELS", block_pixels)
    case = golden_input(name)
    found = ProbabilityMap(
        case["probability"], case["y"], case["x"], case["classes"], valid=case["valid"]
    )
    given = case["min_length_px"]
    stack = masks_from_probability(
        found,
        case["shape"],
        case["thresholds"],
        case["invalid"],
        min_length_px=MIN_PLANAR_LENGTH_PX if given is None else given,
    )
    regions = measure_regions(found, stack, image=name, pixel_size_nm=1.0)

    result, expected = summary(stack.names, stack.masks(), regions), GOLDEN[name]
    assert result["areas"] == expected["areas"]
    assert result["sha256"] == expected["sha256"]
    assert [row[:3] for row in result["regions"]] == [row[:3] for row in expected["regions"]]
    for row, golden in zip(result["regions"], expected["regions"], strict=True):
        length, position = 5, slice(3, 5)
        is_line = found.class_table[row[0]].kind == "line"
        assert row[position] == pytest.approx(golden[position], rel=0, abs=1e-6)
        # Of a line it is that of its centre line, whose points are rounded.
        assert row[length] == pytest.approx(golden[length], rel=0, abs=0.1 if is_line else 1e-6)
        assert row[6:] == pytest.approx(golden[6:], rel=0, abs=1e-6)
