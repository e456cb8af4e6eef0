"""Options of an export, and the names of its files."""

from __future__ import annotations

import glob
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError, OutputError
from napari_stem_defects.io.folder_names import make_folder_name
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.write_lock import WriteLock

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
    faults : list of str
        A line for each result that was left out.
    """

    outlines: bool = False
    images: Path | None = None
    read_image: Callable[..., Micrograph] = read
    faults: list[str] = field(default_factory=list)

    @contextmanager
    def leaving_out(self, image: ExportedImage) -> Iterator[None]:
        """Leave out a result that cannot be read, and state it: it does not stop the others."""
        try:
            yield
        except OutputError:
            raise
        except InputError as error:
            line, begin = str(error), f"{image.folder.name}: "
            self.faults.append(line if line.startswith(begin) else begin + line)

    def refuse_nothing(self, images: Sequence[ExportedImage]) -> None:
        """Raise the first fault if all results are left out, before a file without any is written.

        Parameters
        ----------
        images : sequence of ExportedImage
            All results.

        Raises
        ------
        InputError
            None of them could be read.
        """
        if self.faults and len(self.faults) == len(images):
            raise InputError(self.faults[0])


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let one program at a time write a large file or folder; remove what a killed one has left.

    Parameters
    ----------
    path : Path
        The target of `io.atomic.replacing`, or a folder written in the same way.

    Raises
    ------
    InUseError
        Another program is writing it.
    """
    with WriteLock(path, "export", "folder"):
        for left in path.parent.glob(f".*.part.{glob.escape(path.name)}"):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with suppress(OSError):
                    left.unlink()
        yield


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
