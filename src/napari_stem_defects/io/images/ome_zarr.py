"""OME-Zarr folders, versions 0.4 and 0.5: the full resolution of the first image."""

from __future__ import annotations

import importlib
import math
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.axes import Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import PackedFrames
from napari_stem_defects.io.images.limits import check_memory
from napari_stem_defects.io.images.microscope_formats import with_extra
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_MARKS = (".zattrs", ".zgroup", "zarr.json")


def is_ome_zarr(path: Path) -> bool:
    """Return whether a folder is one image rather than a folder of images.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
        True for folders with the metadata of a Zarr group.
    """
    return path.is_dir() and any((path / name).is_file() for name in _MARKS)


def list_ome_zarr(path: Path) -> list[StoredSignal]:
    """List the channels of the image in an OME-Zarr folder.

    Parameters
    ----------
    path : Path
        A folder ``.zarr``.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        zarr is missing, or the folder holds no OME-Zarr image, or one that is too big.
    Exception
        Any error of zarr for a damaged folder.
    """
    return _list(path, by_frame=False)


def open_ome_zarr(path: Path) -> list[StoredSignal]:
    """List the signals as `list_ome_zarr` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_ome_zarr`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list(path, by_frame=True)


def _list(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    zarr: Any = with_extra(path, _import_zarr)
    group = zarr.open_group(path, mode="r")
    described = dict(group.attrs)
    described = described.get("ome", described)
    scales = described.get("multiscales") or []
    if not scales:
        advice = "name the folder in it that holds the image, or export it as OME-TIFF"
        raise ReadError(one_line(path, "is a Zarr folder without an OME-Zarr image", advice))
    first = scales[0]
    array = group[first["datasets"][0]["path"]]
    size = math.prod(array.shape) * array.dtype.itemsize
    if not by_frame:
        check_memory(path, size, 4 * math.prod(array.shape))
    axes = _axes(first, array.shape)
    channels = next((axis.size for axis in axes if axis.name == "c"), 1)
    names = _channel_names(described, channels)
    return [
        _signal(array, axes, channel, name, by_frame=by_frame) for channel, name in enumerate(names)
    ]


def _import_zarr() -> Any:
    return importlib.import_module("zarr")


def _axes(scales: Mapping[str, Any], shape: Sequence[int]) -> list[Axis]:
    """Return the axes with the scale of the full resolution."""
    described = scales.get("axes") or [{"name": name} for name in "tczyx"[-len(shape) :]]
    # 0.3 wrote letters instead of objects.
    described = [each if isinstance(each, dict) else {"name": each} for each in described]
    if len(described) != len(shape):
        raise ValueError(f"{len(described)} axes described for {len(shape)}")
    factors = np.ones(len(shape))
    for holder in (scales["datasets"][0], scales):
        for change in holder.get("coordinateTransformations") or ():
            if change.get("type") == "scale":
                factors = factors * np.asarray(change["scale"], float)
    return [
        Axis(size, str(each.get("name", "")).casefold(), float(factor), each.get("unit"))
        for each, size, factor in zip(described, shape, factors, strict=True)
    ]


def _channel_names(described: Mapping[str, Any], count: int) -> list[str]:
    labels = [
        str(each.get("label") or "") for each in described.get("omero", {}).get("channels", [])
    ]
    if count == 1:
        return [labels[0] if len(labels) == 1 and labels[0] else "image"]
    labels = labels if len(labels) == count else [""] * count
    return [label or f"channel {number}" for number, label in enumerate(labels)]


def _signal(
    array: Any, axes: Sequence[Axis], channel: int, title: str, *, by_frame: bool
) -> StoredSignal:
    kept = [axis for axis in axes if axis.name != "c"]
    arrangement = arrange(kept)
    scale = FileScale()
    if arrangement.order:
        rows, columns = (kept[place] for place in arrangement.order[-2:])
        scale = file_scale((rows.scale, columns.scale), (rows.unit, columns.unit))
    info = SignalInfo(
        title,
        tuple(kept[place].size for place in arrangement.order) or tuple(array.shape),
        str(array.dtype),
        scale.pixel_nm,
        arrangement.fault,
    )
    place = next((i for i, axis in enumerate(axes) if axis.name == "c"), None)
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
