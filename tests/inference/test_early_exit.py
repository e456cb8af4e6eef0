"""Early exit: when the other members are skipped."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from helpers.small_ensemble import SPEC
from napari_stem_defects.inference.early_exit import (
    EARLY_EXIT_PROBABILITY,
    EarlyExit,
    supports_early_exit,
)


def early_exit(stored: float | None = None) -> EarlyExit:
    return EarlyExit(replace(SPEC, training={"bulk_clears_from": stored}))


@pytest.mark.parametrize(
    ("stored", "threshold"), [(None, EARLY_EXIT_PROBABILITY), (0.7, 0.7), (1.0, math.inf)]
)
def test_the_threshold_is_the_stored_one(stored: float | None, threshold: float) -> None:
    assert early_exit(stored).threshold == threshold
    assert early_exit(stored).class_index == SPEC.classes.index("Bulk")


@pytest.mark.parametrize(
    ("other", "bulk", "is_active"),
    [(0.05, 0.99, True), (0.2, 0.99, False), (0.2, 0.9, True), (0.1, 0.99, False)],
)
def test_a_contradiction_on_the_coarse_grid_prevents_the_early_exit(
    other: float, bulk: float, is_active: bool
) -> None:
    chosen = early_exit()
    assert not chosen.is_active
    probability = np.zeros((3, 2, 2), np.float32)
    probability[1] = 0.5
    probability[:, 1, 0] = [0.0, bulk, other]
    chosen.use_coarse_grid(probability)
    assert chosen.is_active == is_active


def test_windows_below_the_threshold_remain() -> None:
    bulk = np.array([0.2, 0.7, 0.71, 1.0, 0.69], np.float32)
    np.testing.assert_array_equal(early_exit(0.705).remaining(bulk), [0, 1, 4])
    np.testing.assert_array_equal(early_exit(1.0).remaining(bulk), range(5))


@pytest.mark.parametrize(
    ("classes", "expected"), [(("Bulk", "SF1"), True), (("Bulk",), False), (("SF1", "LC"), False)]
)
def test_early_exit_needs_bulk_and_another_class(classes: tuple[str, ...], expected: bool) -> None:
    assert supports_early_exit(replace(SPEC, classes=classes)) == expected
