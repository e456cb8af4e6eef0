"""Results in the file formats of other programs, for scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from napari_stem_defects.base.paths import to_paths
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.export.exported_results import read_results_to_export
from napari_stem_defects.io.export.options import ExportOptions
from napari_stem_defects.io.export.registry import find_format
from napari_stem_defects.io.images.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_stem_defects.base.micrograph import Micrograph


class Exported(NamedTuple):
    """Files that were exported.

    Attributes
    ----------
    files : tuple of Path
        The files, or folders of OME-Zarr.
    faults : tuple of str
        One line for each folder that could not be read, and for each result that was left out.

    Examples
    --------
    >>> sd.Exported._fields
    ('files', 'faults')
    """

    files: tuple[Path, ...]
    faults: tuple[str, ...]

    def __repr__(self) -> str:
        first = f", the first {self.files[0].name!r}" if self.files else ""
        return f"Exported({len(self.files)} files{first}; {len(self.faults)} faults)"


def export(
    results: str | Path | Sequence[str | Path],
    format: str,
    out: str | Path | None = None,
    *,
    outlines: bool = False,
    images: str | Path | None = None,
    read_image: Callable[..., Micrograph] | None = None,
) -> Exported:
    """Write results in the file format of another program.

    Point defects become points at their measured sites, lines their centre lines, and areas
    polygons along the edges of their pixels, each named, with the colour of its class. Positions
    follow the convention of the program: ImageJ (areas), QuPath and COCO count from the corner of
    the first pixel, others from its centre.

    Parameters
    ----------
    results : str, Path or sequence of them
        Result folders of `detect` on the command line, or folders that contain some.
    format : {"imagej", "geojson", "coco", "csv", "parquet", "ome-zarr", "hyperspy"}
        ROIs for ImageJ, GeoJSON for QuPath, COCO, tables over all results, labels as OME-Zarr, or
        a signal with markers for HyperSpy.
    out : str or Path, optional
        Folder of the files; by default ``export`` in the first folder of ``results``.
    outlines : bool, default: False
        Whether points and lines are written as polygons too.
    images : str or Path, optional
        The image of the result, or the folder of the images, if they were moved since; OME-Zarr and
        HyperSpy files contain them.
    read_image : callable, optional
        Reads a file, and of several signals the one named by ``signal``; by default `read`.

    Returns
    -------
    Exported
        The files written, and what could not be read.

    Raises
    ------
    InputError
        No folder holds a result, none of the results can be read or, for formats that contain the
        image, its image is missing; a package of the format is not installed, or the output folder
        cannot be written.

    Examples
    --------
    >>> sd.export("results", "geojson")
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.InputError: results: there is no such folder; ...
    """
    writer = find_format(format).load()
    folders = to_paths(results)
    found, faults = read_results_to_export(folders)
    options = ExportOptions(outlines, None if images is None else Path(images), read_image or read)
    folder = folders[0] / "export" if out is None else Path(out)
    files = writer(found, folder, options)
    if not files and options.faults:
        raise InputError(options.faults[0])
    return Exported(tuple(files), (*faults, *options.faults))
