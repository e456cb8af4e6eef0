"""Whether a class is found by the look of its clicks, or by being unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.candidates import cell_edge, pool_cells
from napari_stem_defects.anomaly.score import EXTENDED_POOL, local_rms
from napari_stem_defects.matched_filter.extended_classes import (
    anomaly_similarity,
    disc,
    extended_probability,
)
from napari_stem_defects.matched_filter.similarity import local_maxima

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import ClassFilter

_SELECTIVE = 0.5
"""Share of the places that look like the clicks below which being unusual is more selective."""
_NEAR_CLICK = 0.5
"""Distance in lattice periods within which a line is at a click."""
_CLEARLY = 1 / 3
"""Difference of the shares of clicks found that counts: every click is part of the look itself."""


class ClickedLines(NamedTuple):
    """An image with clicks on a line.

    Attributes
    ----------
    residual : ndarray of float32, shape (Y, X)
    similar : ndarray of float32, shape (Y, X)
        Similarity to the templates of the line.
    clicks : ndarray of float, shape (N, 2)
        y and x in samples.
    """

    residual: NDArray[np.float32]
    similar: NDArray[np.float32]
    clicks: NDArray[np.float64]


def is_anomaly_selective(
    images: Sequence[NDArray[np.float32]],
    heights: NDArray[np.float32],
    limits: tuple[float, float],
    samples: float,
) -> bool:
    """Return whether far fewer places are as unusual as most clicks than are as similar to them.

    Dislocation cores, for example, look different in each direction, but all disturb the lattice
    more than anything else does.

    Parameters
    ----------
    images : sequence of ndarray of float32, shape (Y, X)
        Lattice residuals.
    heights : ndarray of float32, shape (N,)
        Similarity at its local maxima in all images.
    limits : (float, float)
        Similarity and anomaly score that most clicks have.
    samples : float
        Samples per lattice period.

    Returns
    -------
    bool
    """
    unusual = 0
    for image in images:
        scores = local_rms(image, EXTENDED_POOL * samples)
        unusual += int((local_maxima(scores, EXTENDED_POOL * samples)[1] >= limits[1]).sum())
    return unusual < _SELECTIVE * int((heights >= limits[0]).sum())


def line_has_look(
    by_look: ClassFilter,
    by_anomaly: ClassFilter,
    clicked: Sequence[ClickedLines],
    samples: float,
    *,
    is_alike: bool,
) -> bool:
    """Return whether the look of a line finds it better than being unusual does.

    Where the clicks are alike, their look is used, unless it finds clearly fewer of them: from one
    click on a grain boundary it finds that place alone. Where they are not alike, it is used only
    if it finds clearly more of them: a twin that fills a corner is unusual all over, so that its
    boundary is no line in the anomaly.

    Parameters
    ----------
    by_look, by_anomaly : ClassFilter
        The same line with templates and without.
    clicked : sequence of ClickedLines
        One for each image with clicks.
    samples : float
        Samples per lattice period.
    is_alike : bool
        Whether most clicks look like each other.

    Returns
    -------
    bool
    """
    clearly = _CLEARLY * sum(len(image.clicks) for image in clicked)
    looks = sum(_found(by_look, image, image.similar, samples) for image in clicked)
    pool = EXTENDED_POOL * samples
    unusual = 0
    for image in clicked:
        anomaly = anomaly_similarity(local_rms(image.residual, pool), by_anomaly)
        unusual += _found(by_anomaly, image, anomaly, samples)
    return looks > unusual - clearly if is_alike else looks >= unusual + clearly


def _found(
    item: ClassFilter, image: ClickedLines, similar: NDArray[np.float32], samples: float
) -> int:
    """Return at how many clicks a class is found."""
    edge = cell_edge(samples)
    per_period = samples / edge
    probability = extended_probability(item, pool_cells(similar, edge), per_period)
    near = ndimage.binary_dilation(probability >= 0.5, disc(_NEAR_CLICK * per_period))
    row, column = np.rint(image.clicks).astype(int).T // edge
    return int(near[row, column].sum())
