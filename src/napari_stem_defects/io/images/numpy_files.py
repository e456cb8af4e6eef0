"""Arrays saved by numpy: NPY and NPZ."""

from __future__ import annotations

import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.axes import DIFFRACTION, Arrangement, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import FramesOnDisk, UnpackedFrames
from napari_stem_defects.io.images.limits import check_credible, check_declared_size, check_memory
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.transforms import is_transform
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SUFFIX = ".npy"
# Positions and measurements have a few columns and many rows.
_FEW_COLUMNS, _MANY_ROWS = 8, 32


def list_npy(path: Path) -> list[StoredSignal]:
    """List the array of an ``.npy`` file; a last axis of 3 or 4 bytes counts as colour.

    Parameters
    ----------
    path : Path
        An ``.npy`` file; object arrays are refused.

    Returns
    -------
    list of StoredSignal
        One.

    Raises
    ------
    ReadError
        The array is too big.
    Exception
        Any error of numpy for a damaged file.
    """
    stored = np.load(path, mmap_mode="r", allow_pickle=False)
    check_declared_size(path, stored.shape, stored.dtype)
    return [_signal("image", np.array(stored))]


def open_npy(path: Path) -> list[StoredSignal]:
    """List the signals as `list_npy` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_npy`.
    Exception
        Any error of the reader for a damaged file.
    """
    stored = np.load(path, mmap_mode="r", allow_pickle=False)
    is_stack = stored.ndim == 3 and stored.flags.c_contiguous and stored.dtype.kind in "biufc"
    if not is_stack or _is_colour(stored):
        return list_npy(path)
    check_credible(path, stored.nbytes)
    frames = UnpackedFrames(path, stored.dtype, stored.shape, stored.offset)
    return [_signal("image", stored, frames)]


def list_npz(path: Path) -> list[StoredSignal]:
    """List the arrays of an ``.npz`` file; each is a signal.

    Parameters
    ----------
    path : Path
        An ``.npz`` file; object arrays are refused.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        The arrays are too big, or the file holds none.
    Exception
        Any error of numpy for a damaged file.
    """
    with zipfile.ZipFile(path) as archive:
        names = [item.filename for item in archive.infolist() if item.filename.endswith(_SUFFIX)]
        size = sum(item.file_size for item in archive.infolist())
    if not names:
        raise ReadError(one_line(path, "holds no array", "save one with numpy.savez"))
    check_memory(path, size, size)
    with np.load(path, allow_pickle=False) as arrays:
        return [
            _signal(name.removesuffix(_SUFFIX), arrays[name.removesuffix(_SUFFIX)])
            for name in names
        ]


def _is_colour(array: NDArray[Any]) -> bool:
    """Return whether the last axis is of colours, which are bytes, and not of frames."""
    shape = array.shape
    has_samples = array.ndim in (3, 4) and shape[-1] in (3, 4) and min(shape[-3:-1]) > 4
    return has_samples and array.dtype == np.uint8


def _signal(title: str, array: NDArray[Any], frames: FramesOnDisk | None = None) -> StoredSignal:
    if array.ndim > 3 and not _is_colour(array):
        # Networks take images as (N, 1, Y, X) or (N, Y, X, 1).
        array = np.squeeze(array)
    shape, colour = array.shape, _is_colour(array)
    kept = shape[:-1] if colour else shape
    fault, advice = _fault(kept, array.dtype)
    arrangement = Arrangement(tuple(range(len(kept))))
    if len(kept) == 3 and min(kept) > 0:
        arrangement = arrange([Axis(size) for size in kept])
        fault = fault or arrangement.fault
    if not fault and is_transform(array):
        fault = DIFFRACTION
    info = SignalInfo(title, kept, str(array.dtype), None, fault, advice, is_raw=not colour)
    loaded = array if frames is None else frames
    return StoredSignal(info, partial(_load, loaded, arrangement, colour))


def _fault(shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[str, str]:
    """Return why an array is no image or stack, and what to do."""
    if dtype.kind not in "biufc":
        return f"holds {dtype} instead of numbers", "export the image as TIFF"
    if len(shape) < 2:
        return "is a single row of numbers (a spectrum?)", "give an image"
    if len(shape) == 2 and shape[1] <= _FEW_COLUMNS and shape[0] >= _MANY_ROWS:
        fault = f"holds a table of {shape[0]} rows and {shape[1]} columns"
        return fault, "give an image; positions are imported as a CSV table"
    if len(shape) > 3:
        sizes = " x ".join(map(str, shape))
        return f"has {len(shape)} axes ({sizes})", "save one image or one stack of frames"
    return "", ""


def _load(array: NDArray[Any] | FramesOnDisk, arrangement: Arrangement, colour: bool) -> RawImage:
    return RawImage(array, colour, notes=(arrangement.note,) if arrangement.note else ())
