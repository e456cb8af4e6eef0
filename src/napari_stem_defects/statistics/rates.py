"""Rates of defects per area, with intervals of the counts and of the model's accuracy.

A rate is ``mu * precision / (recall * area)``: mu is the expected number (or length) of what the
model reports, precision takes false reports away and recall adds what is missed (Rogan and Gladen
(1978), Am. J. Epidemiol. 107, 71, for prevalences). Each of the three has a confidence
distribution, and the interval is that of their product (melded confidence intervals: Fay, Proschan
and Brittain (2015), Biometrics 71, 146), evaluated with stratified samples.

- mu of a count, or of a length as a sum of independent lengths: the mid-p gamma interval (Fay and
  Feuer (1997), Stat. Med. 16, 791; Fay and Kim (2017), Biom. J. 59, 377). For a count it is the
  mid-p interval of a Poisson count.
- precision and recall: the mid-p form of the Clopper-Pearson interval of a share.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SAMPLES = 10_000
"""Number of samples of a confidence distribution; quantiles at 2.5 % are good to about 1 %."""

LEVEL = 0.95
"""Confidence level of all intervals."""

_PRIOR = 2.0


@dataclass(frozen=True)
class Accuracy:
    """Precision and recall of one class, as the numbers they were measured with.

    Attributes
    ----------
    true_positives, false_positives, false_negatives : float
        Numbers of independent defects; of lines, effective numbers in proportion to length.
    source : str
        What they were measured on, as part of a sentence.
    """

    true_positives: float
    false_positives: float
    false_negatives: float
    source: str = ""

    @property
    def precision(self) -> float:
        """Share of the reported defects that are there."""
        return _share(self.true_positives, self.false_positives)

    @property
    def recall(self) -> float:
        """Share of the defects that are reported."""
        return _share(self.true_positives, self.false_negatives)


@dataclass(frozen=True)
class Estimate:
    """A value and its interval at the level `LEVEL`.

    Attributes
    ----------
    value : float or None
        None where it is not defined, such as a ratio to nothing.
    low, high : float or None
        Ends of the interval; None where there is no limit.
    """

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Observed:
    """What was found in an area.

    Attributes
    ----------
    weights : tuple of float
        One per defect: 1 for a count, its length for a sum of lengths.
    area : float
        The area that was searched.
    repeats : float
        Number of times that the same area was seen, such as the frames of a movie; weights are
        sums over all of them, and count as much as those of one.
    smallest_unit : float or None
        Weight of every defect, 1 for a count; None for lengths, whose interval has no upper limit
        where none was found.
    """

    weights: tuple[float, ...]
    area: float
    repeats: float = 1.0
    smallest_unit: float | None = 1.0

    @property
    def total(self) -> float:
        """Sum of the weights in one view of the area."""
        return float(sum(self.weights)) / self.repeats


def rate(observed: Sequence[Observed], accuracy: Accuracy | None = None) -> Estimate:
    """Return the rate per area in several areas together.

    Parameters
    ----------
    observed : sequence of Observed
        The areas.
    accuracy : Accuracy, optional
        Precision and recall of the class. Without it the rate is that of what was reported, and
        the interval contains counting statistics alone.

    Returns
    -------
    Estimate
        Per unit of area; value None if nothing was searched.
    """
    area = sum(each.area for each in observed)
    if area <= 0:
        return Estimate(None, None, None)
    factor = 1.0 if accuracy is None else accuracy.precision / accuracy.recall
    value = sum(each.total for each in observed) * factor / area
    return interval_of(rate_samples(observed, accuracy), value if math.isfinite(value) else None)


def rate_samples(
    observed: Sequence[Observed], accuracy: Accuracy | None = None, seed: int = 0
) -> NDArray[np.float64]:
    """Return samples of the confidence distribution of a rate.

    Parameters
    ----------
    observed : sequence of Observed
        Areas that count together; their total area is above 0.
    accuracy : Accuracy, optional
        Precision and recall of the class.
    seed : int
        Of the order of the samples; independent rates need different ones.

    Returns
    -------
    ndarray of float64, shape (SAMPLES,)
        Infinite where there is no upper limit.
    """
    generator = np.random.default_rng(seed)
    samples = _total_samples(observed, generator) / sum(each.area for each in observed)
    if accuracy is None:
        return samples
    return samples * accuracy_samples(accuracy, generator)


def accuracy_samples(accuracy: Accuracy, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return samples of precision / recall.

    Parameters
    ----------
    accuracy : Accuracy
    generator : numpy.random.Generator
        Orders the samples.

    Returns
    -------
    ndarray of float64, shape (SAMPLES,)
    """
    found = accuracy.true_positives
    precision = share_samples(found, accuracy.false_positives, generator)
    recall = share_samples(found, accuracy.false_negatives, generator)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(recall > 0, precision / recall, np.inf)


