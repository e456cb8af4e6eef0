"""Zarr folders: OME-Zarr, versions 0.4 and 0.5, and what abTEM writes.

Of OME-Zarr the full resolution of the first image is read, of abTEM each of its arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.abtem_axes import stated_axes
from napari_stem_defects.io.images.axes import Axis
from napari_stem_defects.io.images.zarr_arrays import check_array, open_zarr, signal_of_array
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal


def list_ome_zarr(path: Path) -> list[StoredSignal]:
    """List the channels of the image in an OME-Zarr folder, or the arrays of abTEM.

    Parameters
    ----------
    path : Path
        A folder ``.zarr``, or a ZIP archive of one.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        zarr is missing, or the folder holds no such image, or one that is too big.
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
    group = open_zarr(path)
    described = dict(group.attrs)
    if any(name in described for name in ("metadata0", "kwargs0", "ensemble_axes_metadata")):
        return _of_abtem(path, group, described, by_frame=by_frame)
    described = described.get("ome", described)
    scales = described.get("multiscales") or []
    if not scales:
        advice = "name the folder in it that holds the image, or export it as OME-TIFF"
        raise ReadError(
            one_line(
                path, "is a Zarr folder without an image of OME-Zarr, abTEM or HyperSpy", advice
            )
        )
    first = scales[0]
    array = group[first["datasets"][0]["path"]]
    check_array(path, array, by_frame=by_frame)
    axes = _axes(first, array.shape)
    place = next((i for i, axis in enumerate(axes) if axis.name == "c"), None)
    names = _channel_names(described, 1 if place is None else axes[place].size)
    return [
        signal_of_array(array, axes, name, at=(place, channel), by_frame=by_frame)
        for channel, name in enumerate(names)
    ]


def _of_abtem(
    path: Path, group: Any, described: Mapping[str, Any], *, by_frame: bool
) -> list[StoredSignal]:
    """List the arrays of abTEM: array0 with metadata0 or, before version 1.0.6, kwargs0."""
    arrays = {"array": described}  # of the first versions, which stored one
    for number in range(sum(name.startswith("array") for name in group)):
        about = described.get(f"metadata{number}") or described.get(f"kwargs{number}") or {}
        arrays[f"array{number}"] = {"type": described.get(f"type{number}")} | about
    found: list[StoredSignal] = []
    for name in [name for name in arrays if name in group]:
        array, about = group[name], arrays[name]
        check_array(path, array, by_frame=by_frame)
        axes = stated_axes(about, array.shape) or [Axis(size) for size in array.shape]
        title = str(about.get("type") or "image")
        found.append(signal_of_array(array, axes, title, by_frame=by_frame))
    return found


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
