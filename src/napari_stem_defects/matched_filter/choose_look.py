"""Whether a class is found by the look of its clicks, or by being unusual."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.candidates import cell_edge, pool_cells
from napari_stem_defects.anomaly.score import EXTENDED_POOL, local_rms
from napari_stem_defects.base.disc import disc
from napari_stem_defects.matched_filter.extended_classes import (
    anomaly_similarity,
    extended_probability,
)
from napari_stem_defects.matched_filter.similarity import local_maxima

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.levels import Levels
    from napari_stem_defects.matched_filter.model import ClassFilter

_SELECTIVE = 0.5
"""Share of the places that look like the clicks below which being unusual is more selective."""
_SELECTIVE_ALONE = 1.0
"""The same where the look finds too few of the clicks."""
PEAK_RADIUS = 0.35
"""Distance in lattice periods within which a value near a click counts as its own."""
_NEAR_CLICK = 0.5
"""Distance in lattice periods within which a line is at a click."""
_CLEARER, _UNUSUAL = 2.0, 8.0
"""An area is found by its levels where these are clearer than its residual by this factor, and the
residual is within so many spreads of the usual: 3 to 6 in areas of brighter columns."""
QUARTER = 0.25
"""Quantile that most clicks reach."""
MISSED = 1 / 3
"""Share of the clicks from which one way finds clearly fewer: each is part of the look itself."""


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


def anomalies_at(
    clicks: Sequence[tuple[NDArray[np.float32], NDArray[np.float64]]], samples: float
) -> NDArray[np.float64]:
    """Return the anomaly score near each click, averaged as for extended features.

    Parameters
    ----------
    clicks : sequence of (ndarray of float32, shape (Y, X), ndarray of float, shape (2,))
        Lattice residual of the image of each click, and the click (y, x) in samples.
    samples : float
        Samples per length unit.

    Returns
    -------
    ndarray of float64, shape (N,)
        The highest within about a third of a period.
    """
    sigma, radius = EXTENDED_POOL * samples, round(PEAK_RADIUS * samples)
    scores: dict[int, NDArray[np.float32]] = {}
    values = []
    for residual, (y, x) in clicks:
        if id(residual) not in scores:
            scores[id(residual)] = local_rms(residual, sigma)
        row, column = round(float(y)), round(float(x))
        near = np.s_[max(0, row - radius) : row + radius + 1]
        beside = np.s_[max(0, column - radius) : column + radius + 1]
        values.append(float(scores[id(residual)][near, beside].max()))
    return np.array(values)


def point_has_look(
    images: Sequence[NDArray[np.float32]],
    heights: NDArray[np.float32],
    limits: tuple[float, float],
    samples: float,
    *,
    is_alike: bool,
    missed: float,
) -> bool:
    """Return whether the look of a point class finds it better than being unusual does.

    Dislocation cores, for example, look different in each direction, but all disturb the lattice
    more than anything else does. Being unusual is used where the clicks are not alike, or their
    look misses a third of them, and only if it is selective: few places must be as unusual as most
    clicks beside those that are as similar to them.

    Parameters
    ----------
    images : sequence of ndarray of float32, shape (Y, X)
        Lattice residuals.
    heights : ndarray of float32, shape (N,)
        Similarity at its local maxima in all images.
    limits : (float, float)
        Similarity and anomaly score that most clicks have.
    samples : float
        Samples per length unit.
    is_alike : bool
        Whether most clicks look like each other.
    missed : float
        Share of the clicks that the look does not find.

    Returns
    -------
    bool
    """
    if is_alike and missed < MISSED:
        return True
    unusual = 0
    for image in images:
        scores = local_rms(image, EXTENDED_POOL * samples)
        unusual += int((local_maxima(scores, EXTENDED_POOL * samples)[1] >= limits[1]).sum())
    similar = int((heights >= limits[0]).sum())
    selective = _SELECTIVE_ALONE if missed >= MISSED else _SELECTIVE
    return unusual >= selective * similar


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
        Samples per length unit.
    is_alike : bool
        Whether most clicks look like each other.

    Returns
    -------
    bool
    """
    clearly = MISSED * sum(len(image.clicks) for image in clicked)
    looks = sum(_found(by_look, image, image.similar, samples) for image in clicked)
    pool = EXTENDED_POOL * samples
    unusual = 0
    for image in clicked:
        anomaly = anomaly_similarity(local_rms(image.residual, pool), by_anomaly)
        unusual += _found(by_anomaly, image, anomaly, samples)
    return looks > unusual - clearly if is_alike else looks >= unusual + clearly


def area_difference(
    places: Sequence[tuple[Levels, NDArray[np.float64]]],
    anomaly: float,
    images: Sequence[NDArray[np.float32]],
    samples: float,
) -> tuple[float, float]:
    """Return by which contrast and mean intensity an area differs from the crystal around it.

    Parameters
    ----------
    places : sequence of (Levels, ndarray of float, shape (1, 2))
        Levels of the image of each click, and the click (y, x) in samples.
    anomaly : float
        Anomaly score that most clicks have.
    images : sequence of ndarray of float32, shape (Y, X)
        Lattice residuals.
    samples : float
        Samples per length unit.

    Returns
    -------
    (float, float)
        Zeros where the levels are not known, or the residual separates the clicks from the crystal
        as well: an area of another phase is unusual all over, one of brighter columns at its rim
        alone.
    """
    if not places:
        return 0.0, 0.0
    contrast, mean = np.median([levels.at(at)[0] for levels, at in places], axis=0).tolist()
    spreads = [levels.spreads_at(at, (contrast, mean))[0] for levels, at in places]
    by_levels = float(np.quantile(spreads, QUARTER))
    by_anomaly = spreads_of(anomaly, images, samples)
    is_clearer = by_levels > max(_CLEARER * by_anomaly, 0) and by_anomaly < _UNUSUAL
    return (contrast, mean) if is_clearer else (0.0, 0.0)


def spreads_of(anomaly: float, images: Sequence[NDArray[np.float32]], samples: float) -> float:
    """Return how many spreads an anomaly score is above the median, both logarithmic.

    Parameters
    ----------
    anomaly : float
        Anomaly score, averaged as for extended features.
    images : sequence of ndarray of float32, shape (Y, X)
        Lattice residuals.
    samples : float
        Samples per length unit.

    Returns
    -------
    float
        Median of the images. About 1 at places anywhere, because `anomalies_at` takes the highest
        score around them; 2.6 and more at the faintest lines that simulated images show.
    """
    found = []
    for image in images:
        scores = np.log(np.maximum(local_rms(image, EXTENDED_POOL * samples), 1e-3))
        usual = float(np.median(scores))
        spread = 1.4826 * float(np.median(np.abs(scores - usual))) + 1e-12
        found.append((np.log(max(anomaly, 1e-3)) - usual) / spread)
    return float(np.median(found))


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
