"""Measurement of a point defect against the like places of its lattice.

The lattice repeats what should stand at the place: windows at whole lattice vectors around it, in
opposite pairs, so that strain, drift and thickness cancel to first order, are averaged. The
difference to this mean is the defect. Where a column is missing or weaker, its site is that of the
column in the mean, that is of its neighbours' lattice; where one was added, the site is that of the
difference. Both are 2-D Gaussian fits. The intensity is that at the site by least squares, relative
to the column of the mean, or, where the mean has none, to the brightest column of the cell; its
error is the scatter of the same figure among the neighbours, which contains noise and natural
variation, and the misfit of the columns of the mean. Two columns that are not resolved are fitted
together (`lattice.column_pair`): a defect of both is in their middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.column_pair import fit_pair
from napari_stem_defects.lattice.gaussian_peak import Peak, fit_peak
from napari_stem_defects.lattice.spline_windows import spline_windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.unit_cell import UnitCell


# In lattice periods: half width of the window, distance of the site from the given position, core
# that the defect may change, and size of a column until it is fitted.
_WINDOW, _REACH, _CORE, _COLUMN = 1.0, 0.55, 0.62, 0.13
_SMALLEST = 0.68  # half width of the window beside the border
# Lattice vectors in both directions; more of them beside the border, where those across it miss.
_REPEATS, _REPEATS_AT_BORDER = 2, 5
_FEWEST = 6  # like places
_SIGNIFICANT = 3.0  # standard deviations of the neighbours
_UNLIKE = 2.5  # times the usual deviation of the ring around the core
# Periods between a change and the column of the mean that it changes; of unresolved pairs, only the
# brighter column is a peak of the mean.
_SAME, _SAME_MISSING = 0.18, 0.3
_AGREE_PX = 0.12  # distance at which a change and a column of the mean are at the same place
_TOGETHER, _FAINTEST = 0.45, 0.12  # periods; share of the brightest column
_OTHER_SITE = 0.15  # of a unit cell
_BOTH = 0.35  # of what one column of a pair lost, from which the other one lost its share as well
_NEGLIGIBLE = 0.03  # weight of pixels that a fit leaves out
_TRIMMED = 0.15  # of the values of a pixel at either end: columns that other defects changed

BETWEEN = "between"
"""Sublattice of a place at which the lattice has no column."""


@dataclass(frozen=True)
class SiteMeasurement:
    """A point defect, measured.

    Attributes
    ----------
    y_px, x_px : float
        Site in px of the image.
    intensity_ratio : float
        Integrated intensity relative to like columns: 0 for an empty column, above 1 for a
        brighter one; of an added column, relative to the brightest column of the cell.
    intensity_ratio_error : float
        Standard deviation of the same figure among like places, with the misfit of the columns.
    sublattice : str
        "A" for the brightest column of the unit cell, "B" for the next, and so on; "between" for
        a place without a column.
    """

    y_px: float
    x_px: float
    intensity_ratio: float
    intensity_ratio_error: float
    sublattice: str


def measure_site(
    pixels: NDArray[np.float32], cells: Sequence[UnitCell], position: tuple[float, float]
) -> SiteMeasurement | None:
    """Measure the point defect nearest to a position.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Intensities with bright columns.
    cells : sequence of UnitCell
        The lattices of the image; the one that fits the surroundings is used.
    position : (float, float)
        y and x in px, up to half a period from the defect.

    Returns
    -------
    SiteMeasurement or None
        None where no column differs significantly from its like, too few like places surround it,
        or its surroundings differ as well, as at a fault or a junction.
    """
    found = [_surroundings(pixels, cell, position) for cell in cells]
    usable = [each for each in found if each is not None]
    if not usable:
        return None
    return _measured(min(usable, key=lambda each: each.unlike), position)


@dataclass(frozen=True)
class _Surroundings:
    """The window at a place, those at like places, and their mean."""

    radius: int
    window: NDArray[np.float64]
    others: NDArray[np.float64]
    mean: NDArray[np.float64]
    period: float
    vectors: NDArray[np.float64]
    unlike: float


def _surroundings(
    pixels: NDArray[np.float32], cell: UnitCell, position: tuple[float, float]
) -> _Surroundings | None:
    """Return the windows at a place and at whole lattice vectors from it."""
    vectors = np.array(cell.vectors_px, float)
    period = float(np.hypot(*vectors.T).min())
    centre = np.rint(position)
    limits = np.array(pixels.shape) - 1
    for radius, repeats in _sizes(centre, limits, period):
        shifts = _pairs(centre, vectors, limits, radius, repeats)
        if len(shifts) >= _FEWEST:
            break
    else:
        return None
    around, local = _local(pixels, centre, shifts, radius)
    window, *others = spline_windows(around, np.vstack([local, local + shifts]), radius)
    kept, mean, unlike = _like(window, np.array(others), period)
    if len(kept) < _FEWEST:
        return None
    return _Surroundings(radius, window, kept, mean, period, vectors, unlike)


def _sizes(
    centre: NDArray[np.float64], limits: NDArray[np.intp], period: float
) -> Iterator[tuple[int, int]]:
    """Yield half widths of the windows and numbers of vectors, the preferred ones first."""
    room = int(np.concatenate([centre, limits - centre]).min())
    full, smallest = (max(4, round(share * period)) for share in (_WINDOW, _SMALLEST))
    if room >= full:
        yield full, _REPEATS
    for radius in range(min(full, room), smallest - 1, -1):
        yield radius, _REPEATS_AT_BORDER


def _pairs(
    centre: NDArray[np.float64],
    vectors: NDArray[np.float64],
    limits: NDArray[np.intp],
    radius: int,
    repeats: int,
) -> NDArray[np.float64]:
    """Return the lattice vectors (N, 2) in px to like places whose windows are in the image.

    Only with their opposites: a one-sided mean is shifted by strain and drift.
    """
    steps = np.arange(-repeats, repeats + 1)
    shifts = np.array([(i, j) for i in steps for j in steps if i or j]) @ vectors
    places = centre + shifts
    whole = np.all((places >= radius) & (places <= limits - radius), axis=1)
    paired: NDArray[np.float64] = shifts[whole & np.flip(whole)]
    return paired


def _local(
    pixels: NDArray[np.float32],
    centre: NDArray[np.float64],
    shifts: NDArray[np.float64],
    radius: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return spline coefficients of the part around a place, and where the place lies in it."""
    reach = np.abs(shifts).max(axis=0) + radius + 4
    low = np.maximum(np.floor(centre - reach), 0).astype(int)
    high = np.minimum(np.ceil(centre + reach) + 1, pixels.shape).astype(int)
    part = pixels[low[0] : high[0], low[1] : high[1]].astype(np.float64)
    coefficients: NDArray[np.float64] = ndimage.spline_filter(part, order=3, mode="nearest")
    return coefficients, centre - low


