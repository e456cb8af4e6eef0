"""Shares such as precision and recall, and F1, with intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.statistics.rates import Estimate, interval_of, share_samples

if TYPE_CHECKING:
    from napari_stem_defects.statistics.rates import Accuracy


def share_estimate(part: float, rest: float) -> Estimate:
    """Return a share of counts and its mid-p Clopper-Pearson interval.

    Parameters
    ----------
    part, rest : float
        ``part`` of ``part + rest`` independent cases were counted.

    Returns
    -------
    Estimate
        ``part / (part + rest)``; all None if nothing was counted.
    """
    if not part + rest:
        return Estimate(None, None, None)
    samples = share_samples(part, rest, np.random.default_rng(0))
    return interval_of(samples, part / (part + rest))


def f1_estimate(accuracy: Accuracy) -> Estimate:
    """Return F1, the harmonic mean of precision and recall, and its interval.

    F1 is ``2 t / (2 t + f + m)`` of the true, false and missed (van Rijsbergen (1979), Information
    Retrieval, chapter 7). The interval is that of the harmonic mean of independent samples of the
    confidence distributions of precision and recall, as in `rates`.

    Parameters
    ----------
    accuracy : Accuracy
        The counts of independent defects.

    Returns
    -------
    Estimate
        None where there is neither a prediction nor a defect.
    """
    found = accuracy.true_positives
    false, missed = accuracy.false_positives, accuracy.false_negatives
    total = 2 * found + false + missed
    if not total:
        return Estimate(None, None, None)
    generator = np.random.default_rng(0)
    precision = share_samples(found, false, generator)
    recall = share_samples(found, missed, generator)
    both = precision + recall
    samples = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return interval_of(samples, 2 * found / total)
