"""Local contrast of a crystal beside places that have far more of it, as contamination.

The contrast is normalised by that of several lattice periods around. A few bright blobs take most
of it there, so that the crystal beside them, and its noise, are fainter than elsewhere: vacancies
near them seem weak, and the noise far from them seems unusual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POOL = 1.5
"""Standard deviation in lattice periods of the average that shows what has far more contrast."""
_FAR_MORE = 2.0
"""Its power in units of the median. In crystals with vacancies, boundaries, precipitates or a
slope of thickness it reaches at most 1.7."""
_BESIDE = 2.0
"""Distance in lattice periods up to which the background of such a place is subtracted too."""
_CONTRAST = 4.0
"""Standard deviation in lattice periods over which the contrast is measured."""
_LEAST_LEFT = 0.5
"""Share of an image that has the usual contrast, at least."""
_LEAST_WEIGHT = 0.05
_ROUNDS = 3


def even_contrast(filtered: NDArray[np.float32], samples: float) -> NDArray[np.float32]:
    """Normalise the contrast of an image by that of its crystal alone.

    Parameters
    ----------
    filtered : ndarray of float32, shape (rows, columns)
        Background subtracted, local contrast normalised.
    samples : float
        Samples per lattice period.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        The image itself where nothing has far more contrast than the rest.
    """
    pooled = ndimage.gaussian_filter(np.square(filtered), _POOL * samples)
    bright = pooled > _FAR_MORE * np.median(pooled)
    if not bright.any():
        return filtered
    usual = ndimage.distance_transform_edt(~bright) > _BESIDE * samples
    if usual.mean() < _LEAST_LEFT:
        return filtered
    sigma = _CONTRAST * samples
    weight = ndimage.gaussian_filter(usual.astype(np.float32), sigma)
    even = filtered
    # The contrast that was divided by varies as fast as averages of what is left of it, so that
    # one round takes away but half of its differences.
    for _ in range(_ROUNDS):
        power = np.where(usual, np.square(even), np.float32(0))
        overall = float(power.sum() / usual.sum())
        # In the middle of a large blob there is no crystal to compare with.
        local = ndimage.gaussian_filter(power, sigma) + _LEAST_WEIGHT * overall
        even = even / np.sqrt(np.maximum(local / (weight + _LEAST_WEIGHT), 1e-12))
    return np.asarray(even, np.float32)
