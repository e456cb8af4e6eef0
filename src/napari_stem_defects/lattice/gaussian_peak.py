"""Fits of an elliptical Gaussian to a column or to a change of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_STEPS, _FITS, _SETTLED_PX = 40, 5, 0.06
_STEEPEST = 50.0
"""Largest slope, or logarithm of one, of a Gaussian that is a peak of an image."""


class Peak(NamedTuple):
    """A Gaussian in a window.

    Attributes
    ----------
    y, x : float
        Offset from the centre of the window in px.
    height : float
        In units of the image; negative for a deficit.
    sigma : float
        Standard deviation in px, the geometric mean of those along both axes.
    long_axis : (float, float)
        Long half axis (y, x), of the length of the standard deviation along it; 0 before a fit.
    """

    y: float
    x: float
    height: float
    sigma: float
    long_axis: tuple[float, float] = (0.0, 0.0)


def fit_peak(image: NDArray[np.float64], guess: Peak, *, ground: bool) -> Peak | None:
    """Fit an elliptical Gaussian near a place, each time around the last result.

    Pixels between this place and its neighbours count less. Two columns that are not resolved are
    fitted as one.

    Parameters
    ----------
    image : ndarray of float64, shape (2 R + 1, 2 R + 1)
        A window.
    guess : Peak
        Where the fit starts, with the sign of the height.
    ground : bool
        Whether a constant is added to the Gaussian.

    Returns
    -------
    Peak or None
        None where the fit leaves the place, or ends in another sign or size.
    """
    peak, sigma = guess, guess.sigma
    for _ in range(_FITS):
        found = _fit_once(image, peak, sigma, ground=ground)
        if found is None:
            return None
        moved = np.hypot(found.y - peak.y, found.x - peak.x)
        peak, sigma = found, max(found.sigma, guess.sigma)
        if moved < _SETTLED_PX:
            break
    far = np.hypot(peak.y - guess.y, peak.x - guess.x)
    return peak if far <= 2 * guess.sigma else None


class _Fit:
    """Weighted residual of an elliptical Gaussian, and its derivatives.

    Parameters of the fit: y, x, height, logarithms of the steepness along y and x, skew, ground.
    What one computed of the latest ones serves the other.
    """

    def __init__(
        self, down: Array, across: Array, weight: Array, values: Array, ground: bool
    ) -> None:
        self._down, self._across, self._weight = down, across, weight
        self._target, self._ground = weight * values, ground
        self._by = np.empty((7, len(weight)))
        self._by[6] = weight
        self._parameters: list[float] = []
        self._latest: list[Array] = []

    def residual(self, parameters: Array) -> Array:
        given: list[float] = parameters.tolist()  # numbers of Python are quicker than numpy's
        if given != self._parameters:
            y, x, height, steep_y, steep_x, skew = given[:6]
            below, beside = self._down - y, self._across - x
            first = below * np.exp(steep_y)
            second = beside * np.exp(steep_x) + below * skew
            unit = self._weight * np.exp(-(first**2 + second**2) / 2)
            found = height * unit - self._target
            if self._ground:
                found += given[6] * self._weight
            self._parameters, self._latest = given, [below, beside, first, second, unit, found]
        return self._latest[-1]

    def derivatives(self, parameters: Array) -> Array:
        self.residual(parameters)
        below, beside, first, second, unit, _ = self._latest
        _, _, height, steep_y, steep_x, skew = self._parameters[:6]
        bump, by = height * unit, self._by
        sideways = bump * second
        by[0] = bump * (first * np.exp(steep_y) + second * skew)
        by[1] = sideways * np.exp(steep_x)
        by[2] = unit
        by[3] = -bump * first**2
        by[4] = -sideways * beside * np.exp(steep_x)
        by[5] = -sideways * below
        return by if self._ground else by[:6]


def _fit_once(
    image: NDArray[np.float64], guess: Peak, sigma: float, *, ground: bool
) -> Peak | None:
    radius = image.shape[0] // 2
    reach = max(3, round(2.2 * sigma))
    rows, columns = (
        slice(max(0, round(c) + radius - reach), max(1, round(c) + radius + reach + 1))
        for c in (guess.y, guess.x)
    )
    part = image[rows, columns]
    if min(part.shape) < 4:
        return None
    height, width = part.shape
    down = np.repeat(np.arange(height) + float(rows.start - radius), width)
    across = np.tile(np.arange(width) + float(columns.start - radius), height)
    weight = np.exp(-((down - guess.y) ** 2 + (across - guess.x) ** 2) / (2 * (1.5 * sigma) ** 2))
    fit = _Fit(down, across, weight, part.ravel(), ground)
    steep = -np.log(guess.sigma)
    start = [guess.y, guess.x, guess.height, steep, steep, 0.0]
    if ground:
        start.append(float(np.percentile(part, 20)))
    # MINPACK without the layers around it, which take most of the time of a small fit; all
    # outputs, because it warns otherwise.
    with np.errstate(all="ignore"):  # of trial steps, and the covariance of a flat fit
        found, *_ = optimize.leastsq(
            fit.residual,
            start,
            Dfun=fit.derivatives,
            col_deriv=True,
            ftol=1e-5,
            xtol=1e-4,
            maxfev=_STEPS,
            full_output=True,
        )
    if not np.isfinite(found).all() or np.abs(found[3:6]).max() > _STEEPEST:
        return None
    peak = _as_peak(found)
    is_usable = 0.3 * guess.sigma < peak.sigma < 3 * guess.sigma and peak.height * guess.height > 0
    return peak if is_usable else None


def _as_peak(found: NDArray[np.float64]) -> Peak:
    """Return the Gaussian of fitted parameters: place, height and the matrix of its slopes."""
    shape = np.array([[np.exp(found[3]), 0.0], [found[5], np.exp(found[4])]])
    _, steepness, axes = np.linalg.svd(shape)  # the least steep direction is the long axis
    long_y, long_x = (axes[-1] / max(steepness[-1], 1e-9)).tolist()
    width = float(np.exp(-(found[3] + found[4]) / 2))
    return Peak(float(found[0]), float(found[1]), float(found[2]), width, (long_y, long_x))
