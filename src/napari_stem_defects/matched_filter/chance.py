"""Whether clicks have more in common than places anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.matched_filter.templates import align

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.templates import Aligned, Reach

_CLEAR = 2.0
"""Median power of the patterns at clicks, in units of that of noise, that needs no comparison."""
_SETS = 5
_MORE = 1.2
"""A template of clicks is at least this much stronger than any from as many places anywhere."""


def is_chance(
    aligned: Aligned,
    clicks: Sequence[tuple[NDArray[np.float32], NDArray[np.float64]]],
    samples: float,
    reach: Reach,
    noise: float,
) -> bool:
    """Return whether several clicks have no more in common than places anywhere.

    Places that are shifted to where they agree best have something in common, even in noise; clicks
    on a defect that the image does not resolve have no more.

    Parameters
    ----------
    aligned : Aligned
        The clicks.
    clicks : sequence of (ndarray of float32 (Y, X), ndarray of float (2,))
        Residual of the image and position of each click in samples.
    samples : float
        Samples per lattice period.
    reach : Reach
        Of the kind of the class.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.

    Returns
    -------
    bool
        False for a single click, which may show anything.
    """
    powers = (aligned.weight * aligned.patterns**2).sum(axis=(1, 2))
    if len(clicks) < 2 or np.median(powers) > _CLEAR * noise:
        return False
    rng = np.random.default_rng(0)
    anywhere = [
        [(image, rng.uniform(0, np.array(image.shape) - 1)) for image, _ in clicks]
        for _ in range(_SETS)
    ]
    strongest = max(_strength(align(places, samples, reach, noise)) for places in anywhere)
    return _strength(aligned) < _MORE * strongest


def _strength(aligned: Aligned) -> float:
    """Return the power of what some places have in common."""
    return float((aligned.weight * aligned.patterns.mean(axis=0) ** 2).sum())
