"""Open results or a survey in napari: the image, what was found in it, and the panel."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import file_or_folder
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

_QT = ("PyQt6", "PySide6", "PyQt5", "PySide2")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder."""
    parser.add_argument(
        "folder", type=file_or_folder, metavar="RESULT", help="a folder that detect or survey wrote"
    )
    parser.add_argument(
        "--image", type=file_or_folder, metavar="IMAGE", help="the image, if it was moved since"
    )


def run(options: argparse.Namespace) -> int:
    """Open the folder; return 2 if there is no display or no napari."""
    image = find_image(options.folder, options.image)
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


def find_image(folder: Path, moved_to: Path | None = None) -> Path | None:
    """Return the image of a result or of a survey.

    Parameters
    ----------
    folder : Path
        A folder that ``detect`` or ``survey`` wrote, for one image or for several.
    moved_to : Path, optional
        Where the image is now.

    Returns
    -------
    Path or None
        The file that was searched, also if it was moved to the results; None where the image was
        not a file, or the folder contains those of several images.

    Raises
    ------
    ReadError
        There is neither a result nor a survey in the folder.
    InputError
        The image is not where it was, or one is given for several.
    """
    from napari_stem_defects.jobs.opened_folder import open_folder

    members = open_folder(folder).members
    if len(members) > 1:
        if moved_to is not None:
            advice = "give --image with one of its folders"
            raise InputError(one_line(folder, f"contains {len(members)} images", advice))
        return None
    path = moved_to or members[0].find_image()
    stored = members[0].summary["image"]["path"]
    if path is None and stored is not None:
        where = f"is not at {stored} any more"
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


def show_results(image: Path | None, folder: Path) -> None:
    """Open napari with the image, what was found in it, and the Detect panel.

    Parameters
    ----------
    image : Path or None
        The image that was searched; None for the images of a batch, which are looked for.
    folder : Path
        The folder of its results or of its survey.
    """
    import napari

    from napari_stem_defects.jobs.opened_folder import stored_kind
    from napari_stem_defects.napari_plugin.layers.stored_layers import reopen
    from napari_stem_defects.napari_plugin.layers.stored_survey_layers import reopen_survey

    if image is not None:  # for the reader, which opens the same folder
        opened = reopen_survey(folder) if stored_kind(folder) == "survey" else reopen(folder)
        opened.members[0].moved_to = image
    viewer = napari.Viewer()
    viewer.open(str(folder), plugin="napari-stem-defects")
    napari.run()
