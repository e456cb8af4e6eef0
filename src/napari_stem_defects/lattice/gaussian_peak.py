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
    height, width = part.shape
    down = np.repeat(np.arange(height) + float(rows.start - radius), width)
    across = np.tile(np.arange(width) + float(columns.start - radius), height)
    weight = np.exp(-((down - guess.y) ** 2 + (across - guess.x) ** 2) / (2 * (1.5 * sigma) ** 2))
    target, by = weight * part.ravel(), np.empty((7, len(weight)))
    by[6] = weight
    # Parameters of the last residual and what they gave, which derivatives need as well.
    known: list[float] = []
    latest: list[NDArray[np.float64]] = []

    def residual(p: NDArray[np.float64]) -> NDArray[np.float64]:
        given: list[float] = p.tolist()  # numbers of Python are quicker than those of numpy
        if given != known:
            y, x, high, steep_y, steep_x, skew = given[:6]
            below, beside = down - y, across - x
            first = below * np.exp(steep_y)
            second = beside * np.exp(steep_x) + below * skew
            unit = weight * np.exp(-(first**2 + second**2) / 2)
            found = high * unit - target
            known[:] = given
            latest[:] = below, beside, first, second, unit, found
            if ground:
                found += given[6] * weight
        return latest[-1]

    def derivatives(p: NDArray[np.float64]) -> NDArray[np.float64]:
        residual(p)
        below, beside, first, second, unit, _ = latest
        bump, steep_y, steep_x = known[2] * unit, np.exp(known[3]), np.exp(known[4])
        sideways = bump * second
        by[0] = bump * (first * steep_y + second * known[5])
        by[1] = sideways * steep_x
        by[2] = unit
        by[3] = -bump * first**2
        by[4] = -sideways * beside * steep_x
        by[5] = -sideways * below
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
