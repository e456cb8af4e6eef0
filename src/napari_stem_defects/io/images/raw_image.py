"""What a format's reader hands over: the stored numbers, before any conversion."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


@dataclass(frozen=True)
class RawImage:
    """An image or stack as it lies in the file.

    Attributes
    ----------
    array : ndarray of any numeric dtype and byte order
        Shape (Y, X), (T, Y, X), (Y, X, S) or (T, Y, X, S).
    colour : bool
        Whether the last axis holds red, green, blue and possibly alpha.
    pixel_nm : tuple of float, or None
        Height and width of one pixel in nm as the file gives them.
    metadata : mapping
        Whatever the file says about itself; need not be plain data yet.
    notes : tuple of str
        What was chosen or left out while reading, one sentence each.
    """

    array: NDArray[Any]
    colour: bool = False
    pixel_nm: tuple[float, float] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
