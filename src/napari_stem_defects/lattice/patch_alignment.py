"""Finding patches that show the same place, from their pixels alone.

Patch sets are often overlapping crops of a few images. Two crops of one image share blocks of
pixels to the bit, which fixes their offset; chains of such pairs put all crops of an image on
one canvas. Splits need this to keep one place from standing on both sides.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = (3, 8)
ANCHOR_STEP = 12
# Blocks that say little (flat areas) match everywhere. Spread in units of the largest intensity.
FLATTEST_STD = 1e-3
# A block is compared with this many others of its kind; more would not link more patches.
MOST_REPEATS = 64


def place_patches(
    patches: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Put patches that share pixels on common canvases.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)

    Returns
    -------
    canvas : ndarray of int, shape (N,)
        Number of the canvas; a patch that shares pixels with no other has one of its own.
    y, x : ndarray of float64, shape (N,)
        Upper left corner of each patch in px of its canvas, 0 at the smallest.
    """
    first, second, dy, dx = _matches(np.ascontiguousarray(patches, dtype=np.float32))
    canvas, y, x = _spread(len(patches), first, second, dy, dx)
    for number in np.unique(canvas):
        here = canvas == number
        y[here] -= y[here].min()
        x[here] -= x[here].min()
    return canvas, y, x


def _matches(
    patches: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (i, j) and the offset of j against i, agreed on by at least two blocks."""
    codes = _block_codes(patches)
    anchors_y, anchors_x = (
        grid.ravel()
        for grid in np.meshgrid(
            *(np.arange(2, length, ANCHOR_STEP) for length in codes.shape[1:]), indexing="ij"
        )
    )
    blocks = sliding_window_view(patches, BLOCK, axis=(1, 2))[:, anchors_y, anchors_x]
    textured = blocks.std(axis=(-2, -1)) > FLATTEST_STD * max(float(patches.max()), 1e-12)
    source, anchor = np.nonzero(textured)
    index, hit = _equal_codes(codes, codes[source, anchors_y[anchor], anchors_x[anchor]])
    source, anchor = source[index], anchor[index]
    other, y, x = np.unravel_index(hit, codes.shape)
    table = np.column_stack([source, other, anchors_y[anchor] - y, anchors_x[anchor] - x])
    pairs, votes = np.unique(table[source != other], axis=0, return_counts=True)
    sure = pairs[votes >= 2]
    return sure[:, 0], sure[:, 1], sure[:, 2], sure[:, 3]


def _block_codes(patches: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Return a 64-bit code of every block of every patch; equal pixels give equal codes."""
    bits = patches.view(np.uint32).astype(np.uint64)
    height, width = BLOCK
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 2**63, size=BLOCK, dtype=np.uint64) | np.uint64(1)
    rows, columns = patches.shape[1] - height + 1, patches.shape[2] - width + 1
    codes = np.zeros((len(patches), rows, columns), np.uint64)
    for i in range(height):
        for j in range(width):
            codes += weights[i, j] * bits[:, i : i + rows, j : j + columns]
    return codes


def _equal_codes(
    codes: NDArray[np.uint64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (index into ``wanted``, flat index into ``codes``) of equal codes."""
    order = np.argsort(codes, axis=None, kind="stable")
    in_order = codes.ravel()[order]
    begin = np.searchsorted(in_order, wanted, side="left")
    end = np.searchsorted(in_order, wanted, side="right")
    repeats = np.minimum(end - begin, MOST_REPEATS)
    index = np.repeat(np.arange(len(wanted)), repeats)
    within = np.arange(len(index)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return index, order[begin[index] + within]


def _spread(
    count: int,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    dy: NDArray[np.int64],
    dx: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Walk the graph of matches and give every patch a canvas and a place on it."""
    neighbours: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    for i, j, down, right in zip(first, second, dy, dx, strict=True):
        neighbours[i].append((int(j), int(down), int(right)))
        neighbours[j].append((int(i), -int(down), -int(right)))
    canvas = np.full(count, -1, np.int64)
    y, x = np.zeros(count), np.zeros(count)
    for start in range(count):
        if canvas[start] >= 0:
            continue
        canvas[start] = start
        queue = deque([start])
        while queue:
            here = queue.popleft()
            for there, down, right in neighbours[here]:
                if canvas[there] < 0:
                    canvas[there] = start
                    y[there], x[there] = y[here] + down, x[here] + right
                    queue.append(there)
    return canvas, y, x
