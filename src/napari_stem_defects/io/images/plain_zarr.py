"""Zarr arrays without the metadata of a microscopy program, as scripts and xarray write them.

The names of the axes are read where they are stored: by Zarr 3 beside the array, by xarray in an
attribute. There is no pixel size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.images.axes import Axis
from napari_stem_defects.io.images.zarr_arrays import (
    check_array,
    is_array,
    open_zarr,
    signal_of_array,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal

_XARRAY = "_ARRAY_DIMENSIONS"


def is_plain(opened: Any) -> bool:
    """Return whether a Zarr folder is one array, or a group of arrays that states no program.

    Parameters
    ----------
    opened : zarr.Group or zarr.Array
        As of `zarr_arrays.open_zarr`.

    Returns
    -------
    bool
    """
    if is_array(opened):
        return True
    stated = any(isinstance(each, dict | list) for each in dict(opened.attrs).values())
    return not stated and any(array.ndim > 1 for _, array in opened.arrays())


def list_arrays(path: Path) -> list[StoredSignal]:
    """List the arrays of a Zarr folder or archive as signals.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        zarr is missing, or an array is too big.
    Exception
        Any error of zarr for a damaged folder.
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
        zarr is missing.
    Exception
        Any error of zarr for a damaged folder.
    """
    return _list(path, by_frame=True)


def _list(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    opened = open_zarr(path)
    # Arrays of one axis are coordinates, as those of xarray.
    named = [("image", opened)] if is_array(opened) else sorted(opened.arrays())
    chosen = [(name, array) for name, array in named if array.ndim > 1] or named
    for _, array in chosen:
        check_array(path, array, by_frame=by_frame)
    return [signal_of_array(array, _axes(array), name, by_frame=by_frame) for name, array in chosen]


def _axes(array: Any) -> list[Axis]:
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get(_XARRAY)
    if not isinstance(names, list | tuple) or len(names) != array.ndim:
        names = [None] * array.ndim
    return [Axis(size, str(name or "")) for size, name in zip(array.shape, names, strict=True)]
