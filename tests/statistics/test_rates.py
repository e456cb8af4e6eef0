"""Rates, and how often their intervals cover the true rate."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from napari_stem_defects.statistics.rates import Accuracy, Observed, accuracy_samples, rate


def ones(count: int, area: float = 1.0, repeats: float = 1.0) -> Observed:
    return Observed((1.0,) * count, area, repeats)


@pytest.mark.parametrize("count", [0, 1, 4, 25, 400])
def test_the_interval_of_a_count_is_the_mid_p_interval_of_poisson(count: int) -> None:
    found = rate([ones(count)])
    assert found.value == count
    assert found.low is not None
    assert found.high is not None
    # At the upper end, P(fewer) + P(equal) / 2 is 2.5 %; at the lower end P(more) + P(equal) / 2.
    upper = stats.poisson.cdf(count - 1, found.high) + stats.poisson.pmf(count, found.high) / 2
    assert upper == pytest.approx(0.025, rel=0.05)
    if count:
        lower = stats.poisson.sf(count, found.low) + stats.poisson.pmf(count, found.low) / 2
        assert lower == pytest.approx(0.025, rel=0.05)


def test_a_rate_is_per_area_and_areas_add_up() -> None:
    apart, together = rate([ones(3, 2.0), ones(5, 6.0)]), rate([ones(8, 8.0)])
    assert apart == together
    assert apart.value == 1.0


def test_frames_of_one_place_count_as_one() -> None:
    assert rate([ones(40, 2.0, repeats=10)]) == rate([ones(4, 2.0)])


def test_precision_takes_away_and_recall_adds() -> None:
    accuracy = Accuracy(90, 10, 60)
    assert (accuracy.precision, accuracy.recall) == (0.9, 0.6)
    found = rate([ones(20)], accuracy)
    assert found.value == pytest.approx(20 * 0.9 / 0.6)
    assert found.high is not None
    assert found.low is not None
    plain = rate([ones(20)])
    assert plain.high is not None
    assert plain.low is not None
    assert found.high / found.low > plain.high / plain.low


def test_little_knowledge_of_recall_widens_the_interval() -> None:
    much, little = (rate([ones(50)], Accuracy(8 * n, n, 2 * n)) for n in (100, 1))
    assert much.value == little.value
    assert much.high is not None
    assert little.high is not None
    assert little.high > 1.3 * much.high


def test_nothing_searched_is_no_rate() -> None:
    assert rate([ones(0, 0.0)]).value is None
    assert rate([]).value is None


def test_lengths_have_no_upper_limit_where_none_was_found() -> None:
    found = rate([Observed((), 5.0, 1.0, None)])
    assert (found.value, found.low, found.high) == (0.0, 0.0, None)


def test_unequal_lengths_have_the_wider_interval() -> None:
    equal = rate([Observed((5.0,) * 12, 1.0, 1.0, None)])
    unequal = rate([Observed((1.0,) * 11 + (49.0,), 1.0, 1.0, None)])
    assert equal.value == unequal.value == 60
    assert equal.high is not None
    assert unequal.high is not None
    assert unequal.high > equal.high


def test_a_recall_that_may_be_zero_leaves_no_upper_limit() -> None:
    samples = accuracy_samples(Accuracy(0, 2, 5), np.random.default_rng(0))
    assert not np.isnan(samples).any()
    assert math.isinf(samples.max())


def covered(generator: np.random.Generator, quantity: str) -> bool:
    """Simulate a search and return whether the interval contains the true rate."""
    truth = math.exp(generator.uniform(math.log(2), math.log(60)))
    if quantity == "length":
        lengths = generator.uniform(1, 9, generator.poisson(truth))
        observed, accuracy, truth = Observed(tuple(lengths), 1.0, 1.0, None), None, 5 * truth
    else:
        precision, recall = generator.uniform(0.7, 0.98), generator.uniform(0.6, 0.95)
        found = int(generator.binomial(150, recall))
        false = int(generator.poisson(150 * recall * (1 - precision) / precision))
        accuracy = Accuracy(found, false, 150 - found)
        observed = ones(int(generator.poisson(truth * recall / precision)))
    interval = rate([observed], accuracy)
    return (interval.low or 0) <= truth <= (math.inf if interval.high is None else interval.high)


@pytest.mark.parametrize("quantity", ["number", "length"])
def test_intervals_cover_the_true_rate_as_often_as_they_state(quantity: str) -> None:
    generator = np.random.default_rng(7)
    hits = sum(covered(generator, quantity) for _ in range(250))
    # 95 % of 250 is 237; the limits leave three standard deviations on both sides.
    assert 227 <= hits <= 248
