"""Platt scaling: scale and shift are found, and calibrated probabilities match frequencies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.training.calibration import calibrate, fit_platt


def drawn(scale: float, shift: float, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Draw logits, and labels that follow sigmoid(scale * z + shift)."""
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 3, count)
    return logits, rng.random(count) < expit(scale * logits + shift)


@pytest.mark.parametrize(("scale", "shift"), [(0.5, -1.0), (1.0, 0.0), (2.0, 0.7)])
def test_scale_and_shift_are_found(scale: float, shift: float) -> None:
    found = fit_platt(*drawn(scale, shift))
    assert found.scale == pytest.approx(scale, rel=0.1)
    assert found.shift == pytest.approx(shift, abs=0.15)


def test_separable_windows_do_not_give_certainty() -> None:
    logits = np.array([-8.0, -7, -6, 6, 7, 8])
    found = fit_platt(logits, logits > 0)
    assert 0 < found.scale < 3
    assert abs(found.shift) < 1


def test_huge_logits_stay_finite() -> None:
    logits = np.array([-1e4, -1e3, 1e3, 1e4])
    found = fit_platt(logits, logits > 0)
    assert np.isfinite([found.scale, found.shift]).all()


def test_the_scale_of_a_reversed_member_is_positive() -> None:
    logits, present = drawn(1.0, 0.0)
    assert fit_platt(logits, ~present).scale > 0


def test_classes_with_one_kind_of_windows_are_not_calibrated() -> None:
    logits = np.zeros((4, 3), np.float32)
    targets = np.array([[1, 0, np.nan], [1, 0, 1], [1, 0, np.nan], [1, 1, 0]], np.float32)
    assert set(calibrate(("Bulk", "SF1", "SF2"), logits, targets)) == {"SF1", "SF2"}


def test_unknown_targets_have_no_influence() -> None:
    logits, present = drawn(0.5, -1.0, 300)
    targets = present.astype(np.float32)[:, None]
    extra = np.concatenate([targets, np.full((50, 1), np.nan, np.float32)])
    more = np.concatenate([logits, np.full(50, 9.0)]).astype(np.float32)[:, None]
    plain = calibrate(("SF1",), logits.astype(np.float32)[:, None], targets)
    assert calibrate(("SF1",), more, extra) == plain


def test_calibrated_probabilities_match_frequencies() -> None:
    logits, present = drawn(0.4, -1.0)
    table = logits.astype(np.float32)[:, None]
    fitted = calibrate(("SF1",), table, present.astype(np.float32)[:, None])
    predictions = EnsembleSpec("x", ("SF1",), calibration=fitted).calibrated_probabilities(table)[
        :, 0
    ]
    sure = predictions > 0.8
    assert present[sure].mean() == pytest.approx(predictions[sure].mean(), abs=0.03)
