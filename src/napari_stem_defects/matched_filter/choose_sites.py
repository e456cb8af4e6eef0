"""Whether the like sites of its images separate a point class from the rest better.

Where templates leave a gap between defects and crystal, they are enough. Where they do not, as
for defects that are dense or faint, the comparison with like sites is taken if it agrees with them
on most places: it is the more exact one then. Where it does not agree, what is clicked is at no
site, or there is something else at like sites, as columns along a fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.matched_filter.like_sites import (
    ImagePart,
    SiteFilter,
    image_part,
    learn_sites,
    with_sites,
)
from napari_stem_defects.matched_filter.thresholds import (
    AT_SITES,
    IN_ANOTHER_IMAGE,
    point_threshold,
    share_near,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

_NEAR_THRESHOLD = 0.02
"""Share of places near the threshold of the templates from which like sites may be better."""
_AGREE, _AS_CLEAR = 0.65, 1.2
"""Share of the places, found by templates or with like sites, whichever are more, on which both
agree; share near the threshold with like sites, at most, in units of that of templates."""
_NO_GAP, _GAP, _CLICKS = 0.5, 0.5, 3
"""Share of places near the threshold from which templates leave no gap at all, so that no agreement
with them is needed; part of it to which like sites must reduce it, and clicks that this takes: a
single one fits what it was made of."""
_SEVERAL, _MOST_CLICKS, _FEW_PLACES = 5, 0.75, 0.1
"""Clicks, share of them that are found, and share of all places that are, by which like sites may
rescue a class whose templates are noise. Of as many clicks on perfect columns of eight simulated
crystals, those that share most are found among a quarter of all places."""
_LOST = 0.05
"""Share of the clicks that may be lost: one of twenty is chance."""
_CROWD = 10
"""Places that like sites must find where templates find nothing but noise."""
_LARGE, _TILE = 2048 * 2048, 512
"""Images of more samples are represented by as many in tiles of this edge that hold clicks."""


class ClickedImage(NamedTuple):
    """An image with clicks of a class.

    Attributes
    ----------
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X)
        The whole residual.
    similar : ndarray of float32, shape (Y, X)
        Its similarity to the templates of the class.
    clicks : ndarray of float, shape (N, 2)
        y and x of the clicked defects; at least one.
    peaks : ndarray of float, shape (N, 2)
        The places near them that are most similar to the templates.
    """

    residual: LatticeResidual
    values: NDArray[np.float32]
    similar: NDArray[np.float32]
    clicks: NDArray[np.float64]
    peaks: NDArray[np.float64]


class _Tile(NamedTuple):
    """A part of an image, with the clicks and peaks in it (N, 2) from its corner."""

    image: ClickedImage
    box: tuple[slice, slice]
    clicks: NDArray[np.float64]
    peaks: NDArray[np.float64]

    @property
    def similar(self) -> NDArray[np.float32]:
        return self.image.similar[self.box]

    def part(self) -> ImagePart:
        return image_part(self.image.residual, self.box, self.image.values[self.box])


class _Parts:
    """The tiles, each computed when it is taken: those of a stack need not fit into memory."""

    def __init__(self, tiles: Sequence[_Tile]) -> None:
        self._tiles = tiles

    def __iter__(self) -> Iterator[ImagePart]:
        return (tile.part() for tile in self._tiles)


def choose_sites(
    images: Sequence[ClickedImage],
    heights: NDArray[np.float32],
    threshold: float,
    radius: float,
    *,
    needed: bool = False,
    by_noise: bool = False,
) -> tuple[SiteFilter, float] | None:
    """Return a site filter and the threshold with it, where it is better than templates alone.

    Parameters
    ----------
    images : sequence of ClickedImage
        At least one.
    heights : ndarray of float32, shape (M,)
        Similarity to the templates at the local maxima of all images.
    threshold : float
        Of that similarity.
    radius : float
        In samples, see `similarity.local_maxima`.
    needed : bool
        Whether templates alone do not find the class, so that like sites must leave a gap, but need
        not agree with them.
    by_noise : bool
        Whether the templates are noise, so that like sites need not find all clicks that these do.

    Returns
    -------
    (SiteFilter, float) or None
    """
    if not needed and share_near(heights, threshold) < _NEAR_THRESHOLD:
        return None
    tiles = [tile for image in images for tile in _tiles(image)]
    samples = images[0].residual.sampled.samples
    learned = learn_sites(_Parts(tiles), [tile.peaks for tile in tiles], samples)
    if learned is None:  # the templates may be noise, so that their peaks are anywhere
        learned = learn_sites(_Parts(tiles), [tile.clicks for tile in tiles], samples)
    if learned is None:
        return None
    alone, both = [], []
    for tile in tiles:
        combined = with_sites(tile.similar, tile.part(), (learned,))
        if combined is None:
            return None
        alone.append(_Maxima.of(tile.similar, combined, tile.peaks, radius))
        both.append(_Maxima.of(combined, tile.similar, tile.peaks, radius))
    before, after = _Maxima.joined(alone), _Maxima.joined(both)
    raised = point_threshold(after.heights, AT_SITES, IN_ANOTHER_IMAGE)
    if needed:
        is_better = _are_clear(after, raised) or (by_noise and _are_selective(after, raised))
    else:
        is_better = _agree(before, threshold, after, raised) or _leaves_a_gap(
            before, threshold, after, raised
        )
    if not is_better:
        return None
    clicks = len(after.at_clicks)
    least = clicks / 2
    if not by_noise:
        least = max(before.found(threshold) - int(_LOST * clicks), least)
    return (learned, raised) if after.found(raised) >= least else None


def _are_clear(after: _Maxima, raised: float) -> bool:
    """Return whether like sites leave a gap below many places."""
    crowd = int((after.heights > raised).sum()) >= _CROWD
    return crowd and share_near(after.heights, raised) < _NEAR_THRESHOLD


def _are_selective(after: _Maxima, raised: float) -> bool:
    """Return whether like sites find most of several clicks, but few of all places."""
    clicks, places = len(after.at_clicks), len(after.heights)
    found = after.found(raised) >= _MOST_CLICKS * clicks
    few = int((after.heights > raised).sum()) <= _FEW_PLACES * places
    return clicks >= _SEVERAL and found and few


def _agree(before: _Maxima, threshold: float, after: _Maxima, raised: float) -> bool:
    """Return whether two similarities find mostly the same places, the second as clearly."""
    old, new = share_near(before.heights, threshold), share_near(after.heights, raised)
    if new > _AS_CLEAR * old:
        return False
    found = before.heights > threshold
    common = int((found & (before.others > raised)).sum())
    return common >= _AGREE * max(int(found.sum()), int((after.heights > raised).sum()))


def _leaves_a_gap(before: _Maxima, threshold: float, after: _Maxima, raised: float) -> bool:
    """Return whether like sites separate what templates do not separate at all."""
    old, new = share_near(before.heights, threshold), share_near(after.heights, raised)
    return old >= _NO_GAP and new < _GAP * old and len(after.at_clicks) >= _CLICKS


class _Maxima(NamedTuple):
    """Local maxima of a similarity, with that of another one there, and the highest at each click.

    ``heights`` and ``others`` have shape (M,), ``at_clicks`` (N,).
    """

    heights: NDArray[np.float32]
    others: NDArray[np.float32]
    at_clicks: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        similar: NDArray[np.float32],
        other: NDArray[np.float32],
        positions: NDArray[np.float64],
        radius: float,
    ) -> _Maxima:
        y, x = np.rint(positions).astype(int).T
        highest, near = (
            ndimage.maximum_filter(each, 2 * round(radius) + 1) for each in (similar, other)
        )
        top = similar == highest
        return cls(similar[top], near[top], highest[y, x])

    @classmethod
    def joined(cls, every: Sequence[_Maxima]) -> _Maxima:
        return cls(*(np.concatenate(arrays) for arrays in zip(*every, strict=True)))

    def found(self, limit: float) -> int:
        """Return how many clicks reach a limit: defects that are at no site would be lost."""
        return int((self.at_clicks >= limit).sum())


def _tiles(image: ClickedImage) -> list[_Tile]:
    """Return the whole image, or of a large one the tiles that hold most clicks."""
    height, width = image.values.shape
    if height * width <= _LARGE:
        return [_Tile(image, (slice(0, height), slice(0, width)), image.clicks, image.peaks)]
    edges = [
        np.linspace(0, length, int(np.ceil(length / _TILE)) + 1).astype(int)
        for length in (height, width)
    ]
    numbers = np.stack(
        [
            np.searchsorted(ticks[1:-1], np.rint(at), side="right")
            for ticks, at in zip(edges, image.peaks.T, strict=True)
        ],
        axis=1,
    )
    chosen, member, counts = np.unique(numbers, axis=0, return_inverse=True, return_counts=True)
    tiles = []
    for which in np.argsort(-counts, kind="stable")[: _LARGE // _TILE**2]:
        starts, stops = zip(
            *((ticks[n], ticks[n + 1]) for ticks, n in zip(edges, chosen[which], strict=True)),
            strict=True,
        )
        box = slice(int(starts[0]), int(stops[0])), slice(int(starts[1]), int(stops[1]))
        inside, corner = member.ravel() == which, np.array(starts)
        tiles.append(_Tile(image, box, image.clicks[inside] - corner, image.peaks[inside] - corner))
    return tiles
