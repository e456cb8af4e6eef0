"""Image data sent from a panel to a worker: raw pixels with name, pixel size and path."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.micrograph import Micrograph, PixelSizeSource
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.convert import NotAnImage, RawImage, to_pixels
from napari_stem_defects.io.images.signal_micrograph import hash_of_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class FrameInput:
    """A frame or a whole stack in memory, not yet converted to a micrograph.

    Attributes
    ----------
    array : ndarray of any numeric type
        Shape (Y, X) or (T, Y, X); a colour image has a last axis of 3 or 4 samples.
    name : str
    colour : bool
    pixel_size_nm : float or None
    pixel_size_source : str
    path : Path or None
        The file that the array was read from.
    sha256 : str
        Hash of that file; "" if it is not known yet.
    signal : str
        Name of the signal in a file that holds several.
    invalid : ndarray of bool, shape of the pixels, or None
        Pixels that were filled when the file was read.
    """

    array: NDArray[Any]
    name: str
    colour: bool = False
    pixel_size_nm: float | None = None
    pixel_size_source: PixelSizeSource = "unknown"
    path: Path | None = None
    sha256: str = ""
    signal: str = ""
    invalid: NDArray[np.bool_] | None = None

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of a frame in px."""
        height, width = self.array.shape[: -1 if self.colour else None][-2:]
        return height, width

    def micrograph(self) -> Micrograph:
        """Convert as `read` does for files: float32, finite, one channel.

        Raises
        ------
        InputError
            If the array cannot be a micrograph.
        """
        try:
            pixels, invalid, notes = to_pixels(RawImage(np.asarray(self.array), colour=self.colour))
        except NotAnImage as error:
            raise InputError(f"{self.name}: {error}") from error
        if self.invalid is not None and self.invalid.shape == pixels.shape:
            invalid = self.invalid if invalid is None else invalid | self.invalid
        return Micrograph(
            pixels=pixels,
            name=self.name,
            pixel_size_nm=self.pixel_size_nm,
            pixel_size_source=self.pixel_size_source,
            invalid=invalid,
            path=self.path,
            sha256=self.sha256 or hash_of_image(self.path, self.array),
            notes=notes,
            signal=self.signal,
        )


def hash_of_image(path: Path | None, array: NDArray[Any]) -> str:
    """Return the hash of the file, or of the pixels where there is no file (any more).

    Parameters
    ----------
    path : Path or None
    array : ndarray
        Pixels as napari or a script has them.

    Returns
    -------
    str
        SHA-256.
    """
    if path is not None and path.exists():
        return hash_of_file(path)
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
