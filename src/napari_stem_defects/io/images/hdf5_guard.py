"""Look an HDF5 file over before a reader trusts it.

HDF5 lets a file point at others: links, external storage and virtual datasets make a reader
return the bytes of any file the user may read. A header of a kilobyte can declare terabytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.limits import check_declared_bytes
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ADVICE = "open it in the program that wrote it and export the image as TIFF"


def check_hdf5(path: Path) -> None:
    """Refuse a file that reaches outside itself or declares more than memory can hold.

    Every link and dataset that can be reached is looked at; no pixel is read. Soft links need no
    refusal: their targets lie in this file, whose own links are all looked at here.

    Raises
    ------
    ReadError
    ModuleNotFoundError
        h5py is missing.
    """
    import h5py

    with h5py.File(path, "r") as file:
        datasets = [item for item in _objects(path, file) if isinstance(item, h5py.Dataset)]
        for dataset in datasets:
            if dataset.external or dataset.is_virtual:
                raise ReadError(one_line(path, f"takes {dataset.name} from other files", _ADVICE))
        declared = sum(
            dataset.size * dataset.dtype.itemsize for dataset in datasets if dataset.size
        )
    check_declared_bytes(path, declared)


def _objects(path: Path, file: Any) -> Iterator[Any]:
    """Yield every object reached by hard links, once; groups may contain themselves."""
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
    except TypeError:  # a kind of link that only its maker's program can follow
        link = None
    if not isinstance(link, h5py.HardLink | h5py.SoftLink):
        raise ReadError(one_line(path, f"links to another file at {group.name}", _ADVICE))
    return isinstance(link, h5py.HardLink)
