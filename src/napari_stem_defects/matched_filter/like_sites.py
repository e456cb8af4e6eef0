"""Point defects against the like sites of their image: the places where the lattice shows the same.

The lattice residual compares a column with what its neighbours predict. Where several of these
are defects themselves, they predict little of it, and each looks less like one. Here, a column is
compared with the median of all like sites instead, wherever these lie. They are the maxima of the
correlation of the predicted image, which shows the lattice without noise, with the surroundings of
the clicks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_stem_defects.matched_filter.observer import hotelling_observer
from napari_stem_defects.matched_filter.similarity import local_correlation
from napari_stem_defects.matched_filter.templates import Reach, cuts_at, gaussian_weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

# Standard deviations of the Gaussian weights in lattice periods.
_AROUND, _CHANGE = Reach(0.8, 0.0), Reach(0.35, 0.0)
_SMOOTHING = 0.1
"""Of the lattice residual, see `anomaly.residual`."""
_LIKE = 0.5
"""Correlation of the surroundings from which a place may be a like site."""
_APART, _AT = 0.4, 0.35
"""In periods: half the edge of the square in which a site has the highest correlation, and radius
within which a place belongs to it."""
_TEMPLATES = 0.3
"""Weight of the similarity to templates beside the response at like sites."""
_LEAST_UNIT = 0.1
"""Of the response of an observer to its own change, which is 1 before both are turned."""
_FALL = 0.3
"""Share of the response of a site by which it is less at the rim of the site, so that neighbours do
not join."""
_NEAR = 0.2
"""Median distance of the clicks from their sites, in periods, up to which they are at sites."""
_AGREE = 0.4
"""Median correlation of the surroundings of a click with those of the others from which the clicks
are at one kind of site."""
_SAME = 0.03
"""An orientation is shown where its correlation is less than the highest by no more than this."""
_FEWEST = 20
_MOST = 5000
"""Sites from which the median is taken."""
_CHUNK = 2000
"""Sites that are cut at once."""
_ROUNDS, _AVERAGED = 2, 400
"""Rounds in which the surroundings are averaged over so many sites of each image."""


class SiteFilter(NamedTuple):
    """What distinguishes a point defect from the like sites of its image.

    Attributes
    ----------
    around : ndarray of float32, shape (a, a)
        What the lattice shows around a site; a is odd.
    change : ndarray of float32, shape (c, c)
        What a defect changes in the filtered image; c is odd.
    observer : ndarray of float32, shape (c, c), or None
        By whose inner product with what a site shows the change is seen, see
        `observer.hotelling_observer`. Models of earlier versions have none: the similarity of the
        change is averaged with that to the templates.
    """

    around: NDArray[np.float32]
    change: NDArray[np.float32]
    observer: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class ImagePart:
    """A part of an image.

    Attributes
    ----------
    filtered, predicted : ndarray of float32, shape (Y, X)
        The filtered image, and the same without what its lattice does not predict.
    samples : float
        Samples per length unit.
    """

    filtered: NDArray[np.float32]
    predicted: NDArray[np.float32]
    samples: float


def image_part(
    residual: LatticeResidual, part: tuple[slice, slice], values: NDArray[np.float32]
) -> ImagePart:
    """Return a part of an image with its prediction.

    Parameters
    ----------
    residual : LatticeResidual
    part : (slice, slice)
        Rows and columns, inside the image.
    values : ndarray of float32, shape (Y, X)
        The residual there, in multiples of its spread.

    Returns
    -------
    ImagePart
    """
    samples = residual.sampled.samples
    filtered = np.asarray(residual.sampled.filtered[part], np.float32)
    smooth = ndimage.gaussian_filter(filtered, _SMOOTHING * samples)
    predicted = smooth - np.float32(residual.spread) * values
    return ImagePart(filtered, predicted, samples)


def filter_edges(samples: float) -> tuple[int, int, int]:
    """Return the edges of the patterns of a site filter.

    Parameters
    ----------
    samples : float
        Samples per length unit.

    Returns
    -------
    around, change, observer : int
        In samples, all odd.
    """
    around, change = (gaussian_weight(samples, reach).shape[0] for reach in (_AROUND, _CHANGE))
    return around, change, change


def learn_sites(
    parts: Iterable[ImagePart], positions: Sequence[NDArray[np.float64]], samples: float
) -> SiteFilter | None:
    """Learn what clicks change at the sites of a lattice.

    Parameters
    ----------
    parts : iterable of ImagePart
        The images with clicks, or parts of them. It is gone through several times, and no part
        is kept, so that it may compute each only when it is taken.
    positions : sequence of ndarray of float, shape (N, 2)
        y and x of the clicked defects in each image, in samples; at least one.
    samples : float
        Samples per length unit.

    Returns
    -------
    SiteFilter or None
        None where the clicks are not at one kind of site, or there are too few of it.
    """
    weight = gaussian_weight(samples, _AROUND)
    radius = weight.shape[0] // 2
    clicked = zip(parts, positions, strict=True)
    patterns = np.concatenate([cuts_at(part.predicted, at, radius) for part, at in clicked])
    if not _agree(patterns, weight):
        return None
    around = patterns.mean(axis=0)
    for _ in range(_ROUNDS):
        windows = np.concatenate([_surroundings(part, around, weight) for part in parts])
        if len(windows) < _FEWEST:
            return None
        around = windows.mean(axis=0)
    changes, away, shown = [], [], []
    for part, at in zip(parts, positions, strict=True):
        sites = _sites(part, around, weight)[0]
        if len(sites) < _FEWEST:
            return None
        apart, nearest = cKDTree(sites).query(at)
        away.append(apart)
        usual = _usual(part, sites)
        changes.append(_cuts(part, sites[nearest]) - usual)
        shown.append(_cuts(part, _evenly(sites, _MOST)) - usual)
    if float(np.median(np.concatenate(away))) > _NEAR * samples:
        return None
    at_clicks = np.concatenate(changes)
    change, weight = at_clicks.mean(axis=0), gaussian_weight(samples, _CHANGE)
    observer = hotelling_observer(np.concatenate(shown), change, weight, len(at_clicks))
    return SiteFilter(around.astype(np.float32), change.astype(np.float32), observer)


def with_sites(
    similar: NDArray[np.float32], part: ImagePart, filters: Sequence[SiteFilter]
) -> NDArray[np.float32] | None:
    """Return how much every place is like a class, compared with the like sites of its image.

    Parameters
    ----------
    similar : ndarray of float32, shape (Y, X)
        Similarity to the templates of a class.
    part : ImagePart
        The same part of the image.
    filters : sequence of SiteFilter
        Of the class, one for each orientation in which the image may show it.

    Returns
    -------
    ndarray of float32, shape (Y, X), or None
        At like sites a mean with the response to the change, 1 for the like of the class; elsewhere
        half the similarity. None where the part shows fewer of these than are needed to know what
        is usual.
    """
    weight = gaussian_weight(part.samples, _AROUND)
    recognised = [(each, *_sites(part, each.around, weight)) for each in filters]
    enough = [
        (each, sites, float(np.median(like)))
        for each, sites, like in recognised
        if len(sites) >= _FEWEST
    ]
    if not enough:
        return None
    most = max(like for _, _, like in enough)
    painted = np.full_like(similar, -np.inf)
    is_earlier = enough[0][0].observer is None
    fall = 0.0 if is_earlier else _FALL
    for each, sites, like in enough:
        if like >= most - _SAME:
            score = _response(part, sites, each)
            # A stronger change is like the class, too, but not more like it.
            score = score if is_earlier else np.minimum(score, 1)
            _paint(painted, sites, score, _AT * part.samples, fall)
    if is_earlier:
        return np.asarray((similar + np.maximum(painted, 0)) / 2, np.float32)
    both = (1 - _TEMPLATES) * painted + _TEMPLATES * similar
    return np.where(np.isfinite(painted), both, similar / 2).astype(np.float32)


def site_response(patch: NDArray[np.float32], samples: float, site: SiteFilter) -> float:
    """Return what a site filter yields for a patch, whatever the patch shows.

    Parameters
    ----------
    patch : ndarray of float32, shape (Y, X)
        Taken for a part of an image, with a site in every lattice period.
    samples : float
        Samples per length unit.
    site : SiteFilter

    Returns
    -------
    float
        Highest correlation with the surroundings, plus highest similarity to the change, plus
        highest response of the observer.
    """
    like = local_correlation(patch, site.around, gaussian_weight(samples, _AROUND))
    step = max(1, round(samples))
    places = np.mgrid[0 : patch.shape[0] : step, 0 : patch.shape[1] : step]
    sites = places.reshape(2, -1).T.astype(np.float64)
    part = ImagePart(patch, patch, samples)
    found = float(like.max()) + float(_similarity(part, sites, site.change).max())
    return found if site.observer is None else found + float(_response(part, sites, site).max())


def _agree(patterns: NDArray[np.float32], weight: NDArray[np.float32]) -> bool:
    """Return whether most patterns (N, a, a) correlate with the mean of the others."""
    if len(patterns) == 1:
        return True
    means = (weight * patterns).sum(axis=(1, 2), keepdims=True)
    even = (patterns - means) * np.sqrt(weight)
    others = (even.sum(axis=0) - even) / (len(even) - 1)
    product = (even * others).sum(axis=(1, 2))
    powers = np.square(even).sum(axis=(1, 2)) * np.square(others).sum(axis=(1, 2))
    return bool(np.median(product / np.sqrt(powers + 1e-12)) >= _AGREE)


def _sites(
    part: ImagePart, around: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the like sites (N, 2) of a part, and the correlation of their surroundings (N)."""
    like = local_correlation(part.predicted, around, weight)
    size = 2 * round(_APART * part.samples) + 1
    top = (like == ndimage.maximum_filter(like, size)) & (like > _LIKE)
    places = np.argwhere(top)
    padded = np.pad(like, 1, mode="edge")
    y, x = (places + 1).T
    here = padded[y, x]
    offsets = []
    for before, after in (
        (padded[y - 1, x], padded[y + 1, x]),
        (padded[y, x - 1], padded[y, x + 1]),
    ):
        # The vertex of the parabola through three values.
        bend = np.minimum(before - 2 * here + after, -1e-6)
        offsets.append(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
    return places + np.stack(offsets, axis=1), here


def _surroundings(
    part: ImagePart, around: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what the lattice shows around some of the like sites of a part, (N, a, a)."""
    sites = _evenly(_sites(part, around, weight)[0], _AVERAGED)
    return cuts_at(part.predicted, sites, weight.shape[0] // 2)


def _evenly(sites: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """Return all sites, or as many as stated, evenly spaced in their order."""
    chosen = np.linspace(0, len(sites) - 1, min(len(sites), most)).astype(int)
    return np.asarray(sites[chosen])


def _cuts(part: ImagePart, sites: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what the filtered image shows at sites, (N, c, c)."""
    return cuts_at(part.filtered, sites, filter_edges(part.samples)[1] // 2)


def _usual(part: ImagePart, sites: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the median of what the filtered image shows at sites, (c, c)."""
    return np.asarray(np.median(_cuts(part, _evenly(sites, _MOST)), axis=0), np.float32)


def _response(part: ImagePart, sites: NDArray[np.float64], site: SiteFilter) -> NDArray[np.float32]:
    """Return the response (N) of the observer to each site: 0 for a usual one, 1 for a defect."""
    if site.observer is None:
        return _similarity(part, sites, site.change)
    usual = _usual(part, sites)
    # 1, but for turned patterns.
    unit = max(float((site.observer * site.change).sum()), _LEAST_UNIT)
    found = np.empty(len(sites), np.float32)
    for chunk in _chunks(len(sites)):
        found[chunk] = ((_cuts(part, sites[chunk]) - usual) * site.observer).sum(axis=(1, 2)) / unit
    return found


def _similarity(
    part: ImagePart, sites: NDArray[np.float64], change: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how similar the change at each site is to that of a defect, without an observer.

    As for templates, see `matched_filter.similarity`: 1 for the like of the defect, less for a
    strong change of another kind.
    """
    weight, usual = gaussian_weight(part.samples, _CHANGE), _usual(part, sites)
    product, powers = np.empty((2, len(sites)), np.float32)
    for chunk in _chunks(len(sites)):
        found = _cuts(part, sites[chunk]) - usual
        product[chunk] = (weight * found * change).sum(axis=(1, 2))
        powers[chunk] = (weight * np.square(found)).sum(axis=(1, 2))
    power = max(float((weight * np.square(change)).sum()), 1e-12)
    excess = np.maximum(powers - np.median(powers), power)
    return np.asarray(product / np.sqrt(power * excess), np.float32)


def _paint(
    painted: NDArray[np.float32],
    sites: NDArray[np.float64],
    score: NDArray[np.float32],
    radius: float,
    fall: float,
) -> None:
    """Raise a map, in place, to the score of each site, which falls by a share up to a radius."""
    reach = int(np.ceil(radius)) + 1
    steps = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    for chunk in _chunks(len(sites)):
        centres = sites[chunk, None]
        places = np.rint(centres).astype(int) + steps
        away = np.hypot(*(places - centres).transpose(2, 0, 1))
        near = away <= radius
        near &= np.all((places >= 0) & (places < painted.shape), axis=2)
        y, x = places[near].T
        falling = score[chunk, None] * (1 - fall * (away / radius) ** 2)
        np.maximum.at(painted, (y, x), falling[near].astype(np.float32))


def _chunks(count: int) -> Iterator[slice]:
    """Yield slices of so many sites that their windows need little memory."""
    for first in range(0, count, _CHUNK):
        yield slice(first, first + _CHUNK)
