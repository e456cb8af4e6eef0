"""NSID in HDF5, as pyNSID writes it for pyTEMlib and AtomAI: arrays with dimension scales."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.images.axes import DIFFRACTION, SPECTRUM, Arrangement, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import PackedFrames
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.microscope_formats import with_extra
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.transforms import is_transform

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_MAIN = "main_data_name"
_FAULTS = {"SPECTRAL": SPECTRUM, "RECIPROCAL": DIFFRACTION}
# Positions of pixels that differ more from a straight line than this share of a step have no scale.
_EQUAL_STEPS = 0.01


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
    kinds = [_text(scale, "dimension_type").upper() for scale in scales]
    arrangement = arrange(axes)
    scale = FileScale()
    if arrangement.order:
        rows, columns = (axes[place] for place in arrangement.order[-2:])
        scale = file_scale((rows.scale, columns.scale), (rows.unit, columns.unit))
    fault = next((_FAULTS[kind] for kind in kinds if kind in _FAULTS), "") or arrangement.fault
    if not fault and item.dtype.kind == "c" and is_transform(item[()]):
        fault = DIFFRACTION
    info = SignalInfo(
        item.name.rpartition("/")[2],
        tuple(axes[place].size for place in arrangement.order) or item.shape,
        str(item.dtype),
        scale.pixel_nm,
        fault,
    )
    notes = tuple(note for note in (arrangement.note, scale.note) if note)
    opened = by_frame and len(arrangement.order) == 3
    load = partial(_load, path, item.name, arrangement, scale, notes, opened=opened)
    return StoredSignal(info, load)


def _axis(scale: Any, size: int) -> Axis:
    if scale is None:
        return Axis(int(size))
    name, unit = _text(scale, "name"), _text(scale, "units") or None
    is_frames = _text(scale, "dimension_type").upper() in ("TEMPORAL", "STACK")
    return Axis(int(size), "frames" if is_frames else name, _step(scale[()]), unit)


def _text(item: Any, name: str) -> str:
    value = "" if item is None else item.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _step(positions: NDArray[Any]) -> float | None:
    """Return the distance of equidistant positions."""
    if positions.ndim != 1 or positions.size < 2 or positions.dtype.kind not in "iuf":
        return None
    step = float(positions[-1] - positions[0]) / (positions.size - 1)
    ideal = float(positions[0]) + step * np.arange(positions.size)
    is_even = np.abs(positions - ideal).max() <= _EQUAL_STEPS * abs(step)
    return step if math.isfinite(step) and is_even else None


def _load(
    path: Path,
    name: str,
    arrangement: Arrangement,
    scale: FileScale,
    notes: tuple[str, ...],
    *,
    opened: bool,
) -> RawImage:
    import h5py

    order = arrangement.order
    with h5py.File(path, "r") as file:
        item = file[name]
        shape, dtype, chunks = item.shape, item.dtype, item.chunks or item.shape
        array = None if opened else item[()]
    if array is not None:
        return RawImage(_ordered(array, order), False, scale.pixel_nm, {}, notes)

    def read(start: int, stop: int) -> NDArray[Any]:
        chosen = [slice(None)] * len(shape)
        chosen[order[0]] = slice(start, stop)
        with h5py.File(path, "r") as file:
            return _ordered(np.asarray(file[name][tuple(chosen)]), order)

    kept = tuple(shape[axis] for axis in order)
    frames = PackedFrames(read, dtype, kept, range(0, kept[0], chunks[order[0]]))
    return RawImage(frames, False, scale.pixel_nm, {}, notes)


def _ordered(array: NDArray[Any], order: tuple[int, ...]) -> NDArray[Any]:
    rest = [axis for axis in range(array.ndim) if axis not in order]
    moved = array.transpose([*rest, *order])
    return moved.reshape(moved.shape[len(rest) :])
