"""Up to which frequency the spectrum of an image shows reflections and not copies of them.

Where an image was enlarged, as figures and screenshots are, its reflections come again around the
frequencies of its former pixels: with little power, but far above what surrounds them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MOST_POWER, _BEYOND = 0.8, 3.0
"""Share of the power up to a frequency, and the multiple of it up to which there are reflections.

Noise that was recorded has its power at all frequencies, and nothing is left out.
"""
_ENLARGED = 0.2
"""Highest of these limits in cycles per px at which copies would be between it and the border."""


def highest_frequency(power: Array, radius: Array, lowest: float, bin_size: float) -> float:
    """Return the frequency up to which reflections are looked for.

    Parameters
    ----------
    power : ndarray of float64, shape (H, K)
        Power spectrum.
    radius : ndarray of float64, shape (H, K)
        Distance of each bin from zero frequency in cycles per px.
    lowest : float
        Frequency in cycles per px from which there are reflections.
    bin_size : float
        Size of a bin in cycles per px.

    Returns
    -------
    float
        In cycles per px; beyond the spectrum for images with recorded noise.
    """
    ring = (radius / bin_size).astype(np.intp)
    of_ring = np.bincount(ring.ravel(), power.ravel())
    of_ring[: int(lowest / bin_size)] = 0
    total = np.cumsum(of_ring)
    most = int(np.searchsorted(total, _MOST_POWER * total[-1])) + 1
    highest = _BEYOND * most * bin_size
    return highest if highest < _ENLARGED else 1.0
