"""Moving finished result files into their folder, where they replace those of an earlier run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.errors import OutputError, ReadError
from napari_stem_defects.io.atomic import move_into_place
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.frame_file import read_frame
from napari_stem_defects.io.results.frame_pages import PAGES, page_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def publish(source: Path, target: Path, names: Sequence[str], optional: Iterable[str] = ()) -> None:
    """Move result files to their folder and remove pictures of an earlier run.

    Parameters
    ----------
    source : Path
        Folder in which the files were written, on the drive of ``target``.
    target : Path
        Folder of the results.
    names : sequence of str
        Paths of the files in the folder. The last one, the summary, marks finished results: it is
        removed first and moved last.
    optional : iterable of str
        Files that an earlier run may have written; they are removed if they are not in ``names``.

    Raises
    ------
    OutputError
        A file is open elsewhere or the folder is not writable.
    """
    remove_result(target / names[-1])
    stale = {name for name in optional if name not in names}
    stale |= {page for page in _pages_in(target) if page not in names}
    for name in sorted(stale):
        remove_result(target / name)
    if any(name.startswith(f"{PAGES}/") for name in names):
        _make_folder(target / PAGES)
    for name in names:
        move_into_place(source / name, target / name)
    remove_if_empty(target / PAGES)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        fault = f"cannot be made ({error.strerror or error})"
        advice = "move what is there away, or choose another folder"
        raise OutputError(one_line(folder, fault, advice)) from error


def _pages_in(folder: Path) -> list[str]:
    """Return the pages in a folder of results; other files there are a user's."""
    pages = []
    for path in (folder / PAGES).glob("frame_*.png"):
        number = path.stem.removeprefix("frame_")
        if number.isdecimal() and page_name(int(number)) == f"{PAGES}/{path.name}":
            pages.append(f"{PAGES}/{path.name}")
    return pages


def remove_if_empty(folder: Path) -> None:
    """Remove a folder if nothing is in it.

    Parameters
    ----------
    folder : Path
    """
    try:
        folder.rmdir()
    except OSError:  # it holds pages, or there is none
        return


def remove_result(path: Path) -> None:
    """Remove a result file of an earlier run.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OutputError
        It is open elsewhere.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        fault = f"cannot be replaced ({error.strerror or error})"
        raise OutputError(one_line(path, fault, "close it elsewhere and run again")) from error


def remove_damaged(paths: Sequence[Path]) -> None:
    """Remove frame files that cannot be read, so that a rerun repeats only these.

    Parameters
    ----------
    paths : sequence of Path
        Frame files.
    """
    for path in paths:
        try:
            read_frame(path)
        except ReadError:
            path.unlink(missing_ok=True)
