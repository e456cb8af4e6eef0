"""Ratios of rates and the agreement of several."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.statistics.comparison import (
    compare,
    equal_rates_p_value,
    mean_with_interval,
)
from napari_stem_defects.statistics.rates import Accuracy, Observed


def ones(count: int, area: float = 1.0) -> list[Observed]:
    return [Observed((1.0,) * count, area)]


def test_a_ratio_is_that_of_densities() -> None:
    found = compare(ones(40, 2.0), ones(30, 3.0))
    assert found.ratio.value == pytest.approx(2.0)
    assert found.ratio.low is not None
    assert found.ratio.high is not None
    assert found.ratio.low < 2 < found.ratio.high


def test_equal_rates_are_not_told_apart_and_different_ones_are() -> None:
    assert compare(ones(20), ones(20)).p_value > 0.5
    assert compare(ones(80), ones(20)).p_value < 0.001


def test_both_directions_agree() -> None:
    there, back = compare(ones(25), ones(10)), compare(ones(10), ones(25))
    assert there.p_value == pytest.approx(back.p_value, abs=0.01)
    assert there.ratio.low is not None
    assert back.ratio.high is not None
    assert there.ratio.low == pytest.approx(1 / back.ratio.high, rel=0.1)


def test_the_same_accuracy_cancels() -> None:
    poor = Accuracy(5, 3, 6)
    assert compare(ones(9), ones(12), (poor, poor)) == compare(ones(9), ones(12))


def test_nothing_in_the_second_has_no_upper_limit() -> None:
    found = compare(ones(9), ones(0))
    assert found.ratio.value is None
    assert found.ratio.high is None
    assert found.ratio.low is not None
    assert found.ratio.low > 1


def test_nothing_in_both_is_no_difference() -> None:
    assert compare(ones(0), ones(0)).p_value > 0.9


def test_false_alarms_of_the_ratio_are_as_rare_as_stated() -> None:
    generator = np.random.default_rng(3)
    pairs = generator.poisson(12, (200, 2))
    alarms = sum(compare(ones(int(a)), ones(int(b))).p_value < 0.05 for a, b in pairs)
    assert 2 <= alarms <= 20  # 10 expected, three standard deviations


def test_images_of_one_density_agree_and_others_do_not() -> None:
    same = equal_rates_p_value([ones(10, 1.0), ones(20, 2.0), ones(31, 3.0)])
    other = equal_rates_p_value([ones(2), ones(40), ones(5)])
    assert same is not None
    assert same > 0.5
    assert other is not None
    assert other < 0.001


def test_agreement_needs_two_areas_and_a_defect() -> None:
    assert equal_rates_p_value([ones(3)]) is None
    assert equal_rates_p_value([ones(0), ones(0)]) is None
    assert equal_rates_p_value([ones(3), ones(0, 0.0)]) is None


def test_a_mean_has_the_interval_of_student() -> None:
    found = mean_with_interval([1.0, 2.0, 3.0])
    assert found.value == 2
    assert found.high == pytest.approx(2 + 4.3027 / 3**0.5, rel=1e-3)
    assert mean_with_interval([4.0]).low is None
    assert mean_with_interval([]).value is None
