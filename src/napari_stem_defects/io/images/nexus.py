"""HDF5 of any other program: NeXus, and arrays without a description.

NeXus describes its data: a group of class ``NXdata`` has a signal and an axis per dimension. Other
files, as scripts write them with h5py, have arrays and perhaps dimension scales. Their arrays are
listed by their place in the file, and a note states that no more is known of the one that is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.axes import Axis
from napari_stem_defects.io.images.hdf5_arrays import array_signal, step_between, text_of
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.microscope_formats import with_extra
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal

_NUMBERS = "biufc"
_UNKNOWN = "The program that wrote the file is not known: its array {!r} was taken for an image."


def list_arrays(path: Path) -> list[StoredSignal]:
    """List the signals of a NeXus file, else the arrays of an HDF5 file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal
        Named by their place in the file, such as "entry/data/data".

    Raises
    ------
    ReadError
        A package is missing; the file has no array of two or more axes, is too big, or refers to
        others.
    Exception
        Any error of h5py for a damaged file.
    """
    return _list(path, by_frame=False)


def open_arrays(path: Path) -> list[StoredSignal]:
    """List the signals as `list_arrays` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_arrays`.
    Exception
        Any error of h5py for a damaged file.
    """
    return _list(path, by_frame=True)


def _list(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    with_extra(path, lambda: check_hdf5(path, whole=not by_frame))
    import h5py

    found, described = list[Any](), list[Any]()

    def look(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found.append(item)
        elif text_of(item, "NX_class") == "NXdata":
            described.append(item)

    with h5py.File(path, "r") as file:
        file.visititems(look)
        named = [each for each in map(_nexus_signal, described) if each is not None]
        if named:
            return [
                array_signal(path, item, axes, item.name.strip("/"), by_frame=by_frame)
                for item, axes in named
            ]
        arrays = [item for item in found if _is_array(item)]
        if not arrays:
            fault = "is HDF5 of an unknown program, without an array of two or more axes"
            raise ReadError(one_line(path, fault, "export the image as TIFF, EMD or MRC"))
        return [_plain_signal(path, item, by_frame=by_frame) for item in arrays]


def _is_array(item: Any) -> bool:
    return item.dtype.kind in _NUMBERS and sum(size > 1 for size in item.shape or ()) > 1


def _nexus_signal(group: Any) -> tuple[Any, list[Axis]] | None:
    """Return the signal of an NXdata group with its axes; None where there is none of numbers."""
    name = text_of(group, "signal")
    if not name:  # before 2014 the array itself is marked
        name = next((each for each in group if text_of(group[each], "signal") == "1"), "")
    item = group.get(name) if name else None
    if item is None or not hasattr(item, "shape") or not _is_array(item):
        return None
    listed = group.attrs.get("axes", item.attrs.get("axes", ()))
    names = _names(listed)
    if len(names) != item.ndim:
        names = ["."] * item.ndim
    return item, [
        _axis(group.get(each), each, size) for each, size in zip(names, item.shape, strict=True)
    ]


def _names(listed: Iterable[object] | str | bytes) -> list[str]:
    """Return the names of axes, which NeXus stores as an array, or joined by colons."""
    if isinstance(listed, str | bytes):
        return [each.strip() for each in _text(listed).strip("[]").replace(",", ":").split(":")]
    return [_text(each) for each in listed]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _axis(positions: Any, name: str, size: int) -> Axis:
    if positions is None or getattr(positions, "shape", None) != (size,):
        return Axis(int(size), "" if name == "." else name)
    return Axis(int(size), name, step_between(positions[()]), text_of(positions, "units") or None)


def _plain_signal(path: Path, item: Any, *, by_frame: bool) -> StoredSignal:
    title = item.name.strip("/")
    axes = []
    for dimension, size in zip(item.dims, item.shape, strict=True):
        scale = dimension[0] if len(dimension) else None
        name = dimension.label or (text_of(scale, "NAME") if scale is not None else "")
        axes.append(_axis(scale, name.rpartition("/")[2] or ".", size))
    note = _UNKNOWN.format(title)
    return array_signal(path, item, axes, title, by_frame=by_frame, note=note)
