"""Files of Nion Swift: ``.ndata`` (a ZIP archive), ``.h5`` and ``.nhdf`` (HDF5)."""

from __future__ import annotations

import io
import json
import math
import struct
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.images.axes import DIFFRACTION, Arrangement, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import (
    FramesOnDisk,
    PackedFrames,
    UnpackedFrames,
)
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.limits import check_declared_bytes
from napari_stem_defects.io.images.microscope_formats import with_extra
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.transforms import is_transform

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_DATA, _METADATA, _PROPERTIES = "data.npy", "metadata.json", "properties"
_CALIBRATIONS = ("dimensional_calibrations", "spatial_calibrations")
_MOST_METADATA = 2**24
_DEEPEST = 6
# Where the local header of an item in a ZIP archive states the lengths of two texts after it.
_NAME_LENGTHS, _LOCAL_HEADER = 26, 30


def list_ndata(path: Path) -> list[StoredSignal]:
    """List the data item of an ``.ndata`` file.

    Parameters
    ----------
    path : Path
        A file ``.ndata``.

    Returns
    -------
    list of StoredSignal
        One.

    Raises
    ------
    ReadError
        The file is too big.
    Exception
        Any error of zipfile, numpy or json for a damaged file.
    """
    return _list_ndata(path, by_frame=False)


