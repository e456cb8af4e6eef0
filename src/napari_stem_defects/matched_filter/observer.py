"""The Hotelling observer: what distinguishes a defect best from what like sites show by chance.

It is the mean change of the defect, divided by the covariance of the sites: where they differ among
themselves, as by strain or scan noise, a change counts less (Barrett and Myers, Foundations of
Image Science, Wiley 2004, chapter 13). For white noise it is the change itself, as in a matched
filter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPONENTS = 10
"""Principal components of what the sites show: further ones are noise."""
_LEAST, _OF_ONE_CLICK = 0.02, 3.0
"""Added to every eigenvalue of the covariance, as shares of their mean: always, and for a single
click. The mean of few clicks holds noise, which division by a small eigenvalue would enlarge."""
_DEFECT = 0.5
"""Response from which a site is no perfect one; a defect has 1."""
_ROUNDS = 2


def hotelling_observer(
    shown: NDArray[np.float32],
    change: NDArray[np.float32],
    weight: NDArray[np.float32],
    clicks: int,
) -> NDArray[np.float32]:
    """Return the pattern whose inner product with a site is 0 for a usual one, 1 for a defect.

    Parameters
    ----------
    shown : ndarray of float32, shape (N, c, c)
        What sites show, less what is usual; most are perfect.
    change : ndarray of float32, shape (c, c)
        What a defect changes, the mean of its clicks.
    weight : ndarray of float32, shape (c, c)
        Of the places around a site.
    clicks : int
        Number of clicks that the change is the mean of.

    Returns
    -------
    ndarray of float32, shape (c, c)
    """
    root = np.sqrt(weight).ravel()
    sites = shown.reshape(len(shown), -1) * root
    _, _, components = np.linalg.svd(sites - sites.mean(axis=0), full_matrices=False)
    components = components[:_COMPONENTS]
    found, expected = sites @ components.T, components @ (change.ravel() * root)
    perfect = np.ones(len(found), bool)
    response = expected
    for _ in range(_ROUNDS):
        covariance = np.cov(found[perfect], rowvar=False)
        share = _LEAST + _OF_ONE_CLICK / clicks
        covariance += share * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        response = np.linalg.solve(covariance, expected)
        response /= response @ expected
        perfect = found @ response < _DEFECT
    return np.asarray((response @ components * root).reshape(change.shape), np.float32)
