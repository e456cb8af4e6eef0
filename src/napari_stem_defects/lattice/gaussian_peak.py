"""Fits of an elliptical Gaussian to a column or to a change of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import optimize

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS, _FITS, _SETTLED_PX = 40, 5, 0.06


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
    y, x = np.mgrid[rows, columns][:, : part.shape[0], : part.shape[1]] - float(radius)
    weight = np.exp(-((y - guess.y) ** 2 + (x - guess.x) ** 2) / (2 * (1.5 * sigma) ** 2))
    down, across, weight = y.ravel(), x.ravel(), weight.ravel()
    target, by = weight * part.ravel(), np.stack([weight] * 7)
    latest: list[NDArray[np.float64]] = []  # parameters of the last residual, and what they gave

    def residual(p: NDArray[np.float64]) -> NDArray[np.float64]:
        first = (down - p[0]) * np.exp(p[3])
        second = (across - p[1]) * np.exp(p[4]) + (down - p[0]) * p[5]
        unit = weight * np.exp(-(first**2 + second**2) / 2)
        latest[:] = p.copy(), first, second, unit
        found = p[2] * unit - target
        return np.asarray(found + p[6] * weight if ground else found)

    def derivatives(p: NDArray[np.float64]) -> NDArray[np.float64]:
        if not (latest and np.array_equal(latest[0], p)):
            residual(p)
        _, first, second, unit = latest
        bump, steep_y, steep_x = p[2] * unit, np.exp(p[3]), np.exp(p[4])
        by[0] = bump * (first * steep_y + second * p[5])
        by[1] = bump * second * steep_x
        by[2] = unit
        by[3] = -bump * first**2
        by[4] = -bump * second * (across - p[1]) * steep_x
        by[5] = -bump * second * (down - p[0])
        return by if ground else by[:6]

    steep = -np.log(guess.sigma)
    start = [guess.y, guess.x, guess.height, steep, steep, 0.0]
    if ground:
        start.append(float(np.percentile(part, 20)))
    # MINPACK without the layers around it, which take most of the time of a small fit; all
    # outputs, because it warns otherwise.
    found, *_ = optimize.leastsq(
        residual,
        start,
        Dfun=derivatives,
        col_deriv=True,
        ftol=1e-5,
        xtol=1e-4,
        maxfev=_STEPS,
        full_output=True,
    )
    peak = _as_peak(found)
    is_usable = 0.3 * guess.sigma < peak.sigma < 3 * guess.sigma and peak.height * guess.height > 0
    return peak if is_usable and np.isfinite(found).all() else None


def _as_peak(found: NDArray[np.float64]) -> Peak:
    """Return the Gaussian of fitted parameters: place, height and the matrix of its slopes."""
    shape = np.array([[np.exp(found[3]), 0.0], [found[5], np.exp(found[4])]])
    _, steepness, axes = np.linalg.svd(shape)  # the least steep direction is the long axis
    long_y, long_x = (axes[-1] / max(steepness[-1], 1e-9)).tolist()
    width = float(np.exp(-(found[3] + found[4]) / 2))
    return Peak(float(found[0]), float(found[1]), float(found[2]), width, (long_y, long_x))
