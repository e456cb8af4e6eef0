"""Pixel files of a label project: one ``.npy`` file per labelled frame."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.labels.label import LabelledFrame

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pixel_path(folder: Path, sha256: str, frame: int, *, stack: bool) -> Path:
    """Return the path of the pixel file of a frame.

    Parameters
    ----------
    folder : Path
        The folder of the project.
    sha256 : str
        SHA-256 of the micrograph.
    frame : int
        Index of the frame.
    stack : bool
        Whether the micrograph is a stack.

    Returns
    -------
    Path
        ``images/<sha256>.npy``, or ``images/<sha256>-<frame>.npy`` for a stack.
    """
    return folder / "images" / (f"{sha256}-{frame}.npy" if stack else f"{sha256}.npy")


def pixel_hash(pixels: NDArray[np.float32]) -> str:
    """Return the SHA-256 of a micrograph without a file.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X) or (T, Y, X)
        Its pixels.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return hashlib.sha256(np.ascontiguousarray(pixels).tobytes()).hexdigest()


def store_pixels(
    folder: Path, micrograph: Micrograph, frame: int, known: LabelledFrame | None
) -> LabelledFrame:
    """Store one frame of a micrograph.

    Pixels that are stored and undamaged are not replaced, so that existing labels keep their
    image; name, path and pixel size are updated from the micrograph.

    Parameters
    ----------
    folder : Path
        The folder of the project.
    micrograph : Micrograph
        An image or a stack.
    frame : int
        Index of the frame.
    known : LabelledFrame or None
        Present entry of the frame.

    Returns
    -------
    LabelledFrame
        The new entry; it keeps a known pixel size if the micrograph has none.

    Raises
    ------
    OutputError
        The disk is full or not writable.
    """
    checksum = known.checksum if known and _is_undamaged(folder, known) else None
    if checksum is None:
        data = _npy_bytes(micrograph.frame(frame))
        checksum = hashlib.sha256(data).hexdigest()
        write_bytes(pixel_path(folder, micrograph.sha256, frame, stack=micrograph.is_stack), data)
    height, width = micrograph.frame_shape
    entry = LabelledFrame(
        sha256=micrograph.sha256,
        frame=frame,
        name=micrograph.name,
        height=height,
        width=width,
        checksum=checksum,
        stack=micrograph.is_stack,
        pixel_size_nm=micrograph.pixel_size_nm,
        pixel_size_source=micrograph.pixel_size_source,
        path=_relative_path(folder, micrograph.path),
    )
    if known and entry.pixel_size_nm is None:
        entry = replace(
            entry, pixel_size_nm=known.pixel_size_nm, pixel_size_source=known.pixel_size_source
        )
    return entry


def load_pixels(folder: Path, entry: LabelledFrame) -> Micrograph:
    """Read a stored frame as a single image.

    Parameters
    ----------
    folder : Path
        The folder of the project.
    entry : LabelledFrame
        The frame.

    Returns
    -------
    Micrograph
        The frame; invalid pixels hold its median.

    Raises
    ------
    LabelError
        The file is missing or damaged.
    """
    pixels = _array(_stored_bytes(folder, entry), entry)
    invalid = ~np.isfinite(pixels)
    if not invalid.any():
        return _micrograph(folder, entry, pixels, None)
    pixels[invalid] = 0.0 if invalid.all() else np.median(pixels[~invalid])
    return _micrograph(folder, entry, pixels, invalid)


def _is_undamaged(folder: Path, entry: LabelledFrame) -> bool:
    try:
        _stored_bytes(folder, entry)
    except LabelError:
        return False
    return True


def _stored_bytes(folder: Path, entry: LabelledFrame) -> bytes:
    path = pixel_path(folder, entry.sha256, entry.frame, stack=entry.stack)
    remedy = f"add the image {entry.name!r} to the project again"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise LabelError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    if hashlib.sha256(data).hexdigest() != entry.checksum:
        raise LabelError(f"{path}: damaged (wrong checksum); {remedy}")
    return data


def _array(data: bytes, entry: LabelledFrame) -> NDArray[np.float32]:
    try:
        array = np.load(BytesIO(data), allow_pickle=False)
    except (ValueError, MemoryError, EOFError) as error:
        raise LabelError(f"pixels of {entry.name!r} are not an array; add it again") from error
    if not isinstance(array, np.ndarray) or array.shape != (entry.height, entry.width):
        raise LabelError(f"pixels of {entry.name!r} have the wrong size; add it again")
    return np.ascontiguousarray(array, dtype=np.float32)


def _npy_bytes(micrograph: Micrograph) -> bytes:
    pixels = np.asarray(micrograph.pixels, dtype=np.float32)
    if micrograph.invalid is not None:
        pixels = np.where(micrograph.invalid, np.float32(np.nan), pixels)
    buffer = BytesIO()
    np.save(buffer, pixels, allow_pickle=False)
    return buffer.getvalue()


def _micrograph(
    folder: Path,
    entry: LabelledFrame,
    pixels: NDArray[np.float32],
    invalid: NDArray[np.bool_] | None,
) -> Micrograph:
    return Micrograph(
        pixels=pixels,
        name=entry.name,
        pixel_size_nm=entry.pixel_size_nm,
        pixel_size_source=entry.pixel_size_source,
        invalid=invalid,
        path=None if entry.path is None else Path(os.path.normpath(folder / entry.path)),
        sha256=entry.sha256,
    )


def _relative_path(folder: Path, path: Path | None) -> str | None:
    if path is None:
        return None
    absolute = Path(path).absolute()
    try:
        return Path(os.path.relpath(absolute, folder.absolute())).as_posix()
    except ValueError:  # another drive on Windows
        return absolute.as_posix()
