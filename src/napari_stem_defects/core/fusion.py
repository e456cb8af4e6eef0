"""From the windows' answers to maps and 0/1 masks in pixels of the image.

A window speaks for the defect near its centre. Between centres the probability is bilinear,
outside the outermost ones that of the nearest, so every pixel has an answer. The rules of the
masks, in the order they apply:

1. A pixel nearest to a window without a call (blank, or with invalid pixels), and an invalid
   pixel itself, is in no plane: nothing is said about it.
2. A pixel belongs to every defect whose probability reaches that class's threshold: one place
   can hold two defects, as a fault ends in its junction. A window that passes marks at least
   the pixel at its centre, so no answer falls between pixels. Windows of a point defect that
   pass side by side, across a corner included, are joined.
3. Extended classes compete, because they are names for the one planar defect that can lie
   there. A pixel that any of them holds gets the name to which the windows around it give the
   highest odds, p / (1 - p). Odds, because a window beside a double fault sees a twin, and there
   are more windows beside a fault than on it: the few on it are surer of what they see.
4. Point defects that touch are cut apart where the probability dips between two peaks, so
   that connected regions of a plane are defects. However small, they stay.
5. A region of an extended class shorter than `SPECK_PX` is dropped: a fault or boundary as
   short as a unit cell is none. So is one that nowhere comes further than that from the border
   of the image, where half of every window that sees it is empty.
6. A pixel is ``unknown`` where its nearest window was called, no class claims that window,
   Bulk included, and no defect plane holds the pixel. Only an ensemble with a Bulk member can
   say so. The nearest window decides, not the bilinear map, which would draw a seam of
   unknown between every defect and the bulk beside it.

Nothing of the size of the image is held but the packed planes: they are drawn in strips of rows
(rules 1 to 3), then looked through for what is to be cut or dropped (4, 5), then finished.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from napari_stem_defects.core.classes import BULK, UNKNOWN, kind_of
from napari_stem_defects.core.pieces import EIGHT, Pieces
from napari_stem_defects.core.planes import Planes, strips_of
from napari_stem_defects.core.raster import Raster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.core.detection_result import ProbabilityMap
    from napari_stem_defects.core.pieces import Box

SPECK_PX = 16.0
"""Shortest extended defect in px: a quarter of a 64 px window."""

VOTE_REACH = 1.5
"""Standard deviation of the Gaussian over which names are voted on, in shortest defects."""

SUREST = 0.99
"""Probability beyond which a window's vote for a name weighs no more."""

PROMINENCE = 0.2
"""How far the probability must dip between two peaks for them to be two point defects."""

# Corrects, in place, one plane of a strip whose rows are given; strips come in their order.
_Tidy = Callable[["NDArray[np.uint8]", slice], None]


def planes_from_map(
    map: ProbabilityMap,
    shape: tuple[int, int],
    thresholds: Mapping[str, float],
    invalid: NDArray[np.bool_] | None = None,
    *,
    speck_px: float = SPECK_PX,
    prominence: float = PROMINENCE,
) -> Planes:
    """Turn probabilities into one 0/1 plane per defect class and a last one, ``unknown``.

    Parameters
    ----------
    map : ProbabilityMap
    shape : (Y, X)
        Size of the image in px.
    thresholds : mapping
        Probability from which each class of the map, Bulk included, counts as present.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.
    speck_px : float
        Regions of extended classes shorter than this, or nowhere further than this from the
        border, are dropped, and names of extended defects are voted on over 1.5 times this; 0 does
        neither.
    prominence : float
        See `PROMINENCE`.
    """
    drawing = _Drawing.of(map, shape, thresholds, invalid, speck_px)
    names = (*map.defect_classes, UNKNOWN)
    rough = Planes.drawn(names, shape, (drawing.rough(rows) for rows in strips_of(shape)))
    tidies: dict[str, _Tidy] = {
        name: _without(point.valleys(rough, name, prominence))
        for name, point in drawing.points.items()
    }
    for name in drawing.planar.names:
        tidies[name] = _keeping(_long_enough(rough, name, speck_px))
    finished = (drawing.finished(rows, part, tidies) for rows, part in rough.parts())
    return Planes.drawn(names, shape, finished)


