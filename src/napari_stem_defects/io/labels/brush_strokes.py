"""Masks painted with the brush of Label Studio, from their run-length encoding.

The encoding packs the bytes of an RGBA picture, of which the last channel is the mask, into bits
(rle-pack of thi.ng/umbrella): 32 bits for the number of bytes, 5 for the size of a value less one,
4 times 4 for the sizes of lengths less one. Then runs follow: a bit that is 1 for equal values, 2
bits that choose the size of the length, the length less one, and one value or as many as that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HEADER_BITS = 32 + 5 + 4 * 4
_CHANNELS = 4
_BYTE = 8
_PAINTED = 128
"""Least opacity of a painted px: the rim of a stroke is smoothed."""


def painted_mask(encoded: Sequence[int], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels that a brush painted.

    Parameters
    ----------
    encoded : sequence of int
        Bytes of the encoding.
    shape : (Y, X)
        Size of the image in px.

    Returns
    -------
    ndarray of bool, shape (Y, X)

    Raises
    ------
    ValueError
        The encoding is not of the size of the image, ends early or has other values than bytes.
    """
    packed = np.asarray(encoded)
    if packed.ndim != 1 or packed.dtype.kind not in "iu" or (packed != packed.astype("u1")).any():
        raise ValueError("a brush stroke is no list of bytes")
    bits = np.unpackbits(packed.astype(np.uint8))
    if len(bits) < _HEADER_BITS:
        raise ValueError("a brush stroke ends early")
    number, width = _number(bits[:32]), _number(bits[32:37]) + 1
    sizes = [_number(bits[at : at + 4]) + 1 for at in range(37, _HEADER_BITS, 4)]
    if number != _CHANNELS * shape[0] * shape[1] or width != _BYTE:
        raise ValueError("a brush stroke is not of the size of the image")
    values = _unpacked(bits, number, sizes)
    return np.asarray(values.reshape(*shape, _CHANNELS)[..., -1] >= _PAINTED)


def _unpacked(bits: NDArray[np.uint8], number: int, sizes: Sequence[int]) -> NDArray[np.uint8]:
    """Return the values of all runs."""
    values = np.zeros(number, np.uint8)
    at, done = _HEADER_BITS, 0
    while done < number:
        is_repeated, size = bits[at : at + 1].any(), sizes[_number(bits[at + 1 : at + 3])]
        length = _number(bits[at + 3 : at + 3 + size]) + 1
        at += 3 + size
        stored = _BYTE * (1 if is_repeated else length)
        run = np.packbits(bits[at : at + stored])
        if at + stored > len(bits) or done + length > number:
            raise ValueError("a brush stroke ends early")
        values[done : done + length] = run
        at, done = at + stored, done + length
    return values


def _number(bits: NDArray[np.uint8]) -> int:
    """Return the number that bits state, highest first."""
    found = 0
    for bit in bits.tolist():
        found = 2 * found + bit
    return found
