"""Unusual places, ranked: points, lines and areas.

Places are found on cells of a third to a half of a lattice period, so that large images take little
memory, and located to a sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.feature_parts import area_parts, beside_area, depth, has_peak
from napari_stem_defects.anomaly.shapes import Line, centre_line, outlines
from napari_stem_defects.anomaly.straight_lines import extents, is_line, line_core
from napari_stem_defects.base.disc import disc

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

CandidateKind = Literal["point", "line", "area"]
Sign = Literal["deficit", "excess", ""]

_CELL_PERIODS, _COARSE_PERIODS = 0.35, 0.5
"""Edge of a cell in lattice periods, and in images of more than `_LARGE` samples."""
_LARGE = 1 << 24
_REACH = 0.5
"""Half the gap, in lattice periods, across which unusual cells are one feature."""
_LOW = 0.6
"""Level down to which a feature extends from where the threshold is exceeded."""
_RELATIVE, _NEAR = 0.4, 1.5
"""It also ends where the level is below this share of the highest level within so many periods."""
_LINE_RATIO = 3.0
"""Smallest length of a line that is seen by its average alone, in units of its width."""
_LONG, _BORDER = 12.0, 2.5
"""Smallest length of a line in periods that is seen by its average along the lattice alone, and
distance in periods from the border up to which there is none: noise that is averaged over so many
periods is elongated, and the prediction beside the border is the same along it."""
_LINE_DISCS = 2.0
"""Least length of a line with something attached in units of the largest disc in both: what is
nearly as wide as long is an area, even where a band through it is unusual from end to end."""
_ASIDE = 0.5
"""Distance in periods from the edge of a line, from which on unusual cells are not its own."""
_AREA_RADIUS = 1.5
"""Radius in periods of the disc that an area contains."""
_APART, _PEAK = 0.5, 0.6
"""Least distance of two points in periods, and least score in units of the highest beside them."""
_STRIP = 1 << 16
"""Cells whose samples are compared at once."""
_MAX_CANDIDATES = 10_000

Box = tuple[slice, slice]


class _Scored(NamedTuple):
    """What is known of an image; see `find_candidates`. ``highest`` is the score of each cell."""

    level: NDArray[np.float32]
    score: NDArray[np.float32]
    highest: NDArray[np.float32]
    deficit: NDArray[np.bool_]
    samples: float
    edge: int

    @property
    def period(self) -> float:
        """Lattice period in cells."""
        return self.samples / self.edge


@dataclass(frozen=True)
class Candidate:
    """One unusual place.

    Attributes
    ----------
    rank : int
        From 1, the highest score.
    kind : {"point", "line", "area"}
        Guessed from its shape.
    y, x : float
        Highest score of a point, centroid of a line or an area, in px of the image.
    score : float
        Highest anomaly score.
    sign : {"deficit", "excess", ""}
        Whether a point has less or more intensity than the lattice predicts; "" for others.
    length_px : float
        Extent along the longer axis.
    area_px : float
        Unusual pixels.
    shape : tuple of tuple of (float, float)
        Points (y, x) in px of the image: the centre line of a line, the outlines of an area;
        empty for a point.
    """

    rank: int
    kind: CandidateKind
    y: float
    x: float
    score: float
    sign: Sign
    length_px: float
    area_px: float
    shape: tuple[Line, ...] = ()

    def __repr__(self) -> str:
        what = f"{self.kind} of {self.sign}" if self.sign else self.kind
        where = f"y_px={self.y:.1f}, x_px={self.x:.1f}"
        return f"Candidate(rank {self.rank}, {what}, {where}, score={self.score:.2f})"


def cell_edge(samples: float, size: int = 0) -> int:
    """Return the edge of a cell.

    Parameters
    ----------
    samples : float
        Samples per lattice period.
    size : int
        Number of samples of the image: cells of large images are larger, to save memory.

    Returns
    -------
    int
        Edge in samples, at least 1.
    """
    return max(1, int((_COARSE_PERIODS if size > _LARGE else _CELL_PERIODS) * samples))


def pool_cells(values: NDArray[np.float32], edge: int) -> NDArray[np.float32]:
    """Return the maximum of each cell.

    Parameters
    ----------
    values : ndarray of float32, shape (Y, X)
    edge : int
        Edge of a cell in px; the last cells may be smaller.

    Returns
    -------
    ndarray of float32, shape (ceil(Y / edge), ceil(X / edge))
    """
    rows = np.maximum.reduceat(values, np.arange(0, values.shape[0], edge), axis=0)
    pooled: NDArray[np.float32] = np.maximum.reduceat(
        rows, np.arange(0, values.shape[1], edge), axis=1
    )
    return pooled


def only_lines(level: NDArray[np.float32], cells_per_period: float) -> NDArray[np.float32]:
    """Clear what is not a line in the level of averages along the lattice.

    Parameters
    ----------
    level : ndarray of float32, shape (cells along y, cells along x)
        0 is the score of a perfect crystal, 1 the threshold.
    cells_per_period : float

    Returns
    -------
    ndarray of float32, shape of ``level``
        0 but in features of at least 12 lattice periods that are three times as long as wide.
    """
    border = int(np.ceil(_BORDER * cells_per_period))
    kept = np.zeros_like(level)
    inner = level[border:-border, border:-border]
    if not inner.size:
        return kept
    features, _ = ndimage.label(inner >= _LOW, np.ones((3, 3)))
    for number, box in enumerate(ndimage.find_objects(features), 1):
        cells = features[box] == number
        length, width = extents(*np.nonzero(cells))
        long_enough = length >= max(_LONG * cells_per_period, _LINE_RATIO * width)
        if long_enough and inner[box][cells].max() >= 1:
            kept[border:-border, border:-border][box][cells] = inner[box][cells]
    return kept


def find_candidates(
    level: NDArray[np.float32],
    score: NDArray[np.float32],
    deficit: NDArray[np.bool_],
    samples: float,
    edge: int,
) -> tuple[Candidate, ...]:
    """Find and rank the unusual places of an image.

    Unusual cells closer than a lattice period are one feature, so that columns that line up
    along a fault are reported as the one line they are.

    Parameters
    ----------
    level : ndarray of float32, shape (cells along y, cells along x)
        Highest level of each cell; see `pool_cells`. 0 is the score of a perfect crystal, 1 the
        threshold.
    score : ndarray of float32, shape (Y, X)
        Anomaly score of each sample.
    deficit : ndarray of bool, shape of ``level``
        Whether intensity is missing in a cell.
    samples : float
        Samples per lattice period.
    edge : int
        Edge of a cell in samples.

    Returns
    -------
    tuple of Candidate
        Highest score first, lengths in samples; at most 10,000.
    """
    image = _Scored(level, score, pool_cells(score, edge), deficit, samples, edge)
    unusual = _unusual_cells(level, image.period)
    joined, _ = ndimage.label(_widened(unusual, _REACH * image.period))
    joined[~unusual] = 0
    found: list[Candidate] = []
    for number, box in enumerate(ndimage.find_objects(joined), 1):
        if box is not None:
            cells = joined[box] == number
            found += _features(cells, box, image)
    return ranked(found)


def ranked(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Rank candidates.

    Parameters
    ----------
    found : iterable of Candidate

    Returns
    -------
    tuple of Candidate
        Highest score first; at most 10,000.
    """
    ordered = sorted(found, key=lambda candidate: -candidate.score)
    return tuple(replace(c, rank=n) for n, c in enumerate(ordered[:_MAX_CANDIDATES], 1))


