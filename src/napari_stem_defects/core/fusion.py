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

VOTE_REACH = 1.5
"""Standard deviation of the Gaussian over which names are voted on, in shortest defects."""

SUREST = 0.99
"""Probability beyond which a window's vote for a name weighs no more."""

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
        Regions of extended classes shorter than this, or nowhere further than this from the
        border, are dropped, and names of extended defects are voted on over 1.5 times this; 0 does
        neither.
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
    extended = [name for name in map.defect_classes if kind_of(name) == "extended"]
    for name, mask in zip(map.defect_classes, masks, strict=False):
        if name in extended:
            continue
        values = map.probability[map.classes.index(name)]
        passing = map.called & (values >= thresholds[name])
        if passing.any():
            pixels = rasterise(values, map.y, map.x, shape)
            found = _marked(pixels >= thresholds[name], passing, map)
            _join_across_corners(found, passing, map)
            found &= speaking
            peaks, _ = ndimage.label(passing & (h_maxima(values, prominence) > 0), _EIGHT)
            _cut_apart(found, pixels, _at_centres(peaks, map, shape))
            mask[:] = found
    if extended:
        limits = {name: thresholds[name] for name in extended}
        _draw_planar(masks, map, limits, speaking, speck_px)
    if BULK in map.classes:
        unknown = _nearest(_unclaimed(map, thresholds), map, shape) & speaking
        masks[-1] = unknown & ~masks[:-1].any(axis=0)
    return names, masks


def _marked(
    pixels: NDArray[np.bool_], passing: NDArray[np.bool_], map: ProbabilityMap
) -> NDArray[np.bool_]:
    """Add to the pixels that pass the one at the centre of each window that passes."""
    return pixels | (_at_centres(passing, map, pixels.shape) > 0)


def _join_across_corners(
    mask: NDArray[np.bool_], passing: NDArray[np.bool_], map: ProbabilityMap
) -> None:
    """Draw, in place, the line between the centres of windows that pass across a corner.

    Halfway the bilinear map is the mean of four windows, two of which may see nothing of a
    defect smaller than their step.
    """
    upper, lower = passing[:-1], passing[1:]
    for first, second, step in (
        (upper[:, :-1], lower[:, 1:], 1),
        (upper[:, 1:], lower[:, :-1], -1),
    ):
        rows, columns = np.nonzero(first & second)
        columns = columns + (step < 0)
        y, x = (map.y[rows], map.y[rows + 1]), (map.x[columns], map.x[columns + step])
        longest = max((np.abs(b - a).max(initial=0) for a, b in (y, x)))
        for share in np.linspace(0, 1, int(longest) + 2):
            at_y, at_x = (np.rint(a + share * (b - a)).astype(int) for a, b in (y, x))
            mask[np.clip(at_y, 0, len(mask) - 1), np.clip(at_x, 0, mask.shape[1] - 1)] = True


def _draw_planar(
    masks: NDArray[np.uint8],
    map: ProbabilityMap,
    thresholds: Mapping[str, float],
    speaking: NDArray[np.bool_],
    speck_px: float,
) -> None:
    """Find the planar defects and give, in place, each of their pixels one name's mask."""
    values = {name: map.probability[map.classes.index(name)] for name in thresholds}
    # A threshold of 0 is passed by every window.
    ratios = [
        values[name] / limit if limit else np.ones_like(values[name])
        for name, limit in thresholds.items()
    ]
    ratio = np.max(ratios, axis=0)
    passing = map.called & (ratio >= 1)
    if not passing.any():
        return
    pixels = rasterise(ratio, map.y, map.x, speaking.shape)
    planar = _marked(pixels >= 1, passing, map) & speaking
    strongest = np.zeros(planar.shape, np.float32)
    names = list(thresholds)
    winner = np.zeros(planar.shape, np.uint8)
    for number, name in enumerate(names):
        votes = _smoothed(_odds(values[name]) * passing, map, VOTE_REACH * speck_px)
        pixels = rasterise(votes, map.y, map.x, planar.shape)
        winner[pixels > strongest] = number
        np.maximum(strongest, pixels, out=strongest)
    for number, name in enumerate(names):
        mask = masks[map.defect_classes.index(name)]
        mask[:] = planar & (winner == number)
        _drop_specks(mask, speck_px)


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
    values: NDArray[np.integer[Any] | np.bool_], map: ProbabilityMap, shape: tuple[int, ...]
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
    """Remove, in place, regions shorter than ``speck_px`` and those that hug the border."""
    blobs, count = ndimage.label(mask, _EIGHT)
    keep = np.ones(count + 1, bool)
    for number, box in enumerate(ndimage.find_objects(blobs), start=1):
        keep[number] = max(side.stop - side.start for side in box) >= speck_px and all(
            side.stop > speck_px and side.start < length - speck_px
            for side, length in zip(box, mask.shape, strict=True)
        )
    mask[~keep[blobs]] = 0
