"""What several windows say of one place, averaged.

Where single columns of a lattice are told apart, windows a few px from one another are asked
about the same column, and each errs in its own way. Their mean logit errs less: of the highest
of many answers, some column of thousands always looks like a vacancy. The mean is taken under a
Gaussian, on the grid of a scan as well as around the labelled sites on which an ensemble is
calibrated and tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.windows import Grid

# A window that is surer counts as this sure, in logits, so that none outvotes its neighbours.
SUREST = 7.0


def average_logits(
    probability: NDArray[np.float32], grid: Grid, spread_px: float
) -> NDArray[np.float32]:
    """Average the answers of a scan.

    Parameters
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
    grid : Grid
        The windows' centres.
    spread_px : float
        Standard deviation of the Gaussian, px; 0 leaves all as it is.

    Returns
    -------
    ndarray of float32, shape (C, gy, gx)
    """
    if spread_px == 0:
        return probability
    least = float(expit(-SUREST))
    steps = [np.diff(centres).mean() if len(centres) > 1 else np.inf for centres in grid]
    sigma = [0.0, *(spread_px / step for step in steps)]
    logits = logit(np.clip(probability, least, 1 - least))
    mean: NDArray[np.float32] = expit(gaussian_filter(logits, sigma, mode="nearest"))
    return mean.astype(np.float32)