def open_ndata(path: Path) -> list[StoredSignal]:
    """List the signals as `list_ndata` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_ndata`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list_ndata(path, by_frame=True)


def _list_ndata(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    with zipfile.ZipFile(path) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
        frames = _frames_in(path, archive) if by_frame else None
        if frames is None:
            check_declared_bytes(path, sizes[_DATA], sizes[_DATA])
        properties: Any = {}
        if sizes.get(_METADATA, _MOST_METADATA) < _MOST_METADATA:
            properties = json.loads(archive.read(_METADATA))
        if frames is not None:
            return [_signal(_outline(frames), properties, "image", frames)]
        array = np.load(io.BytesIO(archive.read(_DATA)), allow_pickle=False)
    return [_signal(array, properties, "image")]


def _frames_in(path: Path, archive: zipfile.ZipFile) -> FramesOnDisk | None:
    """Return the frames of a stack that is not compressed; None for all else."""
    item = archive.getinfo(_DATA)
    if item.compress_type != zipfile.ZIP_STORED:
        return None
    with archive.open(_DATA) as file:
        version = np.lib.format.read_magic(file)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }.get(version)
        if read_header is None:
            return None
        shape, is_fortran, dtype = read_header(file)
    if len(shape) != 3 or is_fortran or dtype.kind not in "biuf":
        return None
    begin = item.file_size - math.prod(shape) * dtype.itemsize
    with path.open("rb") as raw:
        raw.seek(item.header_offset + _NAME_LENGTHS)
        name, extra = struct.unpack("<HH", raw.read(4))
    return UnpackedFrames(
        path, dtype, shape, item.header_offset + _LOCAL_HEADER + name + extra + begin
    )


def _outline(frames: FramesOnDisk) -> NDArray[Any]:
    """Return an array of the shape and type of a stack that takes no memory."""
    return np.broadcast_to(np.zeros((), frames.dtype), frames.shape)


def list_swift_hdf5(path: Path) -> list[StoredSignal]:
    """List the data items of an HDF5 file of Nion Swift.

    Parameters
    ----------
    path : Path
        A file ``.h5`` or ``.nhdf``.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing; the file is of another program, too big, or refers to others.
    Exception
        Any error of h5py or json for a damaged file.
    """
    return _list_swift_hdf5(path, by_frame=False)


def open_swift_hdf5(path: Path) -> list[StoredSignal]:
    """List the signals as `list_swift_hdf5` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_swift_hdf5`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list_swift_hdf5(path, by_frame=True)


def _list_swift_hdf5(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    with_extra(path, lambda: check_hdf5(path, whole=not by_frame))
    import h5py

    with h5py.File(path, "r") as file:
        return [
            _item(path, item, f"image {number}", by_frame=by_frame)
            for number, item in enumerate(_items(file))
            if _PROPERTIES in item.attrs
        ]


def is_swift(file: Any) -> bool:
    """Return whether an HDF5 file holds data items of Nion Swift.

    Parameters
    ----------
    file : h5py.File
        The open file.

    Returns
    -------
    bool
    """
    return any(_PROPERTIES in item.attrs for item in _items(file))


def _items(file: Any) -> list[Any]:
    import h5py

    data = file.get("data")
    items = list(data.values()) if isinstance(data, h5py.Group) else [data]
    return [item for item in items if isinstance(item, h5py.Dataset)]


def _item(path: Path, item: Any, title: str, *, by_frame: bool) -> StoredSignal:
    """Return a data item of an HDF5 file."""
    properties = json.loads(item.attrs[_PROPERTIES])
    if not by_frame or item.ndim != 3 or item.dtype.kind not in "biuf":
        return _signal(item[()], properties, title)
    name, together = item.name, item.chunks[0] if item.chunks else 1

    def read(start: int, stop: int) -> NDArray[Any]:
        import h5py

        with h5py.File(path, "r") as file:
            return np.asarray(file[name][start:stop])

    frames = PackedFrames(read, item.dtype, item.shape, range(0, item.shape[0], together))
    return _signal(_outline(frames), properties, title, frames)


def _signal(
    array: NDArray[Any], properties: Any, title: str, frames: FramesOnDisk | None = None
) -> StoredSignal:
    """Return a data item; its last dimensions are those of the image."""
    values: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    calibrations = _find(values, _CALIBRATIONS) or []
    if len(calibrations) != array.ndim:
        calibrations = [{}] * array.ndim
    datum = _find(values, ("datum_dimension_count",))
    count = int(datum) if isinstance(datum, int) else min(2, array.ndim)
    names = ["y", "x"] if count == 2 else [""] * count
    axes = [
        Axis(
            size,
            names[place - array.ndim + count] if place >= array.ndim - count else "frames",
            each.get("scale"),
            each.get("units"),
            is_signal=place >= array.ndim - count,
        )
        for place, (size, each) in enumerate(zip(array.shape, calibrations, strict=True))
    ]
    arrangement = arrange(axes)
    scale = FileScale()
    if arrangement.order:
        rows, columns = (axes[place] for place in arrangement.order[-2:])
        scale = file_scale((rows.scale, columns.scale), (rows.unit, columns.unit))
    fault = arrangement.fault or (DIFFRACTION if is_transform(array) else "")
    info = SignalInfo(
        str(_find(values, ("title",)) or title),
        tuple(axes[place].size for place in arrangement.order) or array.shape,
        str(array.dtype),
        scale.pixel_nm,
        fault,
    )
    return StoredSignal(info, partial(_load, array, frames, arrangement, scale, values))


def _load(
    array: NDArray[Any],
    frames: FramesOnDisk | None,
    arrangement: Arrangement,
    scale: FileScale,
    values: Mapping[str, Any],
) -> RawImage:
    notes = tuple(note for note in (arrangement.note, scale.note) if note)
    if frames is not None:
        return RawImage(frames, False, scale.pixel_nm, {"swift": values}, notes)
    rest = [axis for axis in range(array.ndim) if axis not in arrangement.order]
    moved = array.transpose([*rest, *arrangement.order])
    colour = bool(moved.dtype.names)
    return RawImage(
        moved.reshape(moved.shape[len(rest) :]), colour, scale.pixel_nm, {"swift": values}, notes
    )


def _find(values: Any, names: tuple[str, ...], depth: int = 0) -> Any:
    """Return the first value of one of the names; older versions nest them differently."""
    if depth > _DEEPEST:
        return None
    if isinstance(values, dict):
        for name in names:
            if name in values:
                return values[name]
    inside = values.values() if isinstance(values, dict) else values
    for each in inside if isinstance(values, dict | list) else ():
        found = _find(each, names, depth + 1)
        if found is not None:
            return found
    return None
