"""A model recognises an image that is Bulk to it, certainly or in coherent parts."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.detection.recognition import recognise, without_names
from napari_stem_defects.postprocessing.results import ProbabilityMap

THRESHOLDS = {"Bulk": 0.5, "SF1": 0.3}


def predicted(bulk: np.ndarray, fault: float = 0.0, *, valid: bool = True) -> ProbabilityMap:
    probability = np.stack([bulk, np.full_like(bulk, fault)]).astype(np.float32)
    centres = np.arange(bulk.shape[0], dtype=np.float32) * 8
    return ProbabilityMap(
        probability, centres, centres, ("Bulk", "SF1"), np.full(bulk.shape, valid)
    )


def scattered(share: float, probability: float) -> np.ndarray:
    draws = np.random.default_rng(0).random((40, 40))
    return np.where(draws < share, probability, 0.1)


@pytest.mark.parametrize("probability", [0.95, 0.6])
def test_a_known_crystal_beside_something_else_is_recognised(probability: float) -> None:
    half = np.zeros((40, 40))
    half[:, :20] = probability
    assert recognise(predicted(half), THRESHOLDS, "m").recognised


def test_scattered_uncertain_bulk_is_not_recognised() -> None:
    found = recognise(predicted(scattered(0.6, 0.7)), THRESHOLDS, "m")
    assert not found.recognised
    assert found.statement.startswith("not recognised: ")
    assert "scattered" in found.statement


def test_unknown_or_defects_alone_are_not_recognised() -> None:
    for fault in (0.0, 0.9):
        found = recognise(predicted(np.zeros((40, 40)), fault), THRESHOLDS, "m")
        assert not found.recognised
        assert "0.0% of it is Bulk to the model m" in found.statement


def test_models_without_bulk_need_some_class() -> None:
    bulk = predicted(np.zeros((40, 40)), 0.9)
    only = ProbabilityMap(bulk.probability[1:], bulk.y, bulk.x, ("SF1",), bulk.valid)
    assert recognise(only, THRESHOLDS, "m").recognised
    assert not recognise(without_names(only), THRESHOLDS, "m").recognised


def test_blank_images_are_no_other_crystal() -> None:
    found = recognise(predicted(np.zeros((40, 40)), valid=False), THRESHOLDS, "m")
    assert found.recognised
    assert not found.statement


def test_without_names_no_window_has_a_class() -> None:
    found = without_names(predicted(np.ones((4, 4)), 0.9))
    assert found.probability.shape == (2, 4, 4)
    assert not found.probability.any()
