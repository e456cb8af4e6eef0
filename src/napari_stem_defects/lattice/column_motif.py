"""The columns of a unit cell, fitted at once to the mean of like windows.

Columns that overlap cannot be measured one by one: each takes the tails of the others for its own
height or for its ground. A window of the mean repeats with the lattice, so its Fourier coefficients
at the reciprocal lattice are those of one cell: the sum over the columns of intensity, phase of the
place, and the transform of a Gaussian, for all columns the same. The ground is in the coefficient
of order 0 alone, which is not used. Places, intensities and the width are fitted by least squares;
how exact the coefficients are follows from the scatter of the like windows, and decides how many
columns the cell has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_stem_defects.lattice.site_surroundings import Surroundings

Array = NDArray[np.float64]

_MOST_COLUMNS = 5
_HIGHEST_PX, _HIGHEST_PERIODS = 0.42, 3.6
"""Highest frequency that is used, in cycles per px and per lattice period."""
_MOST_ORDER = 6
_LEAST_RADIUS = 0.95
"""Half width of a window, in lattice periods, from which the cell is seen as anywhere else."""
_LEAST_COVERED = 0.05
"""Least sum of the weights of a place of the cell: a smaller window does not show all of it."""
_SAME_PERIODS = 0.25
"""Distance of two peaks, in lattice periods, up to which they are one column."""
_START, _NARROWEST, _WIDEST = 0.16, 0.06, 0.45
"""Standard deviations of a column in lattice periods."""
_NOT_NEEDED, _NEEDED = 1.2, 0.7
"""Factor of the misfit up to which a column is left out, and from which one is added."""
_GOOD, _USABLE = 1.2, 1.5
"""Misfit in units of the noise up to which no column is sought, and a fit is used."""
_FAINTEST = 0.04
"""Least intensity of a column as a share of the strongest one."""
_LARGEST_ERROR = 0.3
"""Relative error of an intensity up to which a column is one: a wide column is not two."""
_APART = 0.6
"""Distance from the middle, in standard deviations, at which two columns start instead of one."""
_RESOLVED, _CERTAIN = 2.0, 0.2
"""Distance of two columns, in standard deviations, and share of the strongest one, from which a
column is not doubted."""
_STEPS, _TRIAL_STEPS = 30, 8


class Motif(NamedTuple):
    """The columns of a cell as they lie in a window.

    Attributes
    ----------
    places : ndarray of float64, shape (K, 2)
        y and x of one column of each kind in px from the centre of the window.
    heights : ndarray of float64, shape (K,)
        Of the Gaussians, in units of the image.
    errors : ndarray of float64, shape (K,)
        Standard deviations of the heights, relative to them.
    sigma : float
        Standard deviation of the columns in px.
    misfit : float
        Root mean square deviation of the coefficients in units of their noise.
    """

    places: Array
    heights: Array
    errors: Array
    sigma: float
    misfit: float


def fit_motif(around: Surroundings, peaks: Array) -> Motif | None:
    """Fit the columns of the cell to the mean of like windows.

    Parameters
    ----------
    around : Surroundings
        The window of a place and like windows.
    peaks : ndarray of float64, shape (N, 2)
        Places (y, x) of peaks of the mean in px from the centre of the window, where columns start.

    Returns
    -------
    Motif or None
        None where the window does not show the whole cell, or columns do not explain it.
    """
    if around.radius < _LEAST_RADIUS * around.period or not len(peaks):
        return None
    cell = _Cell.of(around)
    if cell is None:
        return None
    fit = _best(cell, _distinct(peaks, around)[:_MOST_COLUMNS], around.period)
    if fit is None or fit.misfit > _USABLE:
        return None
    errors = fit.deviations(cell)
    scale = abs(float(np.linalg.det(around.vectors))) / (2 * np.pi * fit.sigma**2)
    return Motif(fit.places, scale * fit.amounts, errors, fit.sigma, fit.misfit)


class _Cell(NamedTuple):
    """Fourier coefficients of the mean at the reciprocal lattice, and their noise."""

    frequencies: Array
    values: NDArray[np.complex128]
    noise: Array
    vectors: Array

    @classmethod
    def of(cls, around: Surroundings) -> _Cell | None:
        weights = _partition(around)
        if weights is None:
            return None
        reciprocal = np.linalg.inv(around.vectors).T
        size = range(-_MOST_ORDER, _MOST_ORDER + 1)
        orders = np.array([(h, k) for h in size for k in size if (h, k) > (0, 0)], np.float64)
        frequencies = orders @ reciprocal
        highest = min(_HIGHEST_PX, _HIGHEST_PERIODS / around.period)
        frequencies = frequencies[np.hypot(*frequencies.T) <= highest]
        offsets = np.arange(-around.radius, around.radius + 1)
        down = np.exp(-2j * np.pi * np.outer(frequencies[:, 0], offsets))
        across = np.exp(-2j * np.pi * np.outer(offsets, frequencies[:, 1]))
        windows = np.concatenate([around.mean[None], around.others]) * weights
        values = ((windows @ across).transpose(0, 2, 1) * down).sum(axis=2)
        values /= abs(float(np.linalg.det(around.vectors)))
        spread = np.sqrt((np.abs(values[1:] - values[0]) ** 2).mean(axis=0) / 2)
        # Of a few windows it is not exact: half of it is that of all coefficients.
        noise = np.sqrt((spread**2 + (spread**2).mean()) / 2 * around.leverage)
        return cls(frequencies, values[0], np.maximum(noise, 1e-12), around.vectors)


def _partition(around: Surroundings) -> Array | None:
    """Return weights of the pixels of a window that add to 1 over all places a lattice apart."""
    radius = around.radius
    offsets = np.arange(-radius, radius + 1.0)

    def taper(at: Array) -> Array:
        return np.where(np.abs(at) < radius + 1, np.cos(np.pi * at / (2 * radius + 2)) ** 2, 0.0)

    total = np.zeros((len(offsets), len(offsets)))
    for y, x in _within(around.vectors, np.zeros(2), 2 * radius + 2.0):
        total += np.outer(taper(offsets + y), taper(offsets + x))
    if total.min() < _LEAST_COVERED:
        return None
    return np.asarray(np.outer(taper(offsets), taper(offsets)) / total)


def _within(vectors: Array, place: Array, reach: float) -> Array:
    """Return the places a lattice apart from one within a distance along both axes."""
    most = int(np.ceil(np.abs(np.linalg.inv(vectors)).sum(axis=0).max() * 2 * reach)) + 1
    size = np.arange(-most, most + 1)
    steps = np.stack(np.meshgrid(size, size, indexing="ij"), axis=-1).reshape(-1, 2) @ vectors
    places = place + steps
    return np.asarray(places[(np.abs(places) <= reach).all(axis=1)])


def _distinct(peaks: Array, around: Surroundings) -> Array:
    """Return the peaks, nearest to the centre first, that are not a lattice apart."""
    inverse, kept = np.linalg.inv(around.vectors), np.zeros((0, 2))
    for peak in peaks[np.argsort(np.hypot(*peaks.T))]:
        steps = (kept - peak) @ inverse
        apart = (steps - np.rint(steps)) @ around.vectors
        if np.hypot(*apart.T).min(initial=np.inf) > _SAME_PERIODS * around.period:
            kept = np.concatenate([kept, peak[None]])
    return kept


class _Fit(NamedTuple):
    """Columns fitted to the coefficients of a cell."""

    places: Array
    amounts: Array
    sigma: float
    misfit: float

    @property
    def has_all(self) -> bool:
        """Whether no column is negative or next to nothing."""
        return bool(self.amounts.min() > _FAINTEST * self.amounts.max())

    def is_sound(self, cell: _Cell) -> bool:
        """Return whether all columns are there, and known."""
        return self.has_all and bool(self.deviations(cell).max() < _LARGEST_ERROR)

    def waves(self, cell: _Cell) -> NDArray[np.complex128]:
        """Return the coefficients (G, K) of columns of amount 1, over the noise."""
        squares = (cell.frequencies**2).sum(axis=1)
        decay = np.exp(-2 * np.pi**2 * self.sigma**2 * squares) / cell.noise
        phases = cell.frequencies @ self.places.T
        return np.asarray(np.exp(-2j * np.pi * phases) * decay[:, None])

    def derivatives(self, cell: _Cell) -> Array:
        """Return those by amounts, places and the logarithm of the width, (2 G, 3 K + 1)."""
        waves = self.waves(cell)
        heavy = waves * self.amounts
        turning = -2j * np.pi * heavy[:, :, None] * cell.frequencies[:, None, :]
        squares = (cell.frequencies**2).sum(axis=1)
        wider = -4 * np.pi**2 * self.sigma**2 * squares * heavy.sum(axis=1)
        count = len(squares)
        complete = np.concatenate([waves, turning.reshape(count, -1), wider[:, None]], axis=1)
        return _real(complete)

    def doubtful(self, cell: _Cell) -> NDArray[np.intp]:
        """Return the numbers of the columns that may not be there."""
        steps = (self.places[:, None] - self.places) @ np.linalg.inv(cell.vectors)
        apart = np.hypot(*((steps - np.rint(steps)) @ cell.vectors).T)
        np.fill_diagonal(apart, np.inf)
        is_close = apart.min(axis=0) < _RESOLVED * self.sigma
        is_faint = self.amounts < _CERTAIN * self.amounts.max()
        return np.flatnonzero(is_close | is_faint)

    def deviations(self, cell: _Cell) -> Array:
        """Return the relative standard deviations of the amounts."""
        slopes = self.derivatives(cell)
        covariance = np.linalg.pinv(slopes.T @ slopes, hermitian=True)
        count = len(self.amounts)
        deviations = np.sqrt(np.maximum(np.diag(covariance)[:count], 0))
        return np.asarray(deviations * max(self.misfit, 1.0) / np.abs(self.amounts))


def _real(values: NDArray[np.complex128]) -> Array:
    return np.concatenate([values.real, values.imag])


def _solved(cell: _Cell, places: Array, sigma: float) -> tuple[_Fit, Array]:
    """Return the fit with the amounts by linear least squares, and what it leaves, (2 G,)."""
    fit = _Fit(places, np.ones(len(places)), sigma, np.inf)
    design, target = _real(fit.waves(cell)), _real(cell.values / cell.noise)
    normal = design.T @ design
    normal += 1e-9 * float(np.trace(normal)) * np.eye(len(places))
    amounts = np.linalg.solve(normal, design.T @ target)
    left = target - design @ amounts
    misfit = float(np.sqrt((left**2).mean()))  # of each real value the noise is 1
    return _Fit(places, np.asarray(amounts, np.float64), sigma, misfit), left


def _fitted(cell: _Cell, places: Array, sigma: float, period: float, steps: int) -> _Fit:
    """Fit places, amounts and the width, by the method of Levenberg and Marquardt."""
    fit, left = _solved(cell, places, sigma)
    damping, count = 1e-2, len(places)
    for _ in range(steps):
        slopes = fit.derivatives(cell)
        normal, slope = slopes.T @ slopes, slopes.T @ left
        before, unit = fit.misfit, np.eye(len(normal))
        tiny = 1e-12 * float(np.trace(normal))
        for _ in range(6):
            damped = normal + (damping * np.diag(normal) + tiny) * unit
            step = np.linalg.solve(damped, slope)[count:]
            moves = np.clip(step[:-1].reshape(-1, 2), -fit.sigma / 2, fit.sigma / 2)
            wider = fit.sigma * float(np.exp(np.clip(step[-1], -0.2, 0.2)))
            wider = float(np.clip(wider, _NARROWEST * period, _WIDEST * period))
            tried, rest = _solved(cell, fit.places + moves, wider)
            if tried.misfit < fit.misfit:
                fit, left, damping = tried, rest, max(damping / 5, 1e-7)
                break
            damping *= 10
        if fit.misfit > (1 - 1e-3) * before:
            break
    return fit


def _best(cell: _Cell, places: Array, period: float) -> _Fit | None:
    """Return the fit with as many columns as the coefficients need."""
    fit = _fitted(cell, places, _START * period, period, _STEPS)
    while len(fit.places) > 1:
        fewer = (np.delete(fit.places, number, axis=0) for number in fit.doubtful(cell))
        tried = [_fitted(cell, each, fit.sigma, period, _STEPS) for each in fewer]
        best = min(tried, key=lambda each: each.misfit, default=fit)
        if not tried or (fit.is_sound(cell) and best.misfit > _NOT_NEEDED * fit.misfit):
            break
        fit = best
    while fit.misfit > _GOOD and len(fit.places) < _MOST_COLUMNS:
        more = (
            _fitted(cell, each, 0.85 * fit.sigma, period, _TRIAL_STEPS)
            for each in _with_one_more(cell, fit)
        )
        sound = [each for each in more if each.has_all]
        best = min(sound, key=lambda each: each.misfit, default=fit)
        best = _fitted(cell, best.places, best.sigma, period, _STEPS)
        if best.misfit > _NEEDED * fit.misfit or not best.is_sound(cell):
            break
        fit = best
    return fit if fit.is_sound(cell) else None


def _with_one_more(cell: _Cell, fit: _Fit) -> Iterator[Array]:
    """Yield places with another column where the most is left, and with one column split.

    To second order, two columns instead of one add the second derivative of the one along their
    distance. What is left is fitted by those of each column in turn, without what the fit itself
    would take of them; the column and the direction that explain most are taken.
    """
    _, left = _solved(cell, fit.places, fit.sigma)
    count = len(cell.frequencies)
    rest = (left[:count] + 1j * left[count:]) * cell.noise
    size = np.arange(16) / 16
    grid = np.stack(np.meshgrid(size, size, indexing="ij"), axis=-1).reshape(-1, 2) @ cell.vectors
    image = (np.exp(2j * np.pi * (grid @ cell.frequencies.T)) @ rest).real
    yield np.concatenate([fit.places, grid[None, image.argmax()]])
    y, x = cell.frequencies.T
    bends = -4 * np.pi**2 * np.stack([y * y, 2 * y * x, x * x], axis=1)
    own = np.linalg.qr(fit.derivatives(cell))[0]
    best, split = 0.0, None
    for number, wave in enumerate(fit.waves(cell).T):
        bent = _real(wave[:, None] * bends)
        bent -= own @ (own.T @ bent)
        found, *_ = np.linalg.lstsq(bent, left, rcond=1e-6)
        explained = float(((bent @ found) ** 2).sum())
        if explained > best:
            axes = np.linalg.eigh([[found[0], found[1]], [found[1], found[2]]])[1]
            away = _APART * fit.sigma * axes[:, -1]
            split = np.concatenate([fit.places, (fit.places[number] - away)[None]])
            split[number] += away
            best = explained
    if split is not None:
        yield split


def columns_near(motif: Motif, vectors: Array, place: Sequence[float], reach_px: float) -> Array:
    """Return the columns of a lattice near a place.

    Parameters
    ----------
    motif : Motif
    vectors : ndarray of float64, shape (2, 2)
        Lattice vectors (y, x) in px.
    place : (float, float)
        y and x in px from the centre of the window.
    reach_px : float
        Farthest distance.

    Returns
    -------
    ndarray of float64, shape (N, 3)
        y, x in px, and the number of the column in the motif.
    """
    found = [np.zeros((0, 3))]
    for number, column in enumerate(motif.places):
        away = _within(vectors, column - np.asarray(place), reach_px)
        away = away[np.hypot(*away.T) <= reach_px]
        found.append(np.column_stack([away + place, np.full(len(away), float(number))]))
    return np.concatenate(found)
