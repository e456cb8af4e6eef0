"""Zarr folders and ZIP archives: which program wrote one, by its content.

As with HDF5 (`hdf5_files`), several programs share a container, and their suffixes get mixed up.
"""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from napari_stem_defects.io.images import (
    hyperspy_zarr,
    nion_swift,
    numpy_files,
    ome_zarr,
    plain_zarr,
)
from napari_stem_defects.io.images.zarr_arrays import is_packed_zarr, open_zarr

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal

    Lister = Callable[[Path], list[StoredSignal]]

_SWIFT = {"data.npy", "metadata.json"}


def list_archive(path: Path) -> list[StoredSignal]:
    """List the signals of a Zarr folder of OME-Zarr, abTEM, HyperSpy or others, or of an archive.

    Parameters
    ----------
    path : Path
        A folder, or a ZIP archive of one, of Nion Swift or of NumPy.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        A package is missing, or there is no image, or one that is too big.
    Exception
        Any error of a reader for a damaged file.
    """
    return _readers(path)[0](path)


def open_archive(path: Path) -> list[StoredSignal]:
    """List the signals as `list_archive` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_archive`.
    Exception
        Any error of a reader for a damaged file.
    """
    return _readers(path)[1](path)


def _readers(path: Path) -> tuple[Lister, Lister]:
    """Return the readers, whole and by frame, of the program that wrote a folder or archive."""
    if path.is_dir() or is_packed_zarr(path):
        opened = open_zarr(path)
        if plain_zarr.is_plain(opened):
            return plain_zarr.list_arrays, plain_zarr.open_arrays
        if hyperspy_zarr.is_hyperspy(opened):
            return hyperspy_zarr.list_zspy, hyperspy_zarr.open_zspy
        return ome_zarr.list_ome_zarr, ome_zarr.open_ome_zarr
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
    if names >= _SWIFT:
        return nion_swift.list_ndata, nion_swift.open_ndata
    return numpy_files.list_npz, numpy_files.list_npz
