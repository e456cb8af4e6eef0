"""From the probability map of the windows to masks in pixels of the image (post-processing).

A window represents the defect near its centre. Between centres the probability is bilinear,
outside the outermost ones that of the nearest, so that every pixel has a value. The rules of the
masks, in the order in which they apply:

1. A pixel nearest to a window that is not valid (blank, or with invalid pixels), and an invalid
   pixel itself, is in no mask.
2. A pixel belongs to every defect whose probability reaches the threshold of its class: one place
   can hold two defects, as a fault ends in its junction. A window that passes marks at least
   the pixel at its centre, so that no detection falls between pixels. Passing windows of a point
   defect that are neighbours, at a corner included, are joined.
3. Classes of the kinds "line" (planar defects) and "area" compete, because they are names for
   the one extended defect at a place. A pixel that any of them holds gets the name with the
   highest odds, p / (1 - p), summed over the windows around it. Odds, because a window beside a
   double fault shows a twin, and there are more windows beside a fault than on it: the few
   windows on it have the higher odds. In maps of quick models and the networks they teach,
   which show where each class begins and ends, an area gets pixels beside its own windows only.
4. A point defect is a site: no other one of its class lies within the separation, the size of a
   column in the windows of the model. Fragments within it are joined; defects that touch are split
   where the probability dips between two sites. So connected components are defects, whatever
   the step between windows. They have no minimum size.
5. A planar defect is one line: fragments that continue each other are joined, and ends near the
   border or a crossing reach it (`planar_lines`). One shorter than `MIN_PLANAR_LENGTH_PX` is
   removed: no fault or boundary is as short as a unit cell. So is one that is nowhere further than
   that from the border of the image, where half of every window is empty. Areas may be of any
   size, anywhere. Straight lines are drawn as bands, which overlap where they cross.
6. A pixel is ``unknown`` where its nearest window is valid, no class, Bulk included, is assigned to
   that window, and no defect mask holds the pixel. This needs an ensemble with a Bulk member. The
   nearest window decides, not the bilinear map, which would draw a seam of unknown between every
   defect and the bulk beside it.

No array of the size of the image is held but the packed masks: they are drawn in row blocks
(rules 1 to 3), searched for what is split or removed (4, 5), then finished.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.base.defect_classes import BULK, UNKNOWN
from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
from napari_stem_defects.postprocessing.mask_stack import MaskStack, row_slices
from napari_stem_defects.postprocessing.planar_lines import LinePlacer, line_edits
from napari_stem_defects.postprocessing.planar_masks import PlanarClasses
from napari_stem_defects.postprocessing.point_masks import PointClass, pixels_in_rows
from napari_stem_defects.postprocessing.point_sites import SEPARATION_PX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.line_edits import LineEdits
    from napari_stem_defects.postprocessing.results import ProbabilityMap

MIN_PLANAR_LENGTH_PX = 16.0
"""Minimum length of a planar defect in px: a quarter of a 64 px window."""

PROMINENCE = 0.2
"""Dip of the probability between two peaks from which they are two point defects."""

# Corrects, in place, one mask of a row block whose rows are given; blocks come in their order.
_Correction = Callable[["NDArray[np.uint8]", slice], None]


def masks_from_probability(
    map: ProbabilityMap,
    shape: tuple[int, int],
    thresholds: Mapping[str, float],
    invalid: NDArray[np.bool_] | None = None,
    *,
    min_length_px: float = MIN_PLANAR_LENGTH_PX,
    prominence: float = PROMINENCE,
    separation_px: float = SEPARATION_PX,
    rows: NDArray[np.float64] | None = None,
    place: LinePlacer | None = None,
    areas_where_found: bool = False,
) -> MaskStack:
    """Turn probabilities into one 0/1 mask per defect class and a last one, ``unknown``.

    Parameters
    ----------
    map : ProbabilityMap
    shape : (Y, X)
        Size of the image in px.
    thresholds : mapping of str to float
        Probability from which each class of the map, Bulk included, is assigned.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.
    min_length_px : float
        Planar regions shorter than this, or nowhere further than this from the border, are
        removed, and names of planar defects are voted on over 1.5 times this; 0 does neither.
    prominence : float
        See `PROMINENCE`.
    separation_px : float
        Least distance of two point defects of a class; 0 joins none.
    rows : ndarray of float64, shape (N, 2), optional
        Unit vectors (y, x) of the dense lattice rows, from which straight planar defects take
        their direction.
    place : callable, optional
        Moves a straight planar defect to where the image shows it; see `planar_lines.line_edits`.
    areas_where_found : bool
        Whether areas get pixels only beside windows that reach their own threshold; otherwise the
        vote may give them those of a line nearby.

    Returns
    -------
    MaskStack
        Masks of shape (Y, X), in the order of the classes of the map.
    """
    rules = _Rules(min_length_px, prominence, separation_px, areas_where_found)
    renderer = _Renderer.from_map(map, shape, thresholds, invalid, rules)
    names = (*map.defect_classes, UNKNOWN)
    drawn = (renderer.draw(rows) for rows in row_slices(shape))
    draft = MaskStack.from_blocks(names, shape, drawn)
    corrections: dict[str, _Correction] = {
        name: _clear_pixels(point.valleys(draft, name)) for name, point in renderer.points.items()
    }
    edits = None
    if min_length_px > 0 and map.names_of("line"):
        edits = line_edits(map, draft, renderer.interpolator, min_length_px, rows, place)
    finished = (renderer.finish(rows, block, corrections, edits) for rows, block in draft.blocks())
    masks = MaskStack.from_blocks(names, shape, finished)
    if edits is None:
        return masks
    return replace(masks, centre_lines=edits.centre_lines, shapes=edits.shapes)


class _Rules(NamedTuple):
    """Lengths in px, the prominence, and where areas may be, by which masks are drawn."""

    min_length_px: float
    prominence: float
    separation_px: float
    areas_where_found: bool


@dataclass(frozen=True)
class _Renderer:
    """Draws the masks of one frame, one row block at a time.

    Attributes
    ----------
    map : ProbabilityMap
    interpolator : WindowInterpolator
    invalid : ndarray of bool, shape (Y, X), or None
    points : dict of str to PointClass
    planar : PlanarClasses
    unassigned : ndarray of bool, shape (gy, gx)
        The valid windows to which no class is assigned.
    """

    map: ProbabilityMap
    interpolator: WindowInterpolator
    invalid: NDArray[np.bool_] | None
    points: dict[str, PointClass]
    planar: PlanarClasses
    unassigned: NDArray[np.bool_]

    @classmethod
    def from_map(
        cls,
        map: ProbabilityMap,
        shape: tuple[int, int],
        thresholds: Mapping[str, float],
        invalid: NDArray[np.bool_] | None,
        rules: _Rules,
    ) -> _Renderer:
        interpolator = WindowInterpolator(map.y, map.x, shape)
        points = {
            name: PointClass.from_map(
                map,
                name,
                thresholds[name],
                interpolator,
                prominence=rules.prominence,
                separation_px=rules.separation_px,
            )
            for name in map.names_of("point")
        }
        planar_thresholds = {name: thresholds[name] for name in map.names_of("line", "area")}
        planar = PlanarClasses.from_map(
            map,
            planar_thresholds,
            interpolator,
            rules.min_length_px,
            areas_where_found=rules.areas_where_found,
        )
        return cls(map, interpolator, invalid, points, planar, _unassigned(map, thresholds))

    def draw(self, rows: slice) -> NDArray[np.uint8]:
        """Draw all defect masks by rules 1 to 3; ``unknown``, the last mask, stays empty."""
        names = self.map.defect_classes
        width = self.interpolator.shape[1]
        block = np.zeros((len(names) + 1, rows.stop - rows.start, width), np.uint8)
        for name, point in self.points.items():
            point.draw(block[names.index(name)], rows)
        self.planar.draw([block[names.index(name)] for name in self.planar.names], rows)
        valid = self._valid_pixels(rows)
        return block if valid is None else block * valid

    def finish(
        self,
        rows: slice,
        block: NDArray[np.uint8],
        corrections: Mapping[str, _Correction],
        edits: LineEdits | None,
    ) -> NDArray[np.uint8]:
        """Correct drafted masks, in place, and draw ``unknown``."""
        valid = self._valid_pixels(rows)
        if edits is not None:
            names = self.map.names_of("line")
            masks = {name: block[self.map.defect_classes.index(name)] for name in names}
            edits.apply(masks, rows)
            if valid is not None:
                for mask in masks.values():
                    mask *= valid
            # An area gives way to the band of a line, which it must not divide.
            lines = np.any(list(masks.values()), axis=0)
            for name in self.map.names_of("area"):
                block[self.map.defect_classes.index(name)] *= ~lines
        for name, correct in corrections.items():
            correct(block[self.map.defect_classes.index(name)], rows)
        if BULK in self.map.classes and self.unassigned[self.interpolator.window_rows(rows)].any():
            block[-1] = self.interpolator.nearest(self.unassigned, rows)
            if valid is not None:
                block[-1] &= valid
            block[-1] &= ~block[:-1].any(axis=0)
        return block

    def _valid_pixels(self, rows: slice) -> NDArray[np.bool_] | None:
        """Return the pixels that may be in a mask; None where all may."""
        windows = self.map.valid[self.interpolator.window_rows(rows)]
        valid = None if windows.all() else self.interpolator.nearest(self.map.valid, rows)
        if self.invalid is None:
            return valid
        known = ~self.invalid[rows]
        return known if valid is None else valid & known


def _unassigned(map: ProbabilityMap, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Return the valid windows in which no class reaches its threshold."""
    floor = np.array([thresholds[name] for name in map.classes], np.float32)
    return map.valid & (map.probability < floor[:, None, None]).all(axis=0)


def _clear_pixels(pixels: NDArray[np.intp]) -> _Correction:
    """Return a correction that clears pixels (N, 2)."""

    def correct(mask: NDArray[np.uint8], rows: slice) -> None:
        y, x = pixels_in_rows(pixels, rows)
        mask[y, x] = 0

    return correct
