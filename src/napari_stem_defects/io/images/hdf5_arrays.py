"""An array in an HDF5 file as a signal: its axes, its pixel size, and reading it by frame."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.images.axes import DIFFRACTION, Arrangement, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import PackedFrames
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.transforms import is_transform

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Positions of pixels that differ more from a straight line than this share of a step have no scale.
_EQUAL_STEPS = 0.01


def array_signal(
    path: Path,
    item: Any,
    axes: Sequence[Axis],
    title: str,
    *,
    by_frame: bool,
    fault: str = "",
    note: str = "",
) -> StoredSignal:
    """Return an array with the function that reads it.

    Parameters
    ----------
    path : Path
        The file.
    item : h5py.Dataset
        Of numbers.
    axes : sequence of Axis
        In the order of the array.
    title : str
        Name of the signal.
    by_frame : bool
        Whether the frames of stacks stay in the file.
    fault : str
        Why it is no micrograph, where the file states that.
    note : str
        A sentence for the user.

    Returns
    -------
    StoredSignal
    """
    arrangement = arrange(axes)
    scale = FileScale()
    if arrangement.order:
        rows, columns = (axes[place] for place in arrangement.order[-2:])
        scale = file_scale((rows.scale, columns.scale), (rows.unit, columns.unit))
    fault = fault or arrangement.fault
    if not fault and item.dtype.kind == "c" and is_transform(item[()]):
        fault = DIFFRACTION
    info = SignalInfo(
        title,
        tuple(axes[place].size for place in arrangement.order) or item.shape,
        str(item.dtype),
        scale.pixel_nm,
        fault,
    )
    notes = tuple(each for each in (note, arrangement.note, scale.note) if each)
    opened = by_frame and len(arrangement.order) == 3
    load = partial(_load, path, item.name, arrangement, scale, notes, opened=opened)
    return StoredSignal(info, load)


def text_of(item: Any, name: str) -> str:
    """Return a text stored as an attribute; "" where there is none.

    Parameters
    ----------
    item : h5py.HLObject or None
    name : str
        Name of the attribute.

    Returns
    -------
    str
    """
    value = "" if item is None else item.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def step_between(positions: NDArray[Any]) -> float | None:
    """Return the distance of equidistant positions.

    Parameters
    ----------
    positions : NDArray, shape (N,)

    Returns
    -------
    float or None
        None where they are fewer than two, no numbers, or not equidistant to 1 % of a step.
    """
    if positions.ndim != 1 or positions.size < 2 or positions.dtype.kind not in "iuf":
        return None
    step = float(positions[-1] - positions[0]) / (positions.size - 1)
    if not math.isfinite(step):
        return None
    ideal = float(positions[0]) + step * np.arange(positions.size)
    is_even = np.abs(positions - ideal).max() <= _EQUAL_STEPS * abs(step)
    return step if is_even else None


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
