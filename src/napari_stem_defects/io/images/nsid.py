"""NSID in HDF5, as pyNSID writes it for pyTEMlib and AtomAI: arrays with dimension scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.images.axes import DIFFRACTION, SPECTRUM, Axis
from napari_stem_defects.io.images.hdf5_arrays import array_signal, step_between, text_of
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.microscope_formats import with_extra

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal

_MAIN = "main_data_name"
_FAULTS = {"SPECTRAL": SPECTRUM, "RECIPROCAL": DIFFRACTION}


def is_main_dataset(item: Any) -> bool:
    """Return whether an object in an HDF5 file is an array of data, not one of its dimensions.

    Parameters
    ----------
    item : h5py.HLObject

    Returns
    -------
    bool
    """
    return _MAIN in item.attrs and hasattr(item, "dims")


def list_nsid(path: Path) -> list[StoredSignal]:
    """List the arrays of an NSID file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing; the file is too big or refers to others.
    Exception
        Any error of h5py for a damaged file.
    """
    return _list(path, by_frame=False)


def open_nsid(path: Path) -> list[StoredSignal]:
    """List the signals as `list_nsid` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_nsid`.
    Exception
        Any error of h5py for a damaged file.
    """
    return _list(path, by_frame=True)


def _list(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    with_extra(path, lambda: check_hdf5(path, whole=not by_frame))
    import h5py

    found = list[Any]()
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, item: found.append(item) if is_main_dataset(item) else None)
        return [_signal(path, item, by_frame=by_frame) for item in found]


def _signal(path: Path, item: Any, *, by_frame: bool) -> StoredSignal:
    scales = [scale[0] if len(scale) else None for scale in item.dims]
    axes = [_axis(*each) for each in zip(scales, item.shape, strict=True)]
    kinds = [text_of(scale, "dimension_type").upper() for scale in scales]
    fault = next((_FAULTS[kind] for kind in kinds if kind in _FAULTS), "")
    title = item.name.rpartition("/")[2]
    return array_signal(path, item, axes, title, by_frame=by_frame, fault=fault)


def _axis(scale: Any, size: int) -> Axis:
    if scale is None:
        return Axis(int(size))
    name, unit = text_of(scale, "name"), text_of(scale, "units") or None
    is_frames = text_of(scale, "dimension_type").upper() in ("TEMPORAL", "STACK")
    return Axis(int(size), "frames" if is_frames else name, step_between(scale[()]), unit)
