"""From the windows' answers to maps and 0/1 masks in pixels of the image.

A window speaks for the defect near its centre. Between centres the probability is bilinear,
outside the outermost ones that of the nearest, so every pixel has an answer. The rules of the
masks, in the order they apply:

1. A pixel nearest to a window without a call (blank, or with invalid pixels), and an invalid
   pixel itself, is in no plane: nothing is said about it.
2. A pixel belongs to every defect whose probability reaches that class's threshold: one place
   can hold two defects, as a fault ends in its junction. Extended classes alone compete,
   because they are names for the one planar defect that can lie there: of those that pass,
   the most probable keeps the pixel. A window that passes marks at least the pixel at its
   centre, so no answer falls between pixels.
3. Point defects that touch are cut apart where the probability dips between two peaks, so
   that connected regions of a plane are defects. However small, they stay.
4. A region of an extended class shorter than `SPECK_PX` is dropped: a fault or boundary as
   short as a unit cell is none.
5. A pixel is ``unknown`` where its nearest window was called, no class claims that window,
   Bulk included, and no defect plane holds the pixel. Only an ensemble with a Bulk member can
   say so. The nearest window decides, not the bilinear map, which would draw a seam of
   unknown between every defect and the bulk beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from napari_stem_defects.core.classes import BULK, UNKNOWN, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.core.detection_result import ProbabilityMap

SPECK_PX = 16.0
"""Shortest extended defect in px: a quarter of a 64 px window."""

PROMINENCE = 0.2
"""How far the probability must dip between two peaks for them to be two point defects."""

_EIGHT = np.ones((3, 3), bool)
_BLOCK_ROWS = 256


def rasterise(
    values: NDArray[np.float32],
    y: NDArray[np.float32],
    x: NDArray[np.float32],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Spread values at window centres over the pixels of an image.

    Parameters
    ----------
    values : ndarray, shape (gy, gx)
    y, x : ndarray, shapes (gy,) and (gx,)
        Increasing centres in px, steps of any length; pixel i lies at coordinate i.
    shape : (Y, X)

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Bilinear between centres, the nearest centre's value outside them. Beside the result
        only a block of rows is held in memory.
    """
    top, bottom, down = _bracket(y, shape[0])
    left, right, across = _bracket(x, shape[1])
    wide = _blend(values[:, left], values[:, right], across)
    pixels = np.empty(shape, np.float32)
    for start in range(0, shape[0], _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        pixels[rows] = _blend(wide[top[rows]], wide[bottom[rows]], down[rows, None])
    return pixels


def masks_from_map(
    map: ProbabilityMap,
    shape: tuple[int, int],
    thresholds: Mapping[str, float],
    invalid: NDArray[np.bool_] | None = None,
    *,
    speck_px: float = SPECK_PX,
    prominence: float = PROMINENCE,
) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Turn probabilities into one 0/1 plane per defect class and a last one, ``unknown``.

    Parameters
    ----------
    map : ProbabilityMap
    shape : (Y, X)
        Size of the image in px.
    thresholds : mapping
        Probability from which each class of the map, Bulk included, counts as present.
    invalid : ndarray of bool, shape (Y, X), or None
        Pixels without a value.
    speck_px : float
        Regions of extended classes shorter than this are dropped; 0 keeps all.
    prominence : float
        See `PROMINENCE`.

    Returns
    -------
    names : tuple of str
        The defect classes, then ``unknown``.
    masks : ndarray of uint8, shape (len(names), Y, X)
    """
    names = (*map.defect_classes, UNKNOWN)
    masks = np.zeros((len(names), *shape), np.uint8)
    speaking = _nearest(map.called, map, shape)
    if invalid is not None:
        speaking &= ~invalid
    extended = [n for n, name in enumerate(map.defect_classes) if kind_of(name) == "extended"]
    strongest = np.zeros(shape, np.float32)
    for number, name in enumerate(map.defect_classes):
        values, threshold = map.probability[map.classes.index(name)], thresholds[name]
        passing = map.called & (values >= threshold)
        if not passing.any():
            continue
        pixels = rasterise(values, map.y, map.x, shape)
        mask = (pixels >= threshold) | (_at_centres(passing, map, shape) > 0)
        mask &= speaking
        if number in extended:
            mask &= pixels > strongest
            for other in extended:
                masks[other][mask] = 0
            strongest[mask] = pixels[mask]
        else:
            peaks, _ = ndimage.label(passing & (h_maxima(values, prominence) > 0), _EIGHT)
            _cut_apart(mask, pixels, _at_centres(peaks, map, shape))
        masks[number] = mask
    for number in extended:
        _drop_specks(masks[number], speck_px)
    if BULK in map.classes:
        unknown = _nearest(_unclaimed(map, thresholds), map, shape) & speaking
        masks[-1] = unknown & ~masks[:-1].any(axis=0)
    return names, masks


def _bracket(
    centres: NDArray[np.float32], length: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return, for each pixel, the centres before and after it and how far it is between."""
    position = np.interp(np.arange(length), centres, np.arange(len(centres)))
    before = np.minimum(position.astype(np.intp), max(len(centres) - 2, 0))
    after = np.minimum(before + 1, len(centres) - 1)
    return before, after, (position - before).astype(np.float32)


def _blend(
    a: NDArray[np.float32], b: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Interpolate linearly, exactly where ``a`` equals ``b``."""
    return a + (b - a) * weight


def _nearest(
    values: NDArray[np.bool_], map: ProbabilityMap, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Give every pixel the value of its nearest window; shape (gy, gx) to (Y, X)."""
    rows, columns = (
        np.where(weight > 0.5, after, before)
        for before, after, weight in (_bracket(map.y, shape[0]), _bracket(map.x, shape[1]))
    )
    pixels: NDArray[np.bool_] = values[np.ix_(rows, columns)]
    return pixels


def _at_centres(
    values: NDArray[np.integer[Any] | np.bool_], map: ProbabilityMap, shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Put each window's value into the pixel at its centre, 0 elsewhere; shape (Y, X)."""
    rows, columns = np.nonzero(values)
    pixels = np.zeros(shape, np.int32)
    pixels[
        np.clip(np.rint(map.y[rows]).astype(int), 0, shape[0] - 1),
        np.clip(np.rint(map.x[columns]).astype(int), 0, shape[1] - 1),
    ] = values[rows, columns]
    return pixels


def _unclaimed(map: ProbabilityMap, thresholds: Mapping[str, float]) -> NDArray[np.bool_]:
    """Return the called windows in which no class reaches its threshold."""
    floor = np.array([thresholds[name] for name in map.classes], np.float32)
    return map.called & (map.probability < floor[:, None, None]).all(axis=0)


def _cut_apart(
    mask: NDArray[np.bool_], pixels: NDArray[np.float32], peaks: NDArray[np.int32]
) -> None:
    """Cut, in place, blobs with several peaks along the valleys between them."""
    blobs, _ = ndimage.label(mask, _EIGHT)
    for number, box in enumerate(ndimage.find_objects(blobs), start=1):
        blob = blobs[box] == number
        markers = np.where(blob, peaks[box], 0)
        if np.unique(markers[markers > 0]).size < 2:
            continue
        # The cut is drawn here because watershed_line with 8 neighbours takes minutes.
        basins = watershed(-pixels[box], markers, connectivity=2, mask=blob)
        mask[box] &= ~blob | (ndimage.maximum_filter(basins, size=3) == basins)


def _drop_specks(mask: NDArray[np.uint8], speck_px: float) -> None:
    """Remove, in place, regions whose bounding box is shorter than ``speck_px`` both ways."""
    blobs, count = ndimage.label(mask, _EIGHT)
    keep = np.ones(count + 1, bool)
    for number, (rows, columns) in enumerate(ndimage.find_objects(blobs), start=1):
        size = max(rows.stop - rows.start, columns.stop - columns.start)
        keep[number] = size >= speck_px
    mask[~keep[blobs]] = 0