def _unusual_cells(level: NDArray[np.float32], cells_per_period: float) -> NDArray[np.bool_]:
    """Return the cells of all features that reach the threshold somewhere."""
    around = 2 * round(_NEAR * cells_per_period) + 1
    floor = ndimage.maximum_filter(level, around)
    floor *= np.float32(_RELATIVE)
    np.maximum(floor, np.float32(_LOW), out=floor)
    low = level >= floor
    del floor
    features, count = ndimage.label(low, np.ones((3, 3)))
    strong = np.zeros(count + 1, bool)
    strong[np.unique(features[level >= 1])] = True
    strong[0] = False
    unusual: NDArray[np.bool_] = strong[features]
    return unusual


def _widened(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """Return the cells within a distance, in cells, of a mask."""
    wide: NDArray[np.bool_] = ndimage.binary_dilation(mask, disc(radius))
    return wide


def _features(cells: NDArray[np.bool_], box: Box, image: _Scored) -> list[Candidate]:
    """Return a group of unusual cells as one line or area, or as the points it consists of.

    Points beside an area that are separate from it are points of their own; so is what is
    attached to a line.
    """
    y, x = np.nonzero(cells)
    deepest = depth(cells)
    core = line_core(y, x, image.period)
    if core is not None and (core[1] > _ASIDE * image.period).any():
        # What is nearly as wide as that line is long is an area, with bands through its middle.
        if extents(y[core[0]], x[core[0]])[0] >= _LINE_DISCS * 2 * deepest:
            return _line_and_rest(cells, core[1], box, image)
    if is_line(y, x, image.period):
        return [_extended(cells, "line", box, image)]
    if deepest >= _AREA_RADIUS * image.period:
        return _areas(cells, box, image)
    parts, _ = ndimage.label(cells, np.ones((3, 3)))
    return _parts_as_points(parts, box, image)


def _areas(cells: NDArray[np.bool_], box: Box, image: _Scored) -> list[Candidate]:
    """Return a group of unusual cells as areas, and the points beside them and between them."""
    apart, rest = beside_area(cells, image.level[box], _AREA_RADIUS * image.period)
    if apart.any() and rest.any():
        return _parts_as_points(apart, box, image) + _features(rest, box, image)
    found = area_parts(cells, image.highest[box], image.level[box], image.period)
    areas = [_extended(part, "area", box, image) for part in found.areas]
    return areas + _parts_as_points(found.points, box, image)


def _extended(cells: NDArray[np.bool_], kind: CandidateKind, box: Box, image: _Scored) -> Candidate:
    """Return some cells as one line or one area."""
    edge = image.edge
    highest = float(image.highest[box][cells].max())
    y, x = np.nonzero(cells)
    middle = (
        float((y.mean() + box[0].start + 0.5) * edge - 0.5),
        float((x.mean() + box[1].start + 0.5) * edge - 0.5),
    )
    lines = (centre_line(y, x),) if kind == "line" else outlines(cells)
    shape = tuple(_in_samples(line, box, edge) for line in lines)
    length, area = edge * extents(y, x)[0], float(len(y) * edge**2)
    return Candidate(0, kind, *middle, highest, "", length, area, shape)


def _line_and_rest(
    cells: NDArray[np.bool_], away: NDArray[np.float64], box: Box, image: _Scored
) -> list[Candidate]:
    """Return a line, and what has a peak of its own away from it.

    ``away`` is the distance of each cell from the edge of the line in cells.
    """
    aside = np.zeros_like(cells)
    aside[cells] = away > _ASIDE * image.period
    found = [_extended(cells & ~aside, "line", box, image)]
    parts, _ = ndimage.label(aside, np.ones((3, 3)))
    for number, part in enumerate(ndimage.find_objects(parts), 1):
        own, there = parts[part] == number, _shifted(part, box)
        if has_peak(own, part, cells, image.level[box]):
            found += _features(own, there, image)
    return found


def _parts_as_points(parts: NDArray[np.int32], box: Box, image: _Scored) -> list[Candidate]:
    """Return the points of each numbered part of a group."""
    points: list[Candidate] = []
    for number, part in enumerate(ndimage.find_objects(parts), 1):
        points += _points(parts[part] == number, _shifted(part, box), image)
    return points


def _in_samples(line: Line, box: Box, edge: int) -> Line:
    """Return points in cells of a box as points in samples of the image."""
    return tuple(
        ((y + box[0].start + 0.5) * edge - 0.5, (x + box[1].start + 0.5) * edge - 0.5)
        for y, x in line
    )


def _points(cells: NDArray[np.bool_], box: Box, image: _Scored) -> list[Candidate]:
    """Return the peaks of the score in some connected cells as points, each with its share."""
    edge = image.edge
    tops = _peaks(cells, box, image)
    length = edge * extents(*np.nonzero(cells))[0] / len(tops)
    area = float(cells.sum() * edge**2) / len(tops)
    found = []
    for y, x in tops:
        sign: Sign = "deficit" if image.deficit[y // edge, x // edge] else "excess"
        value = float(image.score[y, x])
        found.append(Candidate(0, "point", float(y), float(x), value, sign, length, area))
    return found


def _peaks(cells: NDArray[np.bool_], box: Box, image: _Scored) -> list[tuple[int, int]]:
    """Return the samples (y, x) of some cells that are high and the highest around.

    Strips are compared one by one: a feature may wind through the whole of a large image.
    """
    edge, reach = image.edge, round(_APART * image.samples)
    least = _PEAK * image.highest[box][cells].max()
    step, halo = max(1, _STRIP // cells.shape[1]), -(-reach // edge)
    tops = []
    for first in range(0, len(cells), step):
        own = slice(first, min(first + step, len(cells)))
        rows = slice(max(0, first - halo), own.stop + halo)
        inside = np.repeat(np.repeat(cells[rows], edge, axis=0), edge, axis=1)
        top, left = (box[0].start + rows.start) * edge, box[1].start * edge
        values = image.score[top : top + inside.shape[0], left : left + inside.shape[1]]
        values = np.where(inside[: values.shape[0], : values.shape[1]], values, 0)
        peaks = values == ndimage.maximum_filter(values, 2 * reach + 1)
        skipped = (own.start - rows.start) * edge
        high = (peaks & (values >= least))[skipped : skipped + (own.stop - own.start) * edge]
        tops += [(int(y) + top + skipped, int(x) + left) for y, x in np.argwhere(high)]
    return tops


def _shifted(part: Box, box: Box) -> Box:
    """Return a part of a box as slices of the whole."""
    rows, columns = (
        slice(inner.start + outer.start, inner.stop + outer.start)
        for inner, outer in zip(part, box, strict=True)
    )
    return rows, columns
