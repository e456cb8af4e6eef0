"""The masks of one frame as compressed bits, read in row blocks.

One byte per pixel and mask is more than the micrograph itself. Packed to bits and compressed, the
masks of a large micrograph take a few MB, and they are needed one row block at a time.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.region_shapes import RegionShape

BLOCK_PIXELS = 2**21
"""Size of a row block in px."""


def row_slices(shape: tuple[int, int]) -> Iterator[slice]:
    """Yield the rows of an image (Y, X) as slices of about `BLOCK_PIXELS` px.

    Parameters
    ----------
    shape : (Y, X)
        Size of the image in px.

    Yields
    ------
    slice
        Rows of the next block, at least one.
    """
    step = max(1, BLOCK_PIXELS // max(1, shape[1]))
    for top in range(0, shape[0], step):
        yield slice(top, min(top + step, shape[0]))


@dataclass(frozen=True)
class MaskStack:
    """Masks of 0 and 1, one per name, kept as compressed bits.

    Attributes
    ----------
    names : tuple of str
    shape : (int, int)
        Height and width of a mask in px.
    row_slices : tuple of slice
        The rows of each block, from top to bottom.
    packed : tuple of tuple of bytes
        For each block the bits of each mask.
    centre_lines : mapping of str to tuple of lines
        Points (y, x) in px of the centre lines that masks were drawn around, by name; a mask may
        have more components than lines.
    shapes : mapping of bytes to RegionShape
        Shapes that were measured before the masks were drawn, by `Component.digest`: of a
        component that stayed as it was, none has to be measured again.
    """

    names: tuple[str, ...]
    shape: tuple[int, int]
    row_slices: tuple[slice, ...]
    packed: tuple[tuple[bytes, ...], ...]
    centre_lines: Mapping[str, tuple[tuple[tuple[float, float], ...], ...]] = field(
        default_factory=dict
    )
    shapes: Mapping[bytes, RegionShape] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"MaskStack({', '.join(self.names)}; each of shape {self.shape})"

    @classmethod
    def from_blocks(
        cls, names: tuple[str, ...], shape: tuple[int, int], blocks: Iterable[NDArray[np.uint8]]
    ) -> MaskStack:
        """Pack row blocks, each of the shape (len(names), rows, X).

        Parameters
        ----------
        names : tuple of str
            One name per mask.
        shape : (Y, X)
            Size of a mask in px.
        blocks : iterable of ndarray of uint8
            All masks in the next rows, 0 or 1, from top to bottom.

        Returns
        -------
        MaskStack
            The packed masks.
        """
        packed, slices, top = [], [], 0
        for block in blocks:
            packed.append(tuple(_pack(mask) for mask in block))
            slices.append(slice(top, top + block.shape[1]))
            top += block.shape[1]
        return cls(names, shape, tuple(slices), tuple(packed))

    @classmethod
    def from_array(cls, names: tuple[str, ...], masks: NDArray[np.uint8]) -> MaskStack:
        """Pack an array (len(names), Y, X).

        Parameters
        ----------
        names : tuple of str
            One name per mask.
        masks : ndarray of uint8, shape (C, Y, X)
            Values 0 and 1.

        Returns
        -------
        MaskStack
            The packed masks.
        """
        shape = masks.shape[1], masks.shape[2]
        return cls.from_blocks(names, shape, (masks[:, rows] for rows in row_slices(shape)))

    @classmethod
    def from_masks(cls, names: tuple[str, ...], masks: Iterable[NDArray[np.uint8]]) -> MaskStack:
        """Pack masks (Y, X) of one shape that come one after another.

        Parameters
        ----------
        names : tuple of str
            One name per mask.
        masks : iterable of ndarray of uint8, shape (Y, X)
            One per name, 0 or 1.

        Returns
        -------
        MaskStack
            The packed masks.
        """
        packed, shape = [], (0, 0)
        for mask in masks:
            shape = mask.shape[0], mask.shape[1]
            packed.append([_pack(mask[rows]) for rows in row_slices(shape)])
        return cls(names, shape, tuple(row_slices(shape)), tuple(zip(*packed, strict=True)))

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """Yield the rows of each block and all masks there, uint8 (C, rows, X)."""
        for rows, packed in zip(self.row_slices, self.packed, strict=True):
            part = [_unpack(each, self._block_shape(rows)) for each in packed]
            yield (
                rows,
                np.stack(part) if part else np.zeros((0, *self._block_shape(rows)), np.uint8),
            )

    def blocks_of(
        self, name: str, within: slice = slice(None)
    ) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """Yield the rows of each block that meets some rows, and one mask there (rows, X).

        Parameters
        ----------
        name : str
            Name of the mask; ValueError if there is none.
        within : slice
            Rows of interest; all by default.

        Yields
        ------
        (slice, ndarray of uint8, shape (rows, X))
            The rows of a block and the mask there.
        """
        first, last, _ = within.indices(self.shape[0])
        index = self.names.index(name)
        for rows, packed in zip(self.row_slices, self.packed, strict=True):
            if rows.start < last and rows.stop > first:
                yield rows, _unpack(packed[index], self._block_shape(rows))

    def crop(self, name: str, box: tuple[slice, slice]) -> NDArray[np.uint8]:
        """Return a rectangle of one mask.

        Parameters
        ----------
        name : str
            Name of the mask.
        box : (slice, slice)
            Rows and columns in px.

        Returns
        -------
        ndarray of uint8
            The mask inside the box.
        """
        rows_of_box = [
            mask[max(0, box[0].start - rows.start) : box[0].stop - rows.start, box[1]]
            for rows, mask in self.blocks_of(name, box[0])
        ]
        return np.concatenate(rows_of_box)

    def masks(self) -> NDArray[np.uint8]:
        """Return all masks as one array (C, Y, X)."""
        masks = np.zeros((len(self.names), *self.shape), np.uint8)
        for rows, part in self.blocks():
            masks[:, rows] = part
        return masks

    def areas_px(self) -> list[int]:
        """Return the number of pixels of each mask."""
        areas = np.zeros(len(self.names), np.int64)
        for _, part in self.blocks():
            areas += part.sum(axis=(1, 2), dtype=np.int64)
        return [int(area) for area in areas]

    def _block_shape(self, rows: slice) -> tuple[int, int]:
        return rows.stop - rows.start, self.shape[1]


def reduce_squares(
    blocks: Iterable[tuple[slice, NDArray[Any]]],
    shape: tuple[int, int],
    edge: int,
    combine: np.ufunc,
    dtype: np.dtype[Any] | type,
) -> NDArray[Any]:
    """Reduce squares of a mask that comes in row blocks, each with its rows.

    Parameters
    ----------
    blocks : iterable of (slice, ndarray of shape (rows, X))
    shape : (Y, X)
    edge : int
        Edge of a square in px; those at the lower and right border may be smaller.
    combine : ufunc
        ``np.maximum`` for values that are not negative, or ``np.add``.
    dtype : dtype
        Type of the result.

    Returns
    -------
    ndarray, shape (ceil(Y / edge), ceil(X / edge))
    """
    small = np.zeros([-(-length // edge) for length in shape], dtype)
    for rows, part in blocks:
        if edge == 1:
            small[rows] = part
            continue
        squares = slice(rows.start // edge, -(-rows.stop // edge))
        narrow = np.zeros((squares.stop - squares.start, shape[1]), dtype)
        # Whole rows, then whole columns: thirty times as fast as `reduceat`.
        for start in range(min(edge, len(part))):
            each = part[start::edge]
            first = (rows.start + start) // edge - squares.start
            into = narrow[first : first + len(each)]
            combine(into, each, out=into)
        for start in range(min(edge, shape[1])):
            each = narrow[:, start::edge]
            into = small[squares, : each.shape[1]]
            combine(into, each, out=into)
    return small


def _pack(mask: NDArray[np.uint8]) -> bytes:
    return zlib.compress(np.packbits(mask).tobytes(), 1)


def _unpack(packed: bytes, shape: tuple[int, int]) -> NDArray[np.uint8]:
    bits = np.frombuffer(zlib.decompress(packed), np.uint8)
    return np.unpackbits(bits, count=shape[0] * shape[1]).reshape(shape)