def _like(
    window: NDArray[np.float64], others: NDArray[np.float64], period: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the windows that agree with each other, their mean, and how unlike the place is.

    Each window gets the background of the place; changes of thickness cancel between opposite
    windows. Windows that are unlike the others show defects themselves.
    """
    radius = window.shape[0] // 2
    distance = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1])
    ring = (distance > _CORE * period) & (distance <= radius)
    grounds = np.median(others[:, ring], axis=1) - np.median(window[ring])
    even = others - grounds[:, None, None]
    ordered, count = np.sort(even, axis=0), len(even)  # quicker than numpy's median
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    deviation = np.sqrt(((even - median) ** 2).mean(axis=(1, 2)))
    kept = even[deviation <= _UNLIKE * np.median(deviation)]
    cut = int(_TRIMMED * len(kept))
    ordered = ordered if len(kept) == count else np.sort(kept, axis=0)
    mean = ordered[cut : len(kept) - cut].mean(axis=0)
    # Most of the ring: another defect in a part of it does not count.
    away = np.abs((np.concatenate([kept, window[None]]) - mean)[:, ring])
    *usual, own = np.percentile(away, 75, axis=1)
    return kept, mean, float(own / max(float(np.median(usual)), 1e-12))


def _measured(around: _Surroundings, position: tuple[float, float]) -> SiteMeasurement | None:
    if around.unlike > _UNLIKE:
        return None
    change = _strongest(around, np.array(position) - np.rint(position))
    columns = _columns(around)
    if change is None or not columns:
        return None
    nearest = min(columns, key=lambda each: np.hypot(each.y - change.y, each.x - change.x))
    reach = _SAME if change.height > 0 else _SAME_MISSING
    is_there = np.hypot(nearest.y - change.y, nearest.x - change.x) < reach * around.period
    if not is_there and change.height < 0:
        return None  # nothing can be missing where nothing is
    like = nearest if is_there else max(columns, key=lambda each: each.height)
    column = fit_peak(around.mean, like, ground=True)
    if column is None:
        return None
    site = change
    noise = float(np.std(around.window - around.mean, where=_ring(around)))
    # Of the centre of a Gaussian: noise per px over the height, times sqrt(2 / pi).
    uncertainty = 0.8 * noise / abs(change.height)
    apart = np.hypot(column.y - change.y, column.x - change.x)
    if is_there and change.height < 0 and apart < max(_AGREE_PX, _SIGNIFICANT * uncertainty):
        site = column  # the neighbours' lattice is more exact than the noise of one place
    if is_there and change.height < 0:
        site = _in_pair(around, column) or site
    ratio, error = _ratio(around, site, column, columns, 1.0 if is_there else 0.0)
    if not abs(ratio - is_there) > _SIGNIFICANT * error:
        return None
    y, x = np.rint(position)
    sublattice = _letter(nearest, columns, around) if is_there else BETWEEN
    return SiteMeasurement(float(y + site.y), float(x + site.x), ratio, error, sublattice)


def _in_pair(around: _Surroundings, column: Peak) -> Peak | None:
    """Return the site of what an unresolved pair of columns lost; None where it is no pair.

    That of one column, or the middle of both.
    """
    long = np.array(column.long_axis)
    short = column.sigma**2 / max(float(np.hypot(*long)), 1e-9)
    pair = fit_pair(around.mean, np.array([column.y, column.x]), long, short)
    if pair is None:
        return None
    lost = pair.lost(around.window - around.mean)
    is_both = lost.min() > _BOTH * lost.max()
    y, x = pair.middle if is_both else pair.places[int(lost.argmax())]
    return column._replace(y=float(y), x=float(x))


def _ring(around: _Surroundings) -> NDArray[np.bool_]:
    """Return the pixels of a window outside the core that a defect may change."""
    radius = around.radius
    distance = np.hypot(*np.mgrid[-radius : radius + 1, -radius : radius + 1])
    return np.asarray((distance > _CORE * around.period) & (distance <= radius))


def _strongest(around: _Surroundings, fraction: NDArray[np.float64]) -> Peak | None:
    """Return the strongest change near the position, fitted by a Gaussian."""
    difference = around.window - around.mean
    smooth = ndimage.gaussian_filter(difference, _COLUMN * around.period)
    radius = around.radius
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    near = np.hypot(y - fraction[0], x - fraction[1]) <= _REACH * around.period
    place = np.unravel_index(np.argmax(np.where(near, np.abs(smooth), -1)), smooth.shape)
    start = float(place[0] - radius), float(place[1] - radius)
    guess = Peak(*start, 1.5 * float(smooth[place]), _COLUMN * around.period)
    return fit_peak(difference, guess, ground=False)


def _columns(around: _Surroundings) -> list[Peak]:
    """Return the columns of the mean, to the pixel."""
    smooth = ndimage.gaussian_filter(around.mean, 0.5 * _COLUMN * around.period)
    size = max(3, 2 * round(_COLUMN * around.period) + 1)
    peaks = smooth == ndimage.maximum_filter(smooth, size)
    radius, floor = around.radius, float(np.percentile(around.mean, 10))
    found = []
    for y, x in np.argwhere(peaks) - radius:
        height = float(smooth[y + radius, x + radius]) - floor
        if height > 0:
            found.append(Peak(float(y), float(x), height, _COLUMN * around.period))
    highest = max((each.height for each in found), default=0.0)
    return [each for each in found if each.height >= _FAINTEST * highest]


def _ratio(
    around: _Surroundings, site: Peak, column: Peak, columns: Sequence[Peak], nominal: float
) -> tuple[float, float]:
    """Return the intensity at a site relative to like columns, and its standard deviation.

    All columns near the like one are fitted together, with one width and one ground, so that those
    that overlap do not count twice.
    """
    near = max(1.5, column.sigma)
    others = [p for p in columns if np.hypot(p.y - column.y, p.x - column.x) > near]
    height, sigma, misfit = _fitted_together(around, [column, *others])
    here = _bumps(around.radius, [site], sigma)[0]
    weight = here - here.mean()
    full = height * float((weight * here).sum())

    # Robust, because some of the neighbours may be defects; each is part of the mean.
    count = len(around.others)
    changes = ((around.others - around.mean) * weight).sum(axis=(1, 2)) / full
    scatter = 1.4826 * np.median(np.abs(changes - np.median(changes)))
    scatter *= np.sqrt(count / (count - 1))
    found = float((weight * (around.window - around.mean)).sum()) / full
    error = np.hypot(scatter * np.sqrt(1 + 1 / count), found * misfit / height)
    return nominal + found, float(error)


def _fitted_together(around: _Surroundings, columns: Sequence[Peak]) -> tuple[float, float, float]:
    """Return the height of the first of some columns, their width, and the misfit, px and units."""
    radius = around.radius
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    apart = (y - columns[0].y) ** 2 + (x - columns[0].x) ** 2
    weight = np.exp(-apart / (4 * (_TOGETHER * around.period) ** 2)).ravel()
    best = (columns[0].height, columns[0].sigma, np.inf)
    used = np.flatnonzero(weight > _NEGLIGIBLE)
    weight, target = weight[used], around.mean.ravel()[used]
    for sigma in np.geomspace(0.09, 0.32, 8) * around.period:
        columns_and_ground = [*_bumps(radius, columns, sigma).reshape(len(columns), -1)[:, used]]
        design = np.array([*columns_and_ground, np.ones(used.size)]) * weight
        heights = np.linalg.lstsq(design @ design.T, design @ (weight * target), rcond=None)[0]
        left = weight * target - heights @ design
        misfit = float(np.sqrt((left**2).sum() / (weight**2).sum()))
        if misfit < best[2] and heights[0] > 0:
            best = float(heights[0]), float(sigma), misfit
    return best if np.isfinite(best[2]) else (best[0], best[1], 0.5 * best[0])


def _bumps(radius: int, places: Sequence[Peak], sigma: float) -> NDArray[np.float64]:
    """Return a Gaussian of height 1 at each place, shape (N, Y, X)."""
    offsets = np.arange(-radius, radius + 1)
    down = np.exp(-((offsets - np.array([[p.y] for p in places])) ** 2) / (2 * sigma**2))
    across = np.exp(-((offsets - np.array([[p.x] for p in places])) ** 2) / (2 * sigma**2))
    return np.asarray(down[:, :, None] * across[:, None, :])


def _letter(column: Peak, columns: Sequence[Peak], around: _Surroundings) -> str:
    """Return the letter of a column among those of the unit cell, the brightest is "A"."""
    inverse = np.linalg.inv(around.vectors)
    distinct = [column]
    for each in sorted(columns, key=lambda each: np.hypot(each.y, each.x)):
        cells = [np.array([each.y - o.y, each.x - o.x]) @ inverse for o in distinct]
        if all(np.abs(cell - np.rint(cell)).max() > _OTHER_SITE for cell in cells):
            distinct.append(each)
    return chr(ord("A") + sum(each.height > column.height for each in distinct))
