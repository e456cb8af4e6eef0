"""The formats in which results are exported."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_stem_defects.io.export.exported_results import ExportedImage
    from napari_stem_defects.io.export.options import ExportOptions

    Writer = Callable[[Sequence[ExportedImage], Path, ExportOptions], list[Path]]


@dataclass(frozen=True)
class ExportFormat:
    """A format of an export.

    Attributes
    ----------
    name : str
        Name on the command line.
    content : str
        What is written.
    module, function : str
        Where the writer is, imported when it is used.
    """

    name: str
    content: str
    module: str
    function: str = "write"

    def load(self) -> Writer:
        """Import and return the function that writes the files of some results."""
        module = import_module(f"{__package__}.{self.module}")
        writer: Writer = getattr(module, self.function)
        return writer


FORMATS = {
    each.name: each
    for each in (
        ExportFormat("imagej", "a zip of ROIs per image, for the ROI Manager of ImageJ", "imagej"),
        ExportFormat("geojson", "a GeoJSON file per image, with QuPath's conventions", "geojson"),
        ExportFormat("coco", "one COCO file over all images", "coco"),
        ExportFormat("csv", "one table over all images", "tables", "write_csv"),
        ExportFormat("parquet", "one Parquet table over all images", "tables", "write_parquet"),
        ExportFormat("ome-zarr", "each image with its labels as OME-Zarr", "ome_zarr"),
        ExportFormat("hyperspy", "each image with markers as HyperSpy signal", "hyperspy"),
    )
}
"""All formats by name."""


def find_format(name: str) -> ExportFormat:
    """Return a format.

    Parameters
    ----------
    name : str
        Its name.

    Returns
    -------
    ExportFormat

    Raises
    ------
    InputError
        There is none of that name.
    """
    if name not in FORMATS:
        raise InputError(f"format {name!r} is unknown; choose one of {', '.join(FORMATS)}")
    return FORMATS[name]
