"""Arrays in Zarr folders and ZIP archives, whole or frame by frame."""

from __future__ import annotations

import importlib
import math
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.images.axes import DIFFRACTION, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import PackedFrames
from napari_stem_defects.io.images.limits import check_memory
from napari_stem_defects.io.images.microscope_formats import with_extra
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.transforms import is_transform

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MARKS = (".zattrs", ".zgroup", ".zarray", "zarr.json")


def is_zarr(path: Path) -> bool:
    """Return whether a folder is one Zarr group or array rather than a folder of images.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
        True for folders with the metadata of a Zarr group or array.
    """
    return path.is_dir() and any((path / name).is_file() for name in _MARKS)


def is_packed_zarr(path: Path) -> bool:
    """Return whether a ZIP archive holds a Zarr folder.

    Parameters
    ----------
    path : Path
        A ZIP archive.

    Returns
    -------
    bool
    """
    return _packed_root(path) is not None


def _packed_root(path: Path) -> str | None:
    """Return the folder in an archive that is the Zarr folder; None if there is none.

    Systems that pack a folder put the folder itself into the archive.
    """
    with zipfile.ZipFile(path) as archive:
        names = [name.rpartition("/") for name in archive.namelist()]
    return min((folder for folder, _, name in names if name in _MARKS), key=len, default=None)


def open_zarr(path: Path) -> Any:
    """Open a Zarr folder, or a ZIP archive of one, to read.

    Parameters
    ----------
    path : Path
        The folder or archive.

    Returns
    -------
    zarr.Group or zarr.Array

    Raises
    ------
    ReadError
        The package zarr is missing.
    Exception
        Any error of zarr for a damaged folder.
    """
    zarr: Any = with_extra(path, _import_zarr)
    if path.is_dir():
        return zarr.open(path, mode="r")
    return zarr.open(zarr.storage.ZipStore(path, mode="r"), mode="r", path=_packed_root(path) or "")


def is_array(opened: Any) -> bool:
    """Return whether what was opened is an array rather than a group."""
    return hasattr(opened, "shape")


def check_array(path: Path, array: Any, *, by_frame: bool) -> None:
    """Refuse an array that is read as a whole and too large; see `limits.check_memory`."""
    if not by_frame:
        numbers = math.prod(array.shape)
        check_memory(path, numbers * array.dtype.itemsize, 4 * numbers)


def _import_zarr() -> Any:
    return importlib.import_module("zarr")


def signal_of_array(
    array: Any,
    axes: Sequence[Axis],
    title: str,
    *,
    at: tuple[int | None, int] = (None, 0),
    by_frame: bool,
    fault: str = "",
) -> StoredSignal:
    """Return a channel of an array as a signal.

    Parameters
    ----------
    array : zarr.Array
    axes : sequence of Axis
        One for each axis of the array, in its order.
    title : str
        Name of the signal.
    at : (int or None, int)
        The axis of the channels, None where there is none, and the channel.
    by_frame : bool
        Whether the frames of a stack stay in the file.
    fault : str
        Why the array is no micrograph, where that is known from elsewhere.

    Returns
    -------
    StoredSignal
    """
    place, channel = at
    kept = [axis for number, axis in enumerate(axes) if number != place]
    arrangement = arrange(kept)
    scale = FileScale()
    if arrangement.order:
        rows, columns = (kept[number] for number in arrangement.order[-2:])
        scale = file_scale((rows.scale, columns.scale), (rows.unit, columns.unit))
    fault = fault or arrangement.fault
    if not fault and array.dtype.kind == "c" and scale.pixel_nm is None:
        first = (0,) * (array.ndim - 2)
        fault = DIFFRACTION if is_transform(np.asarray(array[first])) else ""
    info = SignalInfo(
        title,
        tuple(kept[number].size for number in arrangement.order) or tuple(array.shape),
        str(array.dtype),
        scale.pixel_nm,
        fault,
    )
    notes = tuple(note for note in (arrangement.note, scale.note) if note)
    load = _open if by_frame and len(arrangement.order) == 3 else _load
    return StoredSignal(
        info, partial(load, array, place, channel, arrangement.order, scale.pixel_nm, notes)
    )


def _open(
    array: Any,
    place: int | None,
    channel: int,
    order: tuple[int, ...],
    pixel_nm: tuple[float, float] | None,
    notes: tuple[str, ...],
) -> RawImage:
    """Open the frames of a channel; see `_load`."""
    kept = [axis for axis in range(array.ndim) if axis != place]
    time = kept[order[0]]
    together = (getattr(array, "shards", None) or array.chunks)[time]

    def read(start: int, stop: int) -> NDArray[Any]:
        chosen = [channel if axis == place else slice(None) for axis in range(array.ndim)]
        chosen[time] = slice(start, stop)
        return _ordered(np.asarray(array[tuple(chosen)]), order)

    shape = tuple(array.shape[kept[axis]] for axis in order)
    frames = PackedFrames(read, array.dtype, shape, range(0, shape[0], together))
    return RawImage(frames, False, pixel_nm, {}, notes)


def _load(
    array: Any,
    place: int | None,
    channel: int,
    order: tuple[int, ...],
    pixel_nm: tuple[float, float] | None,
    notes: tuple[str, ...],
) -> RawImage:
    chosen = tuple(channel if axis == place else slice(None) for axis in range(array.ndim))
    return RawImage(_ordered(np.asarray(array[chosen]), order), False, pixel_nm, {}, notes)


def _ordered(pixels: NDArray[Any], order: tuple[int, ...]) -> NDArray[Any]:
    """Return the axes in the order of the arrangement, those of length 1 left out."""
    rest = [axis for axis in range(pixels.ndim) if axis not in order]
    pixels = pixels.transpose([*rest, *order])
    return pixels.reshape(pixels.shape[len(rest) :])
