"""Open a result in napari: the image, one layer per defect class, and the panel."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    import argparse

_QT = ("PyQt6", "PySide6", "PyQt5", "PySide2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the result."""
    parser.add_argument("folder", type=Path, metavar="RESULT", help="a folder that detect wrote")
    parser.add_argument(
        "--image", type=Path, metavar="IMAGE", help="the image, if it was moved since"
    )


def run(options: argparse.Namespace) -> int:
    """Open the result; return 2 if there is no display or no napari."""
    image = options.image or find_image(options.folder)
    if not can_show():
        return 2
    show_results(image, options.folder)
    return 0


def show_command(folder: Path) -> str:
    """Return the command that opens a result, for the user to copy.

    Parameters
    ----------
    folder : Path
        A folder of results.

    Returns
    -------
    str
        For a POSIX shell; other shells need other quotes around unusual names.
    """
    return f"stem-defects show {shlex.quote(str(folder))}"


def find_image(folder: Path) -> Path:
    """Return the image of a result.

    Parameters
    ----------
    folder : Path
        A folder of results.

    Returns
    -------
    Path
        The file that was searched, also if it was moved to the results.

    Raises
    ------
    ReadError
        There is no result of a detection in the folder.
    InputError
        The image is not where it was.
    """
    from napari_stem_defects.io.results.stored_result import StoredResult

    result = StoredResult(folder)
    path = result.find_image()
    if path is None:
        stored = result.summary["image"]["path"]
        where = "was not a file" if stored is None else f"is not at {stored} any more"
        raise InputError(one_line(folder, f"its image {where}", "give it with --image FILE"))
    return path


def can_show() -> bool:
    """Return whether napari can open; print the reason if not."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        print("no display: napari is not opened")
        return False
    if find_spec("napari") is None:
        print('napari is not installed: pip install "napari[pyqt6]" to open results in it')
        return False
    if not any(find_spec(name) for name in _QT):
        print("napari needs Qt, which is not installed: pip install PyQt6")
        return False
    return True


def show_results(image: Path, folder: Path) -> None:
    """Open napari with the image, one layer per defect class and the Detect panel.

    Parameters
    ----------
    image : Path
        The image that was searched.
    folder : Path
        The folder of its results.
    """
    import napari

    from napari_stem_defects.napari_plugin.layers.stored_layers import reopen

    reopen(folder).members[0].moved_to = image  # for the reader, which opens the same result
    viewer = napari.Viewer()
    viewer.open(str(folder), plugin="napari-stem-defects")
    napari.run()
