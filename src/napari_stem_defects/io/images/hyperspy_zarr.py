"""HyperSpy's ``.zspy``: a Zarr folder, or an archive of one.

RosettaSciIO reads and writes them with zarr 2 only. The layout is that of ``.hspy``: each signal a
group with ``data``, an ``axis-N`` per axis and metadata; markers and tables in it are not opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.axes import Axis
from napari_stem_defects.io.images.microscope_formats import fault_of_kind
from napari_stem_defects.io.images.zarr_arrays import check_array, open_zarr, signal_of_array
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal

_EXPERIMENTS, _UNNAMED, _NOTHING = "Experiments", "__unnamed__", "_None_"


def is_hyperspy(group: Any) -> bool:
    """Return whether a Zarr group holds signals of HyperSpy.

    Parameters
    ----------
    group : zarr.Group
        That of the whole folder.

    Returns
    -------
    bool
    """
    return _EXPERIMENTS in group


def list_zspy(path: Path) -> list[StoredSignal]:
    """List the signals of a ``.zspy`` folder or archive.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        zarr is missing, or the folder holds no signal of HyperSpy, or one that is too big.
    Exception
        Any error of zarr for a damaged folder.
    """
    return _list(path, by_frame=False)


def open_zspy(path: Path) -> list[StoredSignal]:
    """List the signals as `list_zspy` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_zspy`.
    Exception
        Any error of zarr for a damaged folder.
    """
    return _list(path, by_frame=True)


def _list(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    group = open_zarr(path)
    if not is_hyperspy(group):
        raise ReadError(one_line(path, "holds no signal of HyperSpy", "save it again as .hspy"))
    signals = group[_EXPERIMENTS]
    return [
        _signal(path, signals[name], name, by_frame=by_frame)
        for name in sorted(signals)
        if "data" in signals[name]
    ]


def _signal(path: Path, group: Any, name: str, *, by_frame: bool) -> StoredSignal:
    array = group["data"]
    check_array(path, array, by_frame=by_frame)
    described = [dict(group[f"axis-{number}"].attrs) for number in range(array.ndim)]
    navigates = [bool(axis.get("navigate")) for axis in described]
    axes = [
        Axis(
            int(size),
            _stated(axis.get("name")),
            axis.get("scale"),
            _stated(axis.get("units")) or None,
            # Where no axis navigates, the file does not state which ones do.
            not navigate if any(navigates) else None,
        )
        for axis, size, navigate in zip(described, array.shape, navigates, strict=True)
    ]
    kind = "metadata/Signal"
    stated = dict(group[kind].attrs).get("signal_type") if kind in group else ""
    title = "" if name == _UNNAMED else name
    return signal_of_array(array, axes, title, by_frame=by_frame, fault=fault_of_kind(str(stated)))


def _stated(value: object) -> str:
    return value if isinstance(value, str) and value != _NOTHING else ""
