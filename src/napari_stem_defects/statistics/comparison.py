"""Comparison of rates: the ratio of two with its interval, and whether several agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from napari_stem_defects.statistics.rates import (
    Accuracy,
    Estimate,
    Observed,
    interval_of,
    rate_samples,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_DRAWS = 20_000


@dataclass(frozen=True)
class Comparison:
    """The rate in one group of images relative to that in another.

    Attributes
    ----------
    ratio : Estimate
        First rate over second rate.
    p_value : float
        Of equal rates, two-sided.
    """

    ratio: Estimate
    p_value: float


def compare(
    first: Sequence[Observed],
    second: Sequence[Observed],
    accuracies: tuple[Accuracy | None, Accuracy | None] = (None, None),
) -> Comparison:
    """Return the ratio of two rates (melded confidence interval; see `rates`).

    Parameters
    ----------
    first, second : sequence of Observed
        The areas of each group; both groups have an area above 0.
    accuracies : (Accuracy or None, Accuracy or None)
        Precision and recall in each group. Where they are the same, found by one model in one kind
        of image, they cancel.

    Returns
    -------
    Comparison
        Its ratio is None where the second group has no defect.
    """
    if accuracies[0] == accuracies[1]:
        accuracies = (None, None)
    above = rate_samples(first, accuracies[0], seed=1)
    below = rate_samples(second, accuracies[1], seed=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = above / below
    # Nothing over nothing may be any ratio.
    undefined = np.flatnonzero(np.isnan(ratios))
    ratios[undefined] = np.where(np.arange(undefined.size) % 2, np.inf, 0.0)
    larger, smaller = float((ratios > 1).mean()), float((ratios < 1).mean())
    rates = [
        _value(group, accuracy) for group, accuracy in zip((first, second), accuracies, strict=True)
    ]
    value = rates[0] / rates[1] if rates[1] else None
    tie = (1 - larger - smaller) / 2
    return Comparison(interval_of(ratios, value), min(1.0, 2 * (min(larger, smaller) + tie)))


def equal_rates_p_value(groups: Sequence[Sequence[Observed]]) -> float | None:
    """Return the p-value of equal rates of counts in several groups.

    With equal rates the total is distributed over the groups in proportion to their areas
    (multinomial); the statistic is Pearson's, its distribution is simulated.

    Parameters
    ----------
    groups : sequence of sequences of Observed
        The areas of each group, with weights of 1.

    Returns
    -------
    float or None
        None for fewer than two groups with an area, or without any count.
    """
    counted = [
        (sum(each.total for each in group), sum(each.area for each in group)) for group in groups
    ]
    numbers, areas = np.array([each for each in counted if each[1] > 0], float).reshape(-1, 2).T
    total = round(float(numbers.sum()))
    if len(areas) < 2 or total == 0:
        return None
    expected = total * areas / areas.sum()
    draws = np.random.default_rng(0).multinomial(total, areas / areas.sum(), _DRAWS)
    statistic = ((numbers - expected) ** 2 / expected).sum()
    simulated = ((draws - expected) ** 2 / expected).sum(axis=1)
    return float((1 + (simulated >= statistic - 1e-9).sum()) / (1 + _DRAWS))


def mean_with_interval(values: Sequence[float]) -> Estimate:
    """Return a mean and its interval by Student's t distribution.

    Parameters
    ----------
    values : sequence of float
        Independent values.

    Returns
    -------
    Estimate
        Value None without any value, ends None with one.
    """
    if not values:
        return Estimate(None, None, None)
    mean = float(np.mean(values))
    if len(values) < 2:
        return Estimate(mean, None, None)
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    reach = float(scipy.stats.t.ppf(0.975, len(values) - 1)) * error
    return Estimate(mean, mean - reach, mean + reach)


def _value(group: Sequence[Observed], accuracy: Accuracy | None) -> float:
    factor = 1.0 if accuracy is None else accuracy.precision / accuracy.recall
    total, area = sum(each.total for each in group), sum(each.area for each in group)
    return total * factor / area
