"""Whether the like sites of its images separate a point class from the rest better.

Where templates leave a gap between defects and crystal, they are enough. Where they do not, as
for defects that are dense, the comparison with like sites is taken if it leaves fewer places
near the threshold.
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
from napari_stem_defects.matched_filter.thresholds import point_threshold, share_near

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

_NEAR_THRESHOLD = 0.02
"""Share of places near the threshold of the templates from which like sites may be better."""
_BETTER, _PLACES = 0.95, 2.0
"""Like sites must reduce that share to this part of it, and by so many places: one place more or
less near the threshold of a few defects is chance."""
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
    positions : ndarray of float, shape (N, 2)
        y and x of the clicked defects, where they are most similar to the templates; at least one.
    """

    residual: LatticeResidual
    values: NDArray[np.float32]
    similar: NDArray[np.float32]
    positions: NDArray[np.float64]


class _Tile(NamedTuple):
    """A part of an image, with the clicks in it (N, 2) from its corner."""

    image: ClickedImage
    box: tuple[slice, slice]
    positions: NDArray[np.float64]

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
        not be better.

    Returns
    -------
    (SiteFilter, float) or None
    """
    if not needed and share_near(heights, threshold) < _NEAR_THRESHOLD:
        return None
    tiles = [tile for image in images for tile in _tiles(image)]
    samples = images[0].residual.sampled.samples
    learned = learn_sites(_Parts(tiles), [tile.positions for tile in tiles], samples)
    if learned is None:
        return None
    alone, both = [], []
    for tile in tiles:
        alone.append(_Maxima.of(tile.similar, tile.positions, radius))
        combined = with_sites(tile.similar, tile.part(), (learned,))
        if combined is None:
            return None
        both.append(_Maxima.of(combined, tile.positions, radius))
    before, after = _Maxima.joined(alone), _Maxima.joined(both)
    raised = point_threshold(after.heights)
    old, new = share_near(before.heights, threshold), share_near(after.heights, raised)
    if needed:
        is_better = new < _NEAR_THRESHOLD and int((after.heights > raised).sum()) >= _CROWD
    else:
        is_better = new < _BETTER * old and (old - new) * (heights > threshold).sum() >= _PLACES
    if not is_better:
        return None
    least = max(before.found(threshold), len(after.at_clicks) / 2)
    return (learned, raised) if after.found(raised) >= least else None


class _Maxima(NamedTuple):
    """Local maxima of a similarity, and the highest similarity at each click."""

    heights: NDArray[np.float32]
    at_clicks: NDArray[np.float32]

    @classmethod
    def of(
        cls, similar: NDArray[np.float32], positions: NDArray[np.float64], radius: float
    ) -> _Maxima:
        y, x = np.rint(positions).astype(int).T
        highest = ndimage.maximum_filter(similar, 2 * round(radius) + 1)
        return cls(similar[similar == highest], highest[y, x])

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
        return [_Tile(image, (slice(0, height), slice(0, width)), image.positions)]
    edges = [
        np.linspace(0, length, int(np.ceil(length / _TILE)) + 1).astype(int)
        for length in (height, width)
    ]
    numbers = np.stack(
        [
            np.searchsorted(ticks[1:-1], np.rint(at), side="right")
            for ticks, at in zip(edges, image.positions.T, strict=True)
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
        inside = image.positions[member.ravel() == which] - np.array(starts)
        tiles.append(_Tile(image, box, inside))
    return tiles