def interval_of(samples: NDArray[np.float64], value: float | None) -> Estimate:
    """Return a value with the interval of its samples.

    Parameters
    ----------
    samples : ndarray of float64
        May contain infinite values.
    value : float or None
        The estimate.

    Returns
    -------
    Estimate
        Ends that are infinite are None.
    """
    tail = (1 - LEVEL) / 2
    # Order statistics: interpolation between a finite and an infinite sample is not defined.
    low, high = np.quantile(samples, (tail, 1 - tail), method="nearest")
    ends = [float(end) if np.isfinite(end) else None for end in (low, high)]
    return Estimate(value, *ends)


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else math.nan


def _strata(generator: np.random.Generator, count: int = SAMPLES) -> NDArray[np.float64]:
    """Return quantiles that cover 0 to 1 evenly, in random order."""
    return generator.permutation((np.arange(count) + 0.5) / count)


def _total_samples(
    observed: Sequence[Observed], generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return samples of the expected sum of weights: one half each from the lower and upper limit.

    A repeated view adds no information on how many defects there are, so what all views show
    counts as much as one view.
    """
    total = sum(each.total for each in observed)
    one_more = _typical_weight(observed)
    lower = _strata(generator, SAMPLES // 2)
    upper = _strata(generator, SAMPLES - SAMPLES // 2)
    samples = _gamma(lower, total, one_more), _gamma(upper, total + one_more, one_more)
    return generator.permutation(np.concatenate(samples))


def _typical_weight(observed: Sequence[Observed]) -> float:
    """Return the size-biased mean weight, the mean square over the mean.

    Few lengths hold little information on how unequal lengths are, so the relative variance that
    they show is averaged with that of an exponential distribution, as if that were known from
    `_PRIOR` more lengths, and the result grows by the uncertainty of their mean.
    """
    weights = np.concatenate([np.asarray(each.weights, float) for each in observed])
    if not weights.size or not weights.any():
        units = [each.smallest_unit for each in observed if each.smallest_unit is not None]
        return max(units) if len(units) == len(observed) else math.inf
    mean = float(weights.mean())
    if (weights == weights[0]).all() and all(each.smallest_unit == mean for each in observed):
        return mean  # a count
    freedom = weights.size - 1
    shown = float(((weights - mean) ** 2).sum()) / mean**2
    return mean * (1 + (shown + _PRIOR) / (freedom + _PRIOR)) * (1 + 1 / weights.size)


def _gamma(quantiles: NDArray[np.float64], mean: float, unit: float) -> NDArray[np.float64]:
    """Return quantiles of the gamma distribution with a mean and the variance ``mean * unit``."""
    if mean == 0 or math.isinf(mean):
        return np.full(quantiles.shape, mean)
    found: NDArray[np.float64] = special.gammaincinv(mean / unit, quantiles) * unit
    return found


def share_samples(part: float, rest: float, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return samples of a share of which ``part`` of ``part + rest`` were counted.

    Parameters
    ----------
    part, rest : float
        Numbers of independent cases.
    generator : numpy.random.Generator
        Orders the samples.

    Returns
    -------
    ndarray of float64, shape (SAMPLES,)
    """
    return generator.permutation(_share_quantiles(part, rest))


@lru_cache(maxsize=256)
def _share_quantiles(part: float, rest: float) -> NDArray[np.float64]:
    half = SAMPLES // 2
    quantiles = (np.arange(half) + 0.5) / half
    low = special.betaincinv(part, rest + 1, quantiles) if part else np.zeros(half)
    high = special.betaincinv(part + 1, rest, quantiles) if rest else np.ones(half)
    return np.concatenate([low, high])
