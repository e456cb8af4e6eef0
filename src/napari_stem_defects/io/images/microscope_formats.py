"""Loaders of microscope formats, by RosettaSciIO.

RosettaSciIO is an optional dependency and is imported only here. A file may hold several signals.
Spectra, spectrum images, diffraction patterns and 4D-STEM data are skipped. Of the remaining
images, one with HAADF in its title is preferred, then the largest, then the first; a note lists
the others.
"""

from __future__ import annotations

import importlib
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.limits import check_declared_bytes
from napari_stem_defects.io.images.missing_package import missing_package
from napari_stem_defects.io.images.pixel_size import pixel_size_in_nm
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

Signal = Mapping[str, Any]
T = TypeVar("T")

_ENERGY = {"ev", "kev", "mev"}
_SPECTRA = ("EELS", "EDS", "EDX", "CL", "XPS", "LUMI")
_MRC_BIG_ENDIAN = b"\x11\x11"
_MRC_BYTES = {0: 1, 1: 2, 2: 4, 4: 8, 6: 2, 12: 2}
"""Bytes of a pixel by the header's mode."""
_NOT_IN_NM = "save it as an image (HAADF, ADF, BF) with its scale in nm"


def load_dm(path: Path) -> RawImage:
    """Read a Gatan DigitalMicrograph file, DM3 or DM4.

    Parameters
    ----------
    path : Path
        A file ``.dm3`` or ``.dm4``.

    Returns
    -------
    RawImage
        The preferred image of the file.

    Raises
    ------
    ReadError
        RosettaSciIO is missing, or the file holds no image or is too big.
    Exception
        Any error of the reader for a damaged file.
    """
    return _load(path, "digitalmicrograph")


def load_ser(path: Path) -> RawImage:
    """Read an image series of TIA (FEI); the ``.emi`` file beside it is not needed.

    Parameters
    ----------
    path : Path
        A file ``.ser``.

    Returns
    -------
    RawImage
        The preferred image of the file.

    Raises
    ------
    ReadError
        RosettaSciIO is missing, or the file holds no image or is too big.
    Exception
        Any error of the reader for a damaged file.
    """
    return _load(path, "tia")


def load_mrc(path: Path) -> RawImage:
    """Read an MRC file; the text files that some cameras write beside it are not read.

    Programs without a pixel size write a cell of exactly 1 Å per pixel, which is ignored.

    Parameters
    ----------
    path : Path
        A file ``.mrc``.

    Returns
    -------
    RawImage
        The image or stack of the file.

    Raises
    ------
    ReadError
        RosettaSciIO is missing, or the file is big-endian, cut short or too big.
    Exception
        Any error of the reader for a damaged file.
    """
    with path.open("rb") as file:
        header = file.read(216)
    if header[212:214] == _MRC_BIG_ENDIAN:
        raise ReadError(one_line(path, "is a big-endian MRC file", "export it as TIFF"))
    _check_mrc(path, header)
    raw = _load(path, "mrc", metadata_file=None)
    is_default = raw.pixel_nm is not None and np.allclose(raw.pixel_nm, 0.1, rtol=1e-6)
    if not is_default:
        return raw
    note = "Its pixel size of 1 Å is the default of MRC writers and was ignored."
    return RawImage(raw.array, raw.colour, None, raw.metadata, (*raw.notes, note))


def _check_mrc(path: Path, header: bytes) -> None:
    """Refuse sizes that exceed the file; RosettaSciIO allocates memory before it notices."""
    *shape, mode = struct.unpack_from("<4i", header)
    declared = math.prod(shape) * _MRC_BYTES.get(mode, 0)
    if min(shape) < 0 or declared > path.stat().st_size:
        size = " x ".join(map(str, reversed(shape)))
        fault = f"declares {size} px, which it does not hold"
        raise ReadError(one_line(path, fault, "it is cut short or damaged; copy it again"))


def load_emd(path: Path) -> RawImage:
    """Read an EMD file of Velox or of the Berkeley (NCEM) kind.

    Parameters
    ----------
    path : Path
        A file ``.emd``.

    Returns
    -------
    RawImage
        The preferred image of the file.

    Raises
    ------
    ReadError
        RosettaSciIO or h5py is missing; the file holds no image, is too big or refers to others.
    Exception
        Any error of the reader for a damaged file.
    """
    _with_extra(path, lambda: check_hdf5(path))
    return _load(path, "emd", select_type="images")


