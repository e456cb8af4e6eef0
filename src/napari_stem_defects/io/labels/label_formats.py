"""The formats of label files, for the command line and the panel alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class LabelFormat:
    """A format of files of labels on micrographs; `label_files` reads them.

    Attributes
    ----------
    name : str
        Name for the user.
    suffixes : tuple of str
        Ends of its files' names, in lower case.
    names_images : bool
        Its files name the images of their labels; those of others belong to one image.
    """

    name: str
    suffixes: tuple[str, ...]
    names_images: bool = False


TABLE = LabelFormat("tables of points", (".csv",))
ROIS = LabelFormat("ImageJ ROIs", (".zip", ".roi"))
GEOJSON = LabelFormat("GeoJSON of QuPath", (".geojson", ".json"))
COCO = LabelFormat("COCO", (".json",), names_images=True)
LABELME = LabelFormat("LabelMe", (".json",), names_images=True)
LABEL_STUDIO = LabelFormat("Label Studio", (".json",), names_images=True)
CVAT = LabelFormat("CVAT", (".xml",), names_images=True)

LABEL_FORMATS = (TABLE, ROIS, GEOJSON, COCO, LABELME, LABEL_STUDIO, CVAT)
"""All formats; which of several with one suffix a file has is seen by its content."""


def is_label_file(source: Path) -> bool:
    """Return whether a source of labels is such a file, and not a folder of patches."""
    suffixes = {suffix for each in LABEL_FORMATS for suffix in each.suffixes}
    return source.suffix.lower() in suffixes and not source.is_dir()


def list_formats() -> str:
    """Return all formats with their suffixes, for help and messages."""
    return ", ".join(f"{each.name} ({', '.join(each.suffixes)})" for each in LABEL_FORMATS)
