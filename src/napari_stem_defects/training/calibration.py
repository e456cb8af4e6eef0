"""Probability calibration by Platt scaling on windows kept out of training.

Platt (1999) fits a sigmoid of the logit with a scale and a shift. A weak normal prior keeps the
logarithm of the scale and the shift near 0, so that few or separable windows do not lead to
infinite confidence. Platt's own remedy, targets drawn in from 0 and 1, made members that were
confident and right needlessly uncertain (expected calibration error 0.05 instead of 0.01 on public
patches).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from napari_stem_defects.networks.spec import PlattCalibration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Weight of the prior, in units of the log-likelihood of one window.
PRIOR = 1.0
LOG_SCALE_LIMITS = (-3.0, 3.0)
SHIFT_LIMITS = (-20.0, 20.0)


def calibrate(
    classes: Sequence[str], logits: NDArray[np.float32], targets: NDArray[np.float32]
) -> dict[str, PlattCalibration]:
    """Calibrate every class that has positive and negative windows.

    Parameters
    ----------
    classes : sequence of str
        The C classes.
    logits : ndarray of float32, shape (n, C)
        Mean logits of the members for windows that were not trained on.
    targets : ndarray of float32, shape (n, C)
        1 where the class is present, 0 where it is absent, NaN where unknown.

    Returns
    -------
    dict of str to PlattCalibration
        Classes with windows of one kind only are missing.
    """
    fitted = {}
    for column, name in enumerate(classes):
        known = ~np.isnan(targets[:, column])
        present = targets[known, column] > 0.5
        if present.any() and not present.all():
            fitted[name] = fit_platt(logits[known, column].astype(np.float64), present)
    return fitted


def fit_platt(logits: NDArray[np.float64], present: NDArray[np.bool_]) -> PlattCalibration:
    """Fit the scale and shift of Platt scaling by maximum a posteriori estimation.

    Parameters
    ----------
    logits : ndarray of float64, shape (n,)
    present : ndarray of bool, shape (n,)
        Whether the class is present; both values occur.

    Returns
    -------
    PlattCalibration
        The scale is always positive.
    """

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale, shift = np.exp(parameters[0]), parameters[1]
        z = scale * logits + shift
        residual = expit(z) - present
        value = np.sum(np.logaddexp(0, z) - present * z) + PRIOR / 2 * np.sum(parameters**2)
        gradient = (
            np.array([np.sum(residual * logits) * scale, np.sum(residual)]) + PRIOR * parameters
        )
        return float(value), gradient

    best = minimize(
        loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[LOG_SCALE_LIMITS, SHIFT_LIMITS]
    ).x
    return PlattCalibration(float(np.exp(best[0])), float(best[1]))