def load_hspy(path: Path) -> RawImage:
    """Read a HyperSpy file.

    Parameters
    ----------
    path : Path
        A file ``.hspy``.

    Returns
    -------
    RawImage
        The preferred image of the file.

    Raises
    ------
    ReadError
        RosettaSciIO or h5py is missing; the file holds no image, is too big or refers to others.
    Exception
        Any error of the reader for a damaged file.
    """
    _with_extra(path, lambda: check_hdf5(path))
    return _load(path, "hspy")


def _load(path: Path, plugin: str, **options: Any) -> RawImage:
    check_declared_bytes(path, path.stat().st_size)
    reader = _with_extra(path, lambda: importlib.import_module(f"rsciio.{plugin}").file_reader)
    return _preferred_image(path, _with_extra(path, lambda: reader(str(path), **options)))


def _with_extra(path: Path, use: Callable[[], T]) -> T:
    """Run code that needs the optional packages; report a missing one in one line."""
    try:
        return use()
    except ModuleNotFoundError as error:
        line = missing_package(path, error)
    raise ReadError(line)


def _preferred_image(path: Path, signals: Sequence[Signal]) -> RawImage:
    signals = [signal for signal in signals if "data" in signal and "axes" in signal]
    if not signals:
        raise ReadError(one_line(path, "holds no data", "record or export it again"))
    faults = [_fault_of_signal(signal) for signal in signals]
    images = [signal for signal, fault in zip(signals, faults, strict=True) if not fault]
    if not images:
        raise ReadError(one_line(path, faults[0], _NOT_IN_NM))
    chosen = max(images, key=lambda signal: ("HAADF" in _title(signal).upper(), _area(signal)))
    return _raw_image(chosen, [_title(signal) for signal in signals if signal is not chosen])


def _fault_of_signal(signal: Signal) -> str:
    """Return why a signal is not an image or a stack of frames; empty if it is one."""
    axes = _long_axes(signal)
    units = [str(axis.get("units") or "").casefold() for axis in axes]
    kind = str(signal.get("metadata", {}).get("Signal", {}).get("signal_type", ""))
    if len(axes) < 2 or _ENERGY & set(units) or kind.upper().startswith(_SPECTRA):
        return "holds a spectrum or spectrum image, no micrograph"
    if len(axes) > 3:
        shape = " x ".join(str(axis["size"]) for axis in axes)
        return f"holds data with {len(axes)} axes ({shape}), as of 4D-STEM, no micrograph"
    if any(_is_reciprocal(unit) for unit in units[-2:]) or "diffraction" in kind:
        return "holds a diffraction pattern or Fourier transform, no micrograph"
    return ""


def _is_reciprocal(unit: str) -> bool:
    return "1/" in unit.replace(" ", "") or "^-1" in unit or "⁻¹" in unit or "rad" in unit


def _long_axes(signal: Signal) -> list[Mapping[str, Any]]:
    """Return the axes that are kept: the last two, and earlier ones longer than one."""
    data, axes = signal["data"], list(signal["axes"])
    if len(axes) != data.ndim:
        raise ValueError(f"{len(axes)} axes described for {data.ndim}")
    described: list[Mapping[str, Any]] = [
        {**axis, "size": size} for axis, size in zip(axes, data.shape, strict=True)
    ]
    leading = [axis for axis in described[:-2] if axis["size"] > 1]
    return leading + described[-2:]


def _raw_image(signal: Signal, others: Sequence[str]) -> RawImage:
    array, axes = np.asarray(signal["data"]), _long_axes(signal)
    array = array.reshape([axis["size"] for axis in axes])
    names = array.dtype.names
    if names and set(names) >= {"R", "G", "B"}:
        array = np.stack([array[name] for name in "RGB"], axis=-1)
    notes = []
    if others:
        listed = ", ".join(title or "unnamed" for title in others)
        notes.append(f"Of {len(others) + 1} signals {_title(signal)!r} was read, not {listed}.")
    sizes, units = zip(*((axis.get("scale"), axis.get("units")) for axis in axes[-2:]), strict=True)
    metadata = {name: signal.get(name, {}) for name in ("metadata", "original_metadata")}
    return RawImage(
        array,
        colour=bool(names),
        pixel_nm=pixel_size_in_nm(sizes, units),
        metadata=metadata,
        notes=tuple(notes),
    )


def _title(signal: Signal) -> str:
    return str(signal.get("metadata", {}).get("General", {}).get("title", ""))


def _area(signal: Signal) -> int:
    height, width = signal["data"].shape[-2:]
    return int(height * width)
