"""HDF5 files: which program wrote one, by its content.

Programs disagree about suffixes: HyperSpy's files are found as ``.emd``, those of py4DSTEM and Nion
Swift as ``.h5`` or ``.hdf5``. The suffix therefore decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.images import microscope_formats, nexus, nion_swift, nsid
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.microscope_formats import with_extra

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal

    Lister = Callable[[Path], list[StoredSignal]]

_EMD_MARK = "emd_group_type"
_VELOX = ("Velox", "DevelopersKit")


def list_hdf5(path: Path) -> list[StoredSignal]:
    """List the signals of an HDF5 file: of Nion Swift, HyperSpy, Velox, py4DSTEM, pyNSID or NeXus.

    So are those of EMD of other programs. Of an unknown program, its arrays are the signals.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing; the file has no arrays, is too big, or refers to others.
    Exception
        Any error of a reader for a damaged file.
    """
    return _readers(path)[0](path)


def open_hdf5(path: Path) -> list[StoredSignal]:
    """List the signals as `list_hdf5` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_hdf5`.
    Exception
        Any error of a reader for a damaged file.
    """
    return _readers(path)[1](path)


def _readers(path: Path) -> tuple[Lister, Lister]:
    """Return the readers, whole and by frame, of the program that wrote a file."""
    with_extra(path, lambda: check_hdf5(path, whole=False))
    import h5py

    found = list[str]()

    def look(_: str, item: h5py.HLObject) -> bool | None:
        if _EMD_MARK in item.attrs:
            found.append("emd")
        elif nsid.is_main_dataset(item):
            found.append("nsid")
        return True if found else None

    with h5py.File(path, "r") as file:
        if "Experiments" in file or file.attrs.get("file_format") == "HyperSpy":
            return microscope_formats.list_hspy, microscope_formats.open_hspy
        if nion_swift.is_swift(file):
            return nion_swift.list_swift_hdf5, nion_swift.open_swift_hdf5
        if "Data/Image" in file or _EMD_MARK in file.attrs or _is_velox(file):
            return microscope_formats.list_emd, microscope_formats.open_emd
        file.visititems(look)
    if "emd" in found:
        return microscope_formats.list_emd, microscope_formats.open_emd
    if "nsid" in found:
        return nsid.list_nsid, nsid.open_nsid
    return nexus.list_arrays, nexus.open_arrays


def _is_velox(file: Any) -> bool:
    """Return whether a file is of Velox; one of spectra alone has no images."""
    version = file.get("Version")
    if getattr(version, "shape", None) != (1,):
        return False
    return any(name in str(version[0]) for name in _VELOX)
