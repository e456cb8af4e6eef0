"""Files of Nion Swift: ``.ndata`` (a ZIP archive), ``.h5`` and ``.nhdf`` (HDF5)."""

from __future__ import annotations

import io
import json
import zipfile
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.axes import DIFFRACTION, Arrangement, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.limits import check_declared_bytes
from napari_stem_defects.io.images.microscope_formats import with_extra
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.transforms import is_transform
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

_DATA, _METADATA, _PROPERTIES = "data.npy", "metadata.json", "properties"
_CALIBRATIONS = ("dimensional_calibrations", "spatial_calibrations")
_MOST_METADATA = 2**24
_DEEPEST = 6


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
        The file holds no data item, or is too big.
    Exception
        Any error of zipfile, numpy or json for a damaged file.
    """
    with zipfile.ZipFile(path) as archive:
        sizes = {item.filename: item.file_size for item in archive.infolist()}
        if _DATA not in sizes:
            raise ReadError(one_line(path, "holds no data", "export the image as TIFF"))
        check_declared_bytes(path, sizes[_DATA], sizes[_DATA])
        properties: Any = {}
        if sizes.get(_METADATA, _MOST_METADATA) < _MOST_METADATA:
            properties = json.loads(archive.read(_METADATA))
        array = np.load(io.BytesIO(archive.read(_DATA)), allow_pickle=False)
    return [_signal(array, properties, "image")]


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
    with_extra(path, lambda: check_hdf5(path))
    import h5py

    with h5py.File(path, "r") as file:
        data = file.get("data")
        items = list(data.values()) if isinstance(data, h5py.Group) else [data]
        found = [
            _signal(item[()], json.loads(item.attrs[_PROPERTIES]), f"image {number}")
            for number, item in enumerate(items)
            if isinstance(item, h5py.Dataset) and _PROPERTIES in item.attrs
        ]
    if not found:
        fault = "is an HDF5 file, but not one of Nion Swift"
        raise ReadError(one_line(path, fault, "export the image as TIFF, EMD or MRC"))
    return found


def _signal(array: NDArray[Any], properties: Any, title: str) -> StoredSignal:
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
    return StoredSignal(info, partial(_load, array, arrangement, scale, values))


def _load(
    array: NDArray[Any], arrangement: Arrangement, scale: FileScale, values: Mapping[str, Any]
) -> RawImage:
    rest = [axis for axis in range(array.ndim) if axis not in arrangement.order]
    moved = array.transpose([*rest, *arrangement.order])
    colour = bool(moved.dtype.names)
    notes = tuple(note for note in (arrangement.note, scale.note) if note)
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
