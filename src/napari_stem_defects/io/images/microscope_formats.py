"""Microscope formats that RosettaSciIO reads: DigitalMicrograph, TIA, EMD, HyperSpy.

RosettaSciIO is an optional dependency and is imported only here. A file may hold several signals;
spectra, spectrum images, diffraction patterns and 4D-STEM data among them are listed but not read.
"""

from __future__ import annotations

import importlib
import re
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.axes import DIFFRACTION, SPECTRUM, Arrangement, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import frames_of
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.limits import check_declared_bytes
from napari_stem_defects.io.images.missing_package import missing_package
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.transforms import is_transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

T = TypeVar("T")

_SPECTRA = ("EELS", "EDS", "EDX", "CL", "XPS", "LUMI")
# TIA writes metres per pixel, or reciprocal metres without stating it: 1e6 or more of them.
_LONGEST_NM = 1e6
# Groups of one stack, as Prismatic and EMD 0.5 number them.
_NUMBERED = r"\d{4}/[^/]+$"
_NAMED = {"x", "y", "r_x", "r_y"}


def list_dm(path: Path) -> list[StoredSignal]:
    """List the images of a Gatan DigitalMicrograph file, DM3 or DM4.

    Parameters
    ----------
    path : Path
        A file ``.dm3`` or ``.dm4``.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing, or the file is too big.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list(path, "digitalmicrograph")


def open_dm(path: Path) -> list[StoredSignal]:
    """List the signals as `list_dm` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_dm`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list(path, "digitalmicrograph", lazy=True)


def list_ser(path: Path) -> list[StoredSignal]:
    """List the image series of a TIA (FEI) file; the ``.emi`` file beside it is not needed.

    Parameters
    ----------
    path : Path
        A file ``.ser``.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing, or the file is too big.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list(path, "tia")


def open_ser(path: Path) -> list[StoredSignal]:
    """List the signals as `list_ser` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_ser`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list(path, "tia", lazy=True)


