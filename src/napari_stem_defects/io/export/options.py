"""Options of an export, and the names of its files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.io.folder_names import make_folder_name
from napari_stem_defects.io.images.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.export.exported_results import ExportedImage


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export.

    Attributes
    ----------
    outlines : bool
        Whether points and lines are written by their outlines too.
    images : Path or None
        The image of the result, or the folder of the images, for formats that contain it.
    read_image : callable
        Reads a file, with ``signal`` where one of several was searched; `workers.isolated_read`
        uses a separate process.
    """

    outlines: bool = False
    images: Path | None = None
    read_image: Callable[..., Micrograph] = read


def name_files(
    images: Sequence[ExportedImage], out: Path, ending: str
) -> Iterator[tuple[ExportedImage, Path]]:
    """Yield each image with its file: its name, with a number where two have the same.

    Parameters
    ----------
    images : sequence of ExportedImage
    out : Path
        Folder of the files.
    ending : str
        What follows the name.

    Yields
    ------
    (ExportedImage, Path)
    """
    taken: dict[str, int] = {}
    for image in images:
        name = make_folder_name(image.name)
        number = taken[name.lower()] = taken.get(name.lower(), 0) + 1
        yield image, out / (f"{name}{ending}" if number == 1 else f"{name}_{number}{ending}")