@dataclass(frozen=True)
class _Drawing:
    """How the planes of one frame are drawn, some rows at a time.

    Attributes
    ----------
    map : ProbabilityMap
    raster : Raster
    invalid : ndarray of bool, shape (Y, X), or None
    points : dict of str to _PointClass
    planar : _PlanarClasses
    unclaimed : ndarray of bool, shape (gy, gx)
        The called windows that no class claims.
    """

    map: ProbabilityMap
    raster: Raster
    invalid: NDArray[np.bool_] | None
    points: dict[str, _PointClass]
    planar: _PlanarClasses
    unclaimed: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        map: ProbabilityMap,
        shape: tuple[int, int],
        thresholds: Mapping[str, float],
        invalid: NDArray[np.bool_] | None,
        speck_px: float,
    ) -> _Drawing:
        raster = Raster(map.y, map.x, shape)
        points = {
            name: _PointClass.of(map, name, thresholds[name], raster)
            for name in map.defect_classes
            if kind_of(name) != "extended"
        }
        limits = {name: thresholds[name] for name in map.defect_classes if name not in points}
        planar = _PlanarClasses.of(map, limits, raster, speck_px)
        return cls(map, raster, invalid, points, planar, _unclaimed(map, thresholds))

    def rough(self, rows: slice) -> NDArray[np.uint8]:
        """Draw all defect planes by rules 1 to 3; ``unknown``, the last plane, stays empty."""
        names = self.map.defect_classes
        part = np.zeros((len(names) + 1, rows.stop - rows.start, self.raster.shape[1]), np.uint8)
        for name, point in self.points.items():
            point.draw(part[names.index(name)], rows)
        self.planar.draw([part[names.index(name)] for name in self.planar.names], rows)
        return part * self._speaking(rows)

    def finished(
        self, rows: slice, part: NDArray[np.uint8], tidies: Mapping[str, _Tidy]
    ) -> NDArray[np.uint8]:
        """Correct rough planes, in place, and draw what is unknown."""
        for name, tidy in tidies.items():
            tidy(part[self.map.defect_classes.index(name)], rows)
        if BULK in self.map.classes:
            unknown = self.raster.nearest(self.unclaimed, rows) & self._speaking(rows)
            part[-1] = unknown & ~part[:-1].any(axis=0)
        return part

    def _speaking(self, rows: slice) -> NDArray[np.bool_]:
        spoken = self.raster.nearest(self.map.called, rows)
        return spoken if self.invalid is None else spoken & ~self.invalid[rows]


