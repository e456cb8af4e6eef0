"""The 0/1 planes of one frame, packed.

A byte per pixel and plane is more than a micrograph itself. Packed to bits and compressed, the
planes of a large one take some MB, and whoever needs them needs a strip of rows at a time.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

PIXELS_TOGETHER = 2**21
"""Size of a strip in px."""


def row_blocks(shape: tuple[int, int]) -> Iterator[slice]:
    """Yield the rows of an image (Y, X) in strips of `PIXELS_TOGETHER` px."""
    step = max(1, PIXELS_TOGETHER // max(1, shape[1]))
    for top in range(0, shape[0], step):
        yield slice(top, min(top + step, shape[0]))


@dataclass(frozen=True)
class MaskStack:
    """Planes of 0 and 1, kept as compressed bits.

    Attributes
    ----------
    names : tuple of str
    shape : (int, int)
        Height and width of a plane, px.
    strips : tuple of slice
        The rows that are packed together, from top to bottom.
    packed : tuple of tuple of bytes
        For each strip the bits of each plane.
    """

    names: tuple[str, ...]
    shape: tuple[int, int]
    strips: tuple[slice, ...]
    packed: tuple[tuple[bytes, ...], ...]

    @classmethod
    def drawn(
        cls, names: tuple[str, ...], shape: tuple[int, int], parts: Iterable[NDArray[np.uint8]]
    ) -> MaskStack:
        """Pack what comes strip by strip, each of the shape (len(names), rows, X)."""
        packed, strips, top = [], [], 0
        for part in parts:
            packed.append(tuple(_pack(mask) for mask in part))
            strips.append(slice(top, top + part.shape[1]))
            top += part.shape[1]
        return cls(names, shape, tuple(strips), tuple(packed))

    @classmethod
    def of(cls, names: tuple[str, ...], masks: NDArray[np.uint8]) -> MaskStack:
        """Pack an array (len(names), Y, X)."""
        shape = masks.shape[1], masks.shape[2]
        return cls.drawn(names, shape, (masks[:, rows] for rows in row_blocks(shape)))

    @classmethod
    def one_by_one(cls, names: tuple[str, ...], planes: Iterable[NDArray[np.uint8]]) -> MaskStack:
        """Pack planes (Y, X) of one shape that come one after another."""
        packed, shape = [], (0, 0)
        for plane in planes:
            shape = plane.shape[0], plane.shape[1]
            packed.append([_pack(plane[rows]) for rows in row_blocks(shape)])
        return cls(names, shape, tuple(row_blocks(shape)), tuple(zip(*packed, strict=True)))

    def parts(self) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """Yield the rows of each strip and all planes there, uint8 (C, rows, X)."""
        for rows, packed in zip(self.strips, self.packed, strict=True):
            part = [_unpack(each, self._strip_shape(rows)) for each in packed]
            yield (
                rows,
                np.stack(part) if part else np.zeros((0, *self._strip_shape(rows)), np.uint8),
            )

    def parts_of(
        self, name: str, within: slice = slice(None)
    ) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """Yield the rows of each strip that meets some rows, and one plane there (rows, X)."""
        first, last, _ = within.indices(self.shape[0])
        plane = self.names.index(name)
        for rows, packed in zip(self.strips, self.packed, strict=True):
            if rows.start < last and rows.stop > first:
                yield rows, _unpack(packed[plane], self._strip_shape(rows))

    def crop(self, name: str, box: tuple[slice, slice]) -> NDArray[np.uint8]:
        """Return a rectangle of one plane."""
        pieces = [
            mask[max(0, box[0].start - rows.start) : box[0].stop - rows.start, box[1]]
            for rows, mask in self.parts_of(name, box[0])
        ]
        return np.concatenate(pieces)

    def masks(self) -> NDArray[np.uint8]:
        """Return all planes as one array (C, Y, X)."""
        masks = np.zeros((len(self.names), *self.shape), np.uint8)
        for rows, part in self.parts():
            masks[:, rows] = part
        return masks

    def areas_px(self) -> list[int]:
        """Return the number of pixels each plane marks."""
        areas = np.zeros(len(self.names), np.int64)
        for _, part in self.parts():
            areas += part.sum(axis=(1, 2), dtype=np.int64)
        return [int(area) for area in areas]

    def _strip_shape(self, rows: slice) -> tuple[int, int]:
        return rows.stop - rows.start, self.shape[1]


def in_blocks(
    parts: Iterable[tuple[slice, NDArray[Any]]],
    shape: tuple[int, int],
    edge: int,
    combine: np.ufunc,
    dtype: np.dtype[Any] | type,
) -> NDArray[Any]:
    """Combine the blocks of a plane that comes in strips, each with its rows.

    Parameters
    ----------
    parts : iterable of (slice, ndarray of shape (rows, X))
    shape : (Y, X)
    edge : int
        Of a block, px; those at the lower and right border may be smaller.
    combine : ufunc
        ``np.maximum`` of what is not negative, or ``np.add``.
    dtype : dtype
        Of the result.

    Returns
    -------
    ndarray, shape (ceil(Y / edge), ceil(X / edge))
    """
    small = np.zeros([-(-length // edge) for length in shape], dtype)
    columns = np.arange(0, shape[1], edge)
    for rows, part in parts:
        if edge == 1:
            small[rows] = part
            continue
        block = np.arange(rows.start, rows.stop) // edge
        first = np.flatnonzero(np.diff(block, prepend=-1))
        wide = combine.reduceat(part, columns, axis=1, dtype=dtype)
        there = block[first]
        small[there] = combine(small[there], combine.reduceat(wide, first, axis=0))
    return small


def _pack(mask: NDArray[np.uint8]) -> bytes:
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def _unpack(packed: bytes, shape: tuple[int, int]) -> NDArray[np.uint8]:
    bits = np.frombuffer(zlib.decompress(packed), np.uint8)
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape)
