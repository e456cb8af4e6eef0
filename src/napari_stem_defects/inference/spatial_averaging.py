"""Spatial averaging of the logits of neighbouring windows.

Where single atomic columns are distinguished, windows a few px apart show the same column, and
each has its own error. Their mean logit has a smaller error: of thousands of columns predicted
once, the most extreme one always looks like a vacancy. The mean is weighted by a Gaussian, on the
grid of an image as well as around the labelled sites used for probability calibration and
evaluation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.windows import Grid

# Logits are clipped to this magnitude, so that no window outweighs its neighbours.
MAX_LOGIT = 7.0

_NODES = {-math.sqrt(3): 1 / 6, 0.0: 2 / 3, math.sqrt(3): 1 / 6}
AVERAGING_NODES = {
    (y, x): weight_y * weight_x for y, weight_y in _NODES.items() for x, weight_x in _NODES.items()
}
"""The mean around a single site: offsets (y, x) in standard deviations, and their weights.

The Gauss-Hermite rule of three nodes along each axis, exact for polynomials up to the fifth degree
(Abramowitz and Stegun, Handbook of Mathematical Functions, 25.4.46).
"""


def average_logits(
    probability: NDArray[np.float32], grid: Grid, averaging_px: float
) -> NDArray[np.float32]:
    """Average the logits of neighbouring windows of a grid.

    Parameters
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
    grid : Grid
        Window centres in px.
    averaging_px : float
        Standard deviation of the Gaussian in px; 0 returns the probabilities unchanged.

    Returns
    -------
    ndarray of float32, shape (C, gy, gx)
        Probabilities of the averaged logits.
    """
    if averaging_px == 0:
        return probability
    lowest = float(expit(-MAX_LOGIT))
    steps = [np.diff(centres).mean() if len(centres) > 1 else np.inf for centres in grid]
    sigma = [0.0, *(averaging_px / step for step in steps)]
    logits = logit(np.clip(probability, lowest, 1 - lowest))
    mean: NDArray[np.float32] = expit(gaussian_filter(logits, sigma, mode="nearest"))
    return mean.astype(np.float32)
