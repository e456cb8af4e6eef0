"""Safety checks of an HDF5 file before it is read.

An HDF5 file can refer to other files: links, external storage and virtual datasets make a reader
return the bytes of any file that the user may read. A header of one kilobyte can declare
terabytes.
"""

from __future__ import annotations

import contextlib
import importlib
from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.limits import check_credible, check_memory
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ADVICE = "open it in the program that wrote it and export the image as TIFF"


def check_hdf5(path: Path, *, whole: bool = True) -> None:
    """Check that a file refers to no other file and fits into memory.

    Every link and dataset that can be reached is checked; no pixel is read. Soft links are
    allowed: their targets lie in this file, and all links of this file are checked.

    Parameters
    ----------
    path : Path
        An HDF5 file.
    whole : bool
        Whether memory has to hold all of it.

    Raises
    ------
    ReadError
        The file refers to another file or declares more data than memory can hold.
    ModuleNotFoundError
        h5py is not installed.
    """
    import h5py

    # Importing it registers the filters that unpack blosc, bitshuffle, zstd and others.
    with contextlib.suppress(ImportError):
        importlib.import_module("hdf5plugin")
    with h5py.File(path, "r") as file:
        datasets = [item for item in _objects(path, file) if isinstance(item, h5py.Dataset)]
        for dataset in datasets:
            if dataset.external or dataset.is_virtual:
                raise ReadError(one_line(path, f"takes {dataset.name} from other files", _ADVICE))
        declared = sum(
            dataset.size * dataset.dtype.itemsize for dataset in datasets if dataset.size
        )
    if whole:
        check_memory(path, declared, 0)
    check_credible(path, declared)


def _objects(path: Path, file: Any) -> Iterator[Any]:
    """Yield every object that hard links reach, once; groups may contain themselves."""
    import h5py

    seen: set[int] = set()
    waiting = [file["/"]]
    while waiting:
        item = waiting.pop()
        address = h5py.h5o.get_info(item.id).addr
        if address in seen:
            continue
        seen.add(address)
        yield item
        if isinstance(item, h5py.Group):
            waiting.extend(item[name] for name in item if _is_hard_link(path, item, name))


def _is_hard_link(path: Path, group: Any, name: str) -> bool:
    import h5py

    try:
        link = group.get(name, getlink=True)
    except TypeError:  # a user-defined kind of link
        link = None
    if not isinstance(link, h5py.HardLink | h5py.SoftLink):
        raise ReadError(one_line(path, f"links to another file at {group.name}", _ADVICE))
    return isinstance(link, h5py.HardLink)
