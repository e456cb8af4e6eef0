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
5. A region of an extended class shorter than `MIN_PLANAR_LENGTH_PX` is dropped: a fault or boundary as
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

from napari_stem_defects.base.defect_classes import BULK, UNKNOWN, kind_of
from napari_stem_defects.postprocessing.connected_components import StripLabeller
from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
from napari_stem_defects.postprocessing.mask_stack import MaskStack, row_blocks
from napari_stem_defects.postprocessing.planar_masks import PlanarClasses
from napari_stem_defects.postprocessing.point_masks import PointClass, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap

MIN_PLANAR_LENGTH_PX = 16.0
"""Shortest extended defect in px: a quarter of a 64 px window."""

PROMINENCE = 0.2
"""How far the probability must dip between two peaks for them to be two point defects."""

# Corrects, in place, one plane of a strip whose rows are given; strips come in their order.
_Tidy = Callable[["NDArray[np.uint8]", slice], None]


def masks_from_probability(
    map: ProbabilityMap,
    shape: tuple[int, int],
    thresholds: Mapping[str, float],
    invalid: NDArray[np.bool_] | None = None,
    *,
    min_length_px: float = MIN_PLANAR_LENGTH_PX,
    prominence: float = PROMINENCE,
) -> MaskStack:
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
    drawing = _Drawing.of(map, shape, thresholds, invalid, min_length_px)
    names = (*map.defect_classes, UNKNOWN)
    rough = MaskStack.drawn(names, shape, (drawing.rough(rows) for rows in row_blocks(shape)))
    tidies: dict[str, _Tidy] = {
        name: _without(point.valleys(rough, name, prominence))
        for name, point in drawing.points.items()
    }
    for name in drawing.planar.names:
        tidies[name] = _keeping(_long_enough(rough, name, min_length_px))
    finished = (drawing.finished(rows, part, tidies) for rows, part in rough.parts())
    return MaskStack.drawn(names, shape, finished)


@dataclass(frozen=True)
class _Drawing:
    """How the planes of one frame are drawn, some rows at a time.

    Attributes
    ----------
    map : ProbabilityMap
    raster : Raster
    invalid : ndarray of bool, shape (Y, X), or None
    points : dict of str to PointClass
    planar : PlanarClasses
    unclaimed : ndarray of bool, shape (gy, gx)
        The called windows that no class claims.
    """

    map: ProbabilityMap
    raster: WindowInterpolator
    invalid: NDArray[np.bool_] | None
    points: dict[str, PointClass]
    planar: PlanarClasses
    unclaimed: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        map: ProbabilityMap,
        shape: tuple[int, int],
        thresholds: Mapping[str, float],
        invalid: NDArray[np.bool_] | None,
        min_length_px: float,
    ) -> _Drawing:
        raster = WindowInterpolator(map.y, map.x, shape)
        points = {
            name: PointClass.of(map, name, thresholds[name], raster)
            for name in map.defect_classes
            if kind_of(name) != "extended"
        }
        limits = {name: thresholds[name] for name in map.defect_classes if name not in points}
        planar = PlanarClasses.of(map, limits, raster, min_length_px)
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


def _unclaimed(map: ProbabilityMap, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Return the called windows in which no class reaches its threshold."""
    floor = np.array([thresholds[name] for name in map.classes], np.float32)
    return map.called & (map.probability < floor[:, None, None]).all(axis=0)


def _without(pixels: NDArray[np.intp]) -> _Tidy:
    """Clear pixels (N, 2)."""

    def tidy(mask: NDArray[np.uint8], rows: slice) -> None:
        y, x = within(pixels, rows)
        mask[y, x] = 0

    return tidy


def _keeping(kept: NDArray[np.bool_]) -> _Tidy:
    """Clear the pieces that are not kept; one entry for each piece by its number."""
    pieces = StripLabeller()

    def tidy(mask: NDArray[np.uint8], _: slice) -> None:
        mask *= kept[pieces.add(mask)]

    return tidy


def _long_enough(rough: MaskStack, name: str, min_length_px: float) -> NDArray[np.bool_]:
    """Say which pieces belong to regions neither shorter than ``min_length_px`` nor at the border."""
    pieces = StripLabeller()
    for _, mask in rough.parts_of(name):
        pieces.add(mask)
    kept = [
        max(side.stop - side.start for side in box) >= min_length_px
        and all(
            side.stop > min_length_px and side.start < length - min_length_px
            for side, length in zip(box, rough.shape, strict=True)
        )
        for box in pieces.region_boxes()
    ]
    return np.array([True, *kept])[pieces.regions()]
