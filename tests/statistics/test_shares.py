"""Shares and F1 with intervals."""

from __future__ import annotations

import pytest
from scipy.stats import beta

from napari_stem_defects.statistics.rates import Accuracy, Estimate
from napari_stem_defects.statistics.shares import f1_estimate, share_estimate


def test_the_interval_of_a_share_lies_inside_that_of_clopper_and_pearson() -> None:
    share = share_estimate(18, 2)
    assert share.value == 0.9
    low, high = beta.ppf(0.025, 18, 3), beta.ppf(0.975, 19, 2)
    assert low < share.low < 0.9 < share.high < high
    assert share.high - share.low > 0.8 * (high - low)


def test_no_case_has_no_share() -> None:
    assert share_estimate(0, 0) == Estimate(None, None, None)
    assert f1_estimate(Accuracy(0, 0, 0)) == Estimate(None, None, None)


def test_f1_is_the_harmonic_mean() -> None:
    accuracy = Accuracy(30, 10, 30)
    f1 = f1_estimate(accuracy)
    mean = 2 / (1 / accuracy.precision + 1 / accuracy.recall)
    assert f1.value == pytest.approx(mean)
    assert f1.low < mean < f1.high


def test_more_cases_narrow_the_interval() -> None:
    few, many = f1_estimate(Accuracy(8, 2, 2)), f1_estimate(Accuracy(80, 20, 20))
    assert many.high - many.low < 0.5 * (few.high - few.low)


def test_nothing_found_is_zero_and_not_certainly_so() -> None:
    f1 = f1_estimate(Accuracy(0, 3, 5))
    assert (f1.value, f1.low) == (0.0, 0.0)
    assert f1.high > 0.1