def list_emd(path: Path) -> list[StoredSignal]:
    """List the images of an EMD file of Velox or of the Berkeley (NCEM) kind.

    Parameters
    ----------
    path : Path
        A file ``.emd``.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing; the file is too big or refers to others.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list_emd(path)


def open_emd(path: Path) -> list[StoredSignal]:
    """List the signals as `list_emd` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_emd`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list_emd(path, lazy=True)


def _list_emd(path: Path, **options: Any) -> list[StoredSignal]:
    with_extra(path, lambda: check_hdf5(path, whole="lazy" not in options))
    stacks = with_extra(path, lambda: _has_item(path, _NUMBERED))
    if not stacks:
        options["stack_group"] = False
    return _list(path, "emd", select_type="images", **options)


def list_hspy(path: Path) -> list[StoredSignal]:
    """List the signals of a HyperSpy file.

    Parameters
    ----------
    path : Path
        A file ``.hspy``.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing; the file is too big or refers to others.
    Exception
        Any error of the reader for a damaged file.
    """
    with_extra(path, lambda: check_hdf5(path))
    return _list(path, "hspy")


def open_hspy(path: Path) -> list[StoredSignal]:
    """List the signals as `list_hspy` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_hspy`.
    Exception
        Any error of the reader for a damaged file.
    """
    with_extra(path, lambda: check_hdf5(path, whole=False))
    return _list(path, "hspy", lazy=True)


def with_extra(path: Path, use: Callable[[], T]) -> T:
    """Run code that needs the optional packages; report a missing one in one line.

    Parameters
    ----------
    path : Path
        The file that is read.
    use : callable
        Imports the packages.

    Returns
    -------
    object
        What ``use`` returns.

    Raises
    ------
    ReadError
        A package is not installed.
    """
    try:
        return use()
    except ModuleNotFoundError as error:
        line = missing_package(path, error)
    raise ReadError(line)


def _list(path: Path, plugin: str, **options: Any) -> list[StoredSignal]:
    if not options.get("lazy"):
        check_declared_bytes(path, path.stat().st_size)
    reader = with_extra(path, lambda: importlib.import_module(f"rsciio.{plugin}").file_reader)
    found = with_extra(path, lambda: _read(path, reader, options))
    signals = [signal for signal in found if "data" in signal and "axes" in signal]
    if plugin == "emd":
        signals = [_in_order_of_file(path, signal) for signal in signals]
    if plugin == "tia":
        signals = [_with_frequencies(signal) for signal in signals]
    return [_stored(signal) for signal in signals]


def _read(path: Path, reader: Callable[..., Any], options: dict[str, Any]) -> Any:
    """Call a reader; one that cannot open the stacks of a file reads them, if memory allows."""
    if not options.pop("lazy", False):
        return reader(str(path), **options)
    try:
        return reader(str(path), lazy=True, **options)
    except ModuleNotFoundError:
        raise
    except Exception:  # of Velox data without chunks, for example
        check_declared_bytes(path, path.stat().st_size)
        return reader(str(path), **options)


def _in_order_of_file(path: Path, signal: Mapping[str, Any]) -> Mapping[str, Any]:
    """Undo the transposition of arrays whose axes have no names of image axes.

    RosettaSciIO returns data of Berkeley EMD files with the first axis last, which is right where
    the first axis is called x. Without names the format has the rows first.
    """
    names = {str(axis.get("name") or "").strip().casefold() for axis in signal["axes"]}
    is_berkeley = "EMD_version" in signal.get("original_metadata", {})
    if not is_berkeley or names & _NAMED or _has_item(path, r"(^|/)dim0$"):
        return signal
    return {**signal, "data": signal["data"].T, "axes": list(signal["axes"])[::-1]}


def _has_item(path: Path, pattern: str) -> bool:
    """Return whether an HDF5 file has a group or dataset whose path matches."""
    import h5py

    names: list[str] = []
    with h5py.File(path, "r") as file:
        file.visit(names.append)
    return any(re.search(pattern, name) for name in names)


def _stored(signal: Mapping[str, Any]) -> StoredSignal:
    axes = _axes(signal)
    arrangement = arrange(axes)
    scale = FileScale()
    kind = signal.get("metadata", {}).get("Signal", {}).get("signal_type", "")
    fault = fault_of_kind(str(kind)) or arrangement.fault
    if arrangement.order:
        rows, columns = (axes[place] for place in arrangement.order[-2:])
        scale = file_scale((rows.scale, columns.scale), (rows.unit, columns.unit))
    data = signal["data"]
    if not fault and data.dtype.kind == "c" and scale.pixel_nm is None and is_transform(data):
        fault = DIFFRACTION
    shape = tuple(axes[place].size for place in arrangement.order) or data.shape
    info = SignalInfo(
        _title(signal), tuple(map(int, shape)), str(data.dtype), scale.pixel_nm, fault
    )
    return StoredSignal(info, partial(_raw_image, signal, arrangement, scale))


def fault_of_kind(kind: str) -> str:
    """Return why a signal of HyperSpy is no micrograph.

    Parameters
    ----------
    kind : str
        Its type, as "EELS" or "electron_diffraction".

    Returns
    -------
    str
        Empty for images and unknown types.
    """
    if kind.upper().startswith(_SPECTRA):
        return SPECTRUM
    return DIFFRACTION if "diffraction" in kind else ""


def _axes(signal: Mapping[str, Any]) -> list[Axis]:
    data, described = signal["data"], list(signal["axes"])
    if len(described) != data.ndim:
        raise ValueError(f"{len(described)} axes described for {data.ndim}")
    navigates = [bool(axis.get("navigate")) for axis in described]
    return [
        Axis(
            size,
            str(axis.get("name") or ""),
            axis.get("scale"),
            _text(axis.get("units")),
            # Where no axis navigates, the file does not state which ones do.
            not navigate if any(navigates) else None,
        )
        for axis, size, navigate in zip(described, data.shape, navigates, strict=True)
    ]


def _text(unit: Any) -> str | None:
    return unit if isinstance(unit, str) else None


def _raw_image(signal: Mapping[str, Any], arrangement: Arrangement, scale: FileScale) -> RawImage:
    array = signal["data"]
    rest = [axis for axis in range(array.ndim) if axis not in arrangement.order]
    array = array.transpose([*rest, *arrangement.order])
    array = array.reshape(array.shape[len(rest) :])
    notes = tuple(note for note in (arrangement.note, scale.note) if note)
    metadata = {name: signal.get(name, {}) for name in ("metadata", "original_metadata")}
    names = array.dtype.names
    if not isinstance(array, np.ndarray) and array.ndim == 3 and not names:
        return RawImage(frames_of(array), False, scale.pixel_nm, metadata, notes)
    array = np.asarray(array)
    if names and set(names) >= {"R", "G", "B"}:
        array = np.stack([array[name] for name in "RGB"], axis=-1)
    return RawImage(array, bool(names), scale.pixel_nm, metadata, notes)


def _title(signal: Mapping[str, Any]) -> str:
    return str(signal.get("metadata", {}).get("General", {}).get("title", ""))


def _with_frequencies(signal: Mapping[str, Any]) -> Mapping[str, Any]:
    """Correct the unit of a TIA series that RosettaSciIO takes for metres without looking."""
    axes = [
        {**axis, "units": "1/nm"}
        if axis.get("units") == "nm" and abs(float(axis.get("scale") or 0)) > _LONGEST_NM
        else axis
        for axis in signal["axes"]
    ]
    return {**signal, "axes": axes}
