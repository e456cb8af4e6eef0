"""Alignment of patches that overlap by identical pixels.

Patch sets are often overlapping crops of a few images. Two crops of one image share blocks of
bit-identical pixels, which determine their offset; chains of such pairs align all crops of an
image. Splits need the alignment to keep pixels of the training set out of the test set.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = (3, 8)
"""Height and width of the compared blocks in px."""
ANCHOR_STEP = 12
"""Step between the searched blocks of a patch in px."""
# Blocks without texture match everywhere. Standard deviation in units of the largest intensity.
MIN_CONTRAST = 1e-3
# A block is compared with this number of equal ones; more would not link more patches.
MAX_REPEATS = 64


def align_patches(
    patches: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Align patches that share pixels.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
        Intensities in any unit.

    Returns
    -------
    source_image : ndarray of int64, shape (N,)
        Number of the image that each patch is a crop of. A patch that shares pixels with no other
        patch has an individual number.
    y, x : ndarray of float64, shape (N,)
        Upper left corner of each patch in px of its source image; the smallest is 0.
    """
    first, second, dy, dx = _find_matches(np.ascontiguousarray(patches, dtype=np.float32))
    source_image, y, x = _walk_matches(len(patches), first, second, dy, dx)
    for number in np.unique(source_image):
        members = source_image == number
        y[members] -= y[members].min()
        x[members] -= x[members].min()
    return source_image, y, x


def _find_matches(
    patches: NDArray[np.float32],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (i, j) and the offset of j from i on which at least two blocks agree."""
    codes = _block_codes(patches)
    anchors_y, anchors_x = (
        grid.ravel()
        for grid in np.meshgrid(
            *(np.arange(2, length, ANCHOR_STEP) for length in codes.shape[1:]), indexing="ij"
        )
    )
    blocks = sliding_window_view(patches, BLOCK, axis=(1, 2))[:, anchors_y, anchors_x]
    textured = blocks.std(axis=(-2, -1)) > MIN_CONTRAST * max(float(patches.max()), 1e-12)
    source, anchor = np.nonzero(textured)
    index, hit = _equal_codes(codes, codes[source, anchors_y[anchor], anchors_x[anchor]])
    source, anchor = source[index], anchor[index]
    other, y, x = np.unravel_index(hit, codes.shape)
    table = np.column_stack([source, other, anchors_y[anchor] - y, anchors_x[anchor] - x])
    pairs, votes = np.unique(table[source != other], axis=0, return_counts=True)
    confirmed = pairs[votes >= 2]
    return confirmed[:, 0], confirmed[:, 1], confirmed[:, 2], confirmed[:, 3]


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
    codes: NDArray[np.uint64], searched: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs (index into ``searched``, flat index into ``codes``) of equal codes."""
    order = np.argsort(codes, axis=None, kind="stable")
    in_order = codes.ravel()[order]
    begin = np.searchsorted(in_order, searched, side="left")
    end = np.searchsorted(in_order, searched, side="right")
    repeats = np.minimum(end - begin, MAX_REPEATS)
    index = np.repeat(np.arange(len(searched)), repeats)
    within = np.arange(len(index)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return index, order[begin[index] + within]


def _walk_matches(
    count: int,
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    dy: NDArray[np.int64],
    dx: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Traverse the graph of matches; return the source image of every patch and its position."""
    neighbours: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    for i, j, down, right in zip(first, second, dy, dx, strict=True):
        neighbours[i].append((int(j), int(down), int(right)))
        neighbours[j].append((int(i), -int(down), -int(right)))
    source_image = np.full(count, -1, np.int64)
    y, x = np.zeros(count), np.zeros(count)
    for start in range(count):
        if source_image[start] >= 0:
            continue
        source_image[start] = start
        queue = deque([start])
        while queue:
            current = queue.popleft()
            for neighbour, down, right in neighbours[current]:
                if source_image[neighbour] < 0:
                    source_image[neighbour] = start
                    y[neighbour], x[neighbour] = y[current] + down, x[current] + right
                    queue.append(neighbour)
    return source_image, y, x
