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
    SeenPart,
    SiteFilter,
    learn_sites,
    seen_part,
    with_sites,
)
from napari_stem_defects.matched_filter.similarity import local_maxima
from napari_stem_defects.matched_filter.thresholds import point_threshold, share_near

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

_NEAR_THRESHOLD = 0.02
"""Share of places near the threshold of the templates from which like sites may be better, and to
what part of it they must reduce it."""
_BETTER = 0.95


class ClickedImage(NamedTuple):
    """An image with clicks of a class.

    Attributes
    ----------
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X)
        The whole residual.
    positions : ndarray of float, shape (N, 2)
        y and x of the clicked defects, where they are most similar to the templates.
    """

    residual: LatticeResidual
    values: NDArray[np.float32]
    positions: NDArray[np.float64]

    def seen(self) -> SeenPart:
        """Return the whole image with its prediction."""
        whole = slice(0, self.values.shape[0]), slice(0, self.values.shape[1])
        return seen_part(self.residual, whole, self.values)


def choose_sites(
    images: Sequence[ClickedImage],
    similarity_of: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    threshold: float,
    radius: float,
) -> tuple[SiteFilter, float] | None:
    """Return a site filter and the threshold with it, where it is better than templates alone.

    Parameters
    ----------
    images : sequence of ClickedImage
        At least one.
    similarity_of : callable
        Returns the similarity of a residual to the templates of the class.
    threshold : float
        Of that similarity.
    radius : float
        In samples, see `similarity.local_maxima`.

    Returns
    -------
    (SiteFilter, float) or None
    """
    similar = [similarity_of(image.values) for image in images]
    by_look = share_near(_heights(similar, radius), threshold)
    if by_look < _NEAR_THRESHOLD:
        return None
    parts = [image.seen() for image in images]
    learned = learn_sites(parts, [image.positions for image in images])
    if learned is None:
        return None
    both = [with_sites(look, part, (learned,)) for look, part in zip(similar, parts, strict=True)]
    heights = _heights(both, radius)
    raised = point_threshold(heights)
    if share_near(heights, raised) >= _BETTER * by_look:
        return None
    clicks = sum(len(image.positions) for image in images)
    least = max(_found(similar, images, threshold, radius), clicks / 2)
    return (learned, raised) if _found(both, images, raised, radius) >= least else None


def _found(
    similar: Sequence[NDArray[np.float32]],
    images: Sequence[ClickedImage],
    limit: float,
    radius: float,
) -> int:
    """Return how many clicks reach a similarity: defects that are at no site would be lost."""
    size, found = 2 * round(radius) + 1, 0
    for values, image in zip(similar, images, strict=True):
        y, x = np.rint(image.positions).astype(int).T
        found += int((ndimage.maximum_filter(values, size)[y, x] >= limit).sum())
    return found


def _heights(similar: Sequence[NDArray[np.float32]], radius: float) -> NDArray[np.float32]:
    return np.concatenate([local_maxima(each, radius)[1] for each in similar])