@dataclass(frozen=True)
class _PointClass:
    """How a point defect is drawn: by its own probability alone.

    Attributes
    ----------
    values : ndarray of float32, shape (gy, gx)
    limit : float
    passing : ndarray of bool, shape (gy, gx)
        The windows that reach the limit.
    joins : ndarray of int, shape (N, 2)
        Pixels between windows that pass across a corner.
    raster : Raster
    """

    values: NDArray[np.float32]
    limit: float
    passing: NDArray[np.bool_]
    joins: NDArray[np.intp]
    raster: Raster

    @classmethod
    def of(cls, map: ProbabilityMap, name: str, limit: float, raster: Raster) -> _PointClass:
        values = map.probability[map.classes.index(name)]
        passing = map.called & (values >= limit)
        return cls(values, limit, passing, _joins_across_corners(passing, map, raster), raster)

    def draw(self, mask: NDArray[np.uint8], rows: slice) -> None:
        """Draw some rows of the plane."""
        if not self.passing[self.raster.concerned(rows)].any():
            return
        reached = self.raster.bilinear(self.values, rows) >= self.limit
        mask[:] = reached | (self.raster.at_centres(self.passing, rows) > 0)
        y, x = _within(self.joins, rows)
        mask[y, x] = 1

    def valleys(self, rough: Planes, name: str, prominence: float) -> NDArray[np.intp]:
        """Return the pixels (N, 2) along which regions with several peaks are cut apart."""
        cuts = [np.zeros((0, 2), np.intp)]
        if self.passing.any():
            tops = self.passing & (h_maxima(self.values, prominence) > 0)
            peaks, _ = ndimage.label(tops, EIGHT)
            cuts += [
                self._valley(rough.crop(name, box), box, of)
                for box, of in self._crowded(rough, name, peaks)
            ]
        return np.concatenate(cuts)

    def _crowded(
        self, rough: Planes, name: str, peaks: NDArray[np.int32]
    ) -> Iterator[tuple[Box, NDArray[np.intp]]]:
        """Yield the box of each region with several peaks, and these: (n, 3), peak, y and x."""
        pieces, met = Pieces(), []
        for rows, mask in rough.parts_of(name):
            numbers = pieces.add(mask)
            at = self.raster.at_centres(peaks, rows) * mask
            y, x = np.nonzero(at)
            met.append(np.column_stack([numbers[y, x], at[y, x], y + rows.start, x]))
        piece, *seen = np.concatenate(met).T
        region, boxes = pieces.regions()[piece], pieces.region_boxes()
        pairs = np.unique(np.column_stack([region, seen[0]]), axis=0)
        numbers, peaks_in = np.unique(pairs[:, 0], return_counts=True)
        for number in numbers[peaks_in > 1]:
            yield boxes[number - 1], np.column_stack(seen)[region == number]

    def _valley(
        self, mask: NDArray[np.uint8], box: Box, peaks: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return the pixels between the peaks of a region inside its box."""
        corner = np.array([box[0].start, box[1].start])
        (y, x), markers = (peaks[:, 1:] - corner).T, np.zeros(mask.shape, np.int32)
        markers[y, x] = peaks[:, 0]
        blobs, _ = ndimage.label(mask, EIGHT)
        blob = blobs == blobs[y[0], x[0]]
        # The cut is drawn here because watershed_line with 8 neighbours takes minutes.
        heights = self.raster.bilinear(self.values, *box)
        basins = watershed(-heights, markers, connectivity=2, mask=blob)
        between = blob & (ndimage.maximum_filter(basins, size=3) != basins)
        valley: NDArray[np.intp] = np.argwhere(between) + corner
        return valley


def _joins_across_corners(
    passing: NDArray[np.bool_], map: ProbabilityMap, raster: Raster
) -> NDArray[np.intp]:
    """Return the pixels (N, 2) of lines between the centres of windows that pass across a corner.

    Halfway the bilinear map is the mean of four windows, two of which may see nothing of a
    defect smaller than their step.
    """
    upper, lower = passing[:-1], passing[1:]
    pixels = [np.zeros((0, 2), np.intp)]
    for first, second, step in (
        (upper[:, :-1], lower[:, 1:], 1),
        (upper[:, 1:], lower[:, :-1], -1),
    ):
        rows, columns = np.nonzero(first & second)
        columns = columns + (step < 0)
        y, x = (map.y[rows], map.y[rows + 1]), (map.x[columns], map.x[columns + step])
        longest = max((np.abs(b - a).max(initial=0) for a, b in (y, x)))
        for share in np.linspace(0, 1, int(longest) + 2):
            at = [np.rint(a + share * (b - a)).astype(np.intp) for a, b in (y, x)]
            pixels.append(np.column_stack(at))
    joined = np.unique(np.concatenate(pixels), axis=0)
    inside: NDArray[np.intp] = np.clip(joined, 0, np.array(raster.shape) - 1)
    return inside


@dataclass(frozen=True)
class _PlanarClasses:
    """How extended defects are drawn: found by any of their classes, named by a vote.

    Attributes
    ----------
    names : tuple of str
    ratio : ndarray of float32, shape (gy, gx)
        The highest probability in units of its class's threshold.
    passing : ndarray of bool, shape (gy, gx)
    votes : tuple of ndarray of float32, shape (gy, gx)
        For each name what the windows around give it.
    raster : Raster
    """

    names: tuple[str, ...]
    ratio: NDArray[np.float32]
    passing: NDArray[np.bool_]
    votes: tuple[NDArray[np.float32], ...]
    raster: Raster

    @classmethod
    def of(
        cls, map: ProbabilityMap, limits: Mapping[str, float], raster: Raster, speck_px: float
    ) -> _PlanarClasses:
        values = {name: map.probability[map.classes.index(name)] for name in limits}
        # A threshold of 0 is passed by every window; without any class none passes.
        ratios = [np.zeros(map.called.shape, np.float32)]
        for name, limit in limits.items():
            ratios.append(values[name] / limit if limit else np.ones_like(values[name]))
        ratio = np.max(ratios, axis=0)
        passing = map.called & (ratio >= 1)
        votes = tuple(
            _smoothed(_odds(values[name]) * passing, map, VOTE_REACH * speck_px) for name in limits
        )
        return cls(tuple(limits), ratio, passing, votes, raster)

    def draw(self, masks: Sequence[NDArray[np.uint8]], rows: slice) -> None:
        """Draw some rows of the planes, which come in the order of the names."""
        if not self.passing[self.raster.concerned(rows)].any():
            return
        reached = self.raster.bilinear(self.ratio, rows) >= 1
        found = reached | (self.raster.at_centres(self.passing, rows) > 0)
        strongest = np.zeros(found.shape, np.float32)
        winner = np.zeros(found.shape, np.uint8)
        for number, votes in enumerate(self.votes):
            pixels = self.raster.bilinear(votes, rows)
            winner[pixels > strongest] = number
            np.maximum(strongest, pixels, out=strongest)
        for number, mask in enumerate(masks):
            mask[:] = found & (winner == number)


def _odds(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    bounded = np.minimum(probability, np.float32(SUREST))
    odds: NDArray[np.float32] = bounded / (1 - bounded)
    return odds


def _smoothed(
    values: NDArray[np.float32], map: ProbabilityMap, reach_px: float
) -> NDArray[np.float32]:
    """Smooth what windows say over a distance in px; shape (gy, gx)."""
    steps = [np.diff(centres).mean() if len(centres) > 1 else 1.0 for centres in (map.y, map.x)]
    sigma = [reach_px / step for step in steps]
    smooth: NDArray[np.float32] = ndimage.gaussian_filter(values, sigma, mode="constant")
    return smooth


def _unclaimed(map: ProbabilityMap, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Return the called windows in which no class reaches its threshold."""
    floor = np.array([thresholds[name] for name in map.classes], np.float32)
    return map.called & (map.probability < floor[:, None, None]).all(axis=0)


def _without(pixels: NDArray[np.intp]) -> _Tidy:
    """Clear pixels (N, 2)."""

    def tidy(mask: NDArray[np.uint8], rows: slice) -> None:
        y, x = _within(pixels, rows)
        mask[y, x] = 0

    return tidy


def _keeping(kept: NDArray[np.bool_]) -> _Tidy:
    """Clear the pieces that are not kept; one entry for each piece by its number."""
    pieces = Pieces()

    def tidy(mask: NDArray[np.uint8], _: slice) -> None:
        mask *= kept[pieces.add(mask)]

    return tidy


def _long_enough(rough: Planes, name: str, speck_px: float) -> NDArray[np.bool_]:
    """Say which pieces belong to regions neither shorter than ``speck_px`` nor at the border."""
    pieces = Pieces()
    for _, mask in rough.parts_of(name):
        pieces.add(mask)
    kept = [
        max(side.stop - side.start for side in box) >= speck_px
        and all(
            side.stop > speck_px and side.start < length - speck_px
            for side, length in zip(box, rough.shape, strict=True)
        )
        for box in pieces.region_boxes()
    ]
    return np.array([True, *kept])[pieces.regions()]


def _within(pixels: NDArray[np.intp], rows: slice) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return those of some pixels (N, 2) that lie in some rows, counted from the first of these."""
    y, x = pixels.T
    here = (y >= rows.start) & (y < rows.stop)
    return y[here] - rows.start, x[here]
