"""Measurement of a point defect against the like places of its lattice.

The difference of its window to the mean of like places (`lattice.site_surroundings`) is the defect.
Where a column is missing or weaker, its site is that of the
column in the mean, that is of its neighbours' lattice; where one was added, the site is that of the
difference. Both are 2-D Gaussian fits. The intensity is that at the site by least squares, relative
to the column of the mean, or, where the mean has none, to the brightest column of the cell; its
error is the scatter of the same figure among the neighbours, which contains noise and natural
variation, and the misfit of the columns of the mean. Two columns that are not resolved are fitted
together (`lattice.column_pair`): a defect of both is in their middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.column_pair import ColumnPair, fit_pair
from napari_stem_defects.lattice.gaussian_peak import Peak, fit_peak
from napari_stem_defects.lattice.lost_columns import measure_loss
from napari_stem_defects.lattice.site_surroundings import UNLIKE, surroundings_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.site_surroundings import Surroundings
    from napari_stem_defects.lattice.unit_cell import UnitCell

    # Like places of a window, its strongest change, and the columns of the mean.
    _Seen = tuple[Surroundings, Peak, Sequence[Peak]]
# In lattice periods: distance of the site from the given position, size of a column until fitted.
_REACH, _COLUMN = 0.55, 0.13
_SIGNIFICANT = 3.0  # standard deviations of the neighbours
_IMPOSSIBLE = 2.5  # the same, from which a column cannot have lost more than it had
# Periods between a change and the column of the mean that it changes; of unresolved pairs, only the
# brighter column is a peak of the mean.
_SAME, _SAME_MISSING = 0.18, 0.3
_AGREE_PX = 0.12  # distance at which a change and a column of the mean are at the same place
_TOGETHER, _FAINTEST = 0.45, 0.12  # periods; share of the brightest column
_AS_BRIGHT = 0.85  # of the brightest column
_WIDTHS = 1.0, 1.5  # of a column, where a fit starts
_OTHER_SITE = 0.15  # of a unit cell
_CROWDED = 4.0  # standard deviations of the probe from a pair up to which columns overlap it
_BOTH = 0.35  # of what one column of a pair lost, from which the other one lost its share as well
_CLOSE = 0.55  # periods between two columns of which a change takes one or both
_NEGLIGIBLE = 0.03  # weight of pixels that a fit leaves out

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
    seen = _seen(pixels, cells, position)
    found = None if seen is None else _among_columns(seen) or _by_itself(seen)
    if found is None:
        return None
    y, x = np.rint(position) + found.site
    return SiteMeasurement(float(y), float(x), found.ratio, found.error, found.sublattice)


def find_site(
    pixels: NDArray[np.float32], cells: Sequence[UnitCell], position: tuple[float, float]
) -> tuple[float, float] | None:
    """Return about where the point defect nearest to a position is, in half of the time.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Intensities with bright columns.
    cells : sequence of UnitCell
        The lattices of the image.
    position : (float, float)
        y and x in px, up to half a period from the defect.

    Returns
    -------
    (float, float) or None
        y and x in px; None as of `measure_site`, and where columns crowd so much that a missing one
        is no peak of its own.
    """
    seen = _seen(pixels, cells, position)
    found = None if seen is None else _by_itself(seen)
    if found is None:
        return None
    y, x = np.rint(position) + found.site
    return float(y), float(x)


class _Found(NamedTuple):
    """A point defect in its window."""

    site: tuple[float, float]
    ratio: float
    error: float
    sublattice: str


def _seen(
    pixels: NDArray[np.float32], cells: Sequence[UnitCell], position: tuple[float, float]
) -> _Seen | None:
    """Return what the best lattice repeats around a place and what differs, None without either."""
    every = (surroundings_of(pixels, cell, position) for cell in cells)
    usable = (each for each in every if each is not None and each.unlike <= UNLIKE)
    around = min(usable, key=lambda each: each.unlike, default=None)
    if around is None:
        return None
    change = _strongest(around, np.array(position) - np.rint(position))
    return None if change is None else (around, change, _columns(around))


def _by_itself(seen: _Seen) -> _Found | None:
    """Return a defect measured at its column, and at those that are seen to overlap it."""
    around, change, columns = seen
    if not columns:
        return None
    nearest = min(columns, key=lambda each: np.hypot(each.y - change.y, each.x - change.x))
    reach = _SAME if change.height > 0 else _SAME_MISSING
    is_there = np.hypot(nearest.y - change.y, nearest.x - change.x) < reach * around.period
    if not is_there and change.height < 0:
        return None  # nothing can be missing where nothing is
    column = _fitted(around.mean, nearest, ground=True) if is_there else _brightest(around, columns)
    if column is None:
        return None
    pair = _pair(around, column, columns, change) if is_there and change.height < 0 else None
    site, ratio, error = (
        _in_pair(around, pair, columns)
        if pair
        else _in_column(around, change, column, columns, is_there)
    )
    if not abs(ratio - is_there) > _SIGNIFICANT * error:
        return None
    sublattice = _letter(nearest, columns, around) if is_there else BETWEEN
    return _Found(site, ratio, error, sublattice)


def _among_columns(seen: _Seen) -> _Found | None:
    """Return a missing or weaker column measured with all columns of the cell at once.

    None for other defects, and where these columns cannot be distinguished.
    """
    around, change, columns = seen
    if change.height > 0:
        return None
    peaks = [(each.y, each.x) for each in columns]
    loss = measure_loss(around, (change.y, change.x), peaks)
    if loss is None:
        return None
    error = float(np.hypot(_scatter(around, loss.shares), loss.error))
    if not _SIGNIFICANT * error < loss.share < 1 + _IMPOSSIBLE * error:
        return None  # nothing, or more than the column has: then it is another one
    return _Found((loss.y, loss.x), 1 - loss.share, error, chr(ord("A") + loss.rank))


def _in_column(
    around: Surroundings, change: Peak, column: Peak, columns: Sequence[Peak], is_there: bool
) -> tuple[tuple[float, float], float, float]:
    """Return the site of a change, the ratio to a like column there, and its standard deviation."""
    site = change
    noise = float(np.std(around.window - around.mean, where=around.ring))
    # Of the centre of a Gaussian: noise per px over the height, times sqrt(2 / pi).
    uncertainty = 0.8 * noise / abs(change.height)
    apart = np.hypot(column.y - change.y, column.x - change.x)
    if is_there and change.height < 0 and apart < max(_AGREE_PX, _SIGNIFICANT * uncertainty):
        site = column  # the neighbours' lattice is more exact than the noise of one place
    ratio, error = _ratio(around, site, column, columns, 1.0 if is_there else 0.0)
    return (site.y, site.x), ratio, error


def _pair(
    around: Surroundings, column: Peak, columns: Sequence[Peak], change: Peak
) -> ColumnPair | None:
    """Return the two columns that a change may have taken together; None where it is one.

    Those of one elongated peak of the mean, or two peaks close to each other.
    """
    long = np.array(column.long_axis)
    short = column.sigma**2 / max(float(np.hypot(*long)), 1e-9)
    unresolved = fit_pair(around.mean, np.array([column.y, column.x]), long, short)
    if unresolved is not None or len(columns) < 2:
        return unresolved
    centre = np.array([change.y, change.x])
    places = np.array([(each.y, each.x) for each in columns])
    first, second = places[np.argsort(np.hypot(*(places - centre).T))[:2]]
    middle, half = (first + second) / 2, (first - second) / 2
    short, apart = _COLUMN * around.period, float(np.hypot(*half))
    if 2 * apart > _CLOSE * around.period:
        return None
    return fit_pair(around.mean, middle, half * float(np.hypot(short, apart)) / apart, short)


def _in_pair(
    around: Surroundings, pair: ColumnPair, columns: Sequence[Peak]
) -> tuple[tuple[float, float], float, float]:
    """Return the site of what a pair of columns lost, what is left there, and its deviation.

    That of one column, or the middle of both.
    """
    heights, misfit = _pair_heights(around, pair, columns)
    changes = np.concatenate([around.window[None], around.others]) - around.mean
    every = pair.lost(changes) * pair.heights / heights
    lost = every[0]
    if lost.min() > _BOTH * lost.max():
        shares, (y, x) = heights / heights.sum(), pair.middle
    else:
        shares, (y, x) = np.eye(2)[lost.argmax()], pair.places[lost.argmax()]
    found, *others = every @ shares
    error = np.hypot(_scatter(around, np.array(others)), found * misfit)
    return (float(y), float(x)), float(1 - found), float(error)


def _pair_heights(
    around: Surroundings, pair: ColumnPair, columns: Sequence[Peak]
) -> tuple[NDArray[np.float64], float]:
    """Return the heights of a pair among all columns near it, and the relative misfit.

    By itself, a pair takes the tails of columns that crowd around it for its ground.
    """
    own = [Peak(float(y), float(x), 1.0, pair.sigma) for y, x in pair.places]
    places = np.array([*pair.places, pair.middle])
    near = max(1.5, 1.5 * pair.sigma)
    away = np.array([np.hypot(*(places - (p.y, p.x)).T).min() for p in columns])
    others = [p for p, distance in zip(columns, away, strict=True) if distance > near]
    if away[away > near].min(initial=np.inf) > _CROWDED * pair.sigma:
        return pair.heights, pair.misfit
    radius = around.radius
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    apart = (y - pair.middle[0]) ** 2 + (x - pair.middle[1]) ** 2
    weight = np.exp(-apart / (4 * (_TOGETHER * around.period) ** 2)).ravel()
    used = np.flatnonzero(weight > _NEGLIGIBLE)
    bumps = _bumps(radius, [*own, *others], pair.sigma).reshape(2 + len(others), -1)[:, used]
    design = np.array([*bumps, np.ones(used.size)]) * weight[used]
    target = weight[used] * around.mean.ravel()[used]
    found, *_ = np.linalg.lstsq(design.T, target, rcond=None)
    heights = found[:2]
    if heights.min() <= 0:
        return pair.heights, pair.misfit
    left = target - found @ design
    misfit = float(np.sqrt((left**2).sum() / (weight[used] ** 2).sum()))
    return heights, misfit / float(heights.max())


def _strongest(around: Surroundings, fraction: NDArray[np.float64]) -> Peak | None:
    """Return the strongest change near the position, fitted by a Gaussian."""
    difference = around.window - around.mean
    smooth = ndimage.gaussian_filter(difference, _COLUMN * around.period)
    radius = around.radius
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    near = np.hypot(y - fraction[0], x - fraction[1]) <= _REACH * around.period
    place = np.unravel_index(np.argmax(np.where(near, np.abs(smooth), -1)), smooth.shape)
    start = float(place[0] - radius), float(place[1] - radius)
    guess = Peak(*start, 1.5 * float(smooth[place]), _COLUMN * around.period)
    return _fitted(difference, guess, ground=False)


def _fitted(image: NDArray[np.float64], guess: Peak, *, ground: bool) -> Peak | None:
    """Return the Gaussian near a guess; two columns together are too wide for the first start."""
    tries = (fit_peak(image, guess._replace(sigma=w * guess.sigma), ground=ground) for w in _WIDTHS)
    return next((each for each in tries if each is not None), None)


def _brightest(around: Surroundings, columns: Sequence[Peak]) -> Peak | None:
    """Return the column of the mean that is as bright as any, the most central one that fits."""
    highest = max(each.height for each in columns)
    alike = [each for each in columns if each.height >= _AS_BRIGHT * highest]
    alike.sort(key=lambda each: np.hypot(each.y, each.x))
    fits = (_fitted(around.mean, each, ground=True) for each in alike)
    return next((each for each in fits if each is not None), None)


def _columns(around: Surroundings) -> list[Peak]:
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
    around: Surroundings, site: Peak, column: Peak, columns: Sequence[Peak], nominal: float
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
    changes = ((around.others - around.mean) * weight).sum(axis=(1, 2)) / full
    found = float((weight * (around.window - around.mean)).sum()) / full
    error = np.hypot(_scatter(around, changes), found * misfit / height)
    return nominal + found, float(error)


def _scatter(around: Surroundings, changes: NDArray[np.float64]) -> float:
    """Return the standard deviation of a figure of the place, from that of the like places.

    Robust, because some of the neighbours may be defects; each is part of the mean.
    """
    count = len(changes)
    scatter = 1.4826 * np.median(np.abs(changes - np.median(changes)))
    return float(scatter * np.sqrt(count / (count - 1) * (1 + around.leverage)))


def _fitted_together(around: Surroundings, columns: Sequence[Peak]) -> tuple[float, float, float]:
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


def _letter(column: Peak, columns: Sequence[Peak], around: Surroundings) -> str:
    """Return the letter of a column among those of the unit cell, the brightest is "A"."""
    inverse = np.linalg.inv(around.vectors)
    distinct = [column]
    for each in sorted(columns, key=lambda each: np.hypot(each.y, each.x)):
        cells = [np.array([each.y - o.y, each.x - o.x]) @ inverse for o in distinct]
        if all(np.abs(cell - np.rint(cell)).max() > _OTHER_SITE for cell in cells):
            distinct.append(each)
    return chr(ord("A") + sum(each.height > column.height for each in distinct))
