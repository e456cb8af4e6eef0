"""Label projects that start by themselves, in the user's data folder under the image's name.

The first label on an image needs no decision about a folder: `open_automatic` starts a project, or
opens the one that it started for this image earlier. `save_project_as` moves it to where the user
wants it.
"""

from __future__ import annotations

import filecmp
import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from platformdirs import user_data_path

from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.folder_names import find_available_folder
from napari_stem_defects.io.labels.journal import HOLDER_NAME, LOCK_NAME, SOFT_LOCK_NAME
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph

_NOT_COPIED = (HOLDER_NAME, LOCK_NAME, SOFT_LOCK_NAME)


def projects_folder() -> Path:
    """Return the folder of the projects that started by themselves; it need not exist."""
    return user_data_path("napari-stem-defects", appauthor=False) / "label-projects"


def is_automatic(project: Path) -> bool:
    """Return whether a project lies in the folder of those that started by themselves."""
    return project.resolve().parent == projects_folder().resolve()


def open_automatic(micrograph: Micrograph, classes: Sequence[str]) -> LabelProject:
    """Open the project that was started for an image, or start one.

    Parameters
    ----------
    micrograph : Micrograph
        Its ``name`` gives the name of the project; its ``sha256`` distinguishes images of one
        name.
    classes : sequence of str
        Classes of a new project.

    Returns
    -------
    LabelProject
        Opened for writing.

    Raises
    ------
    LabelError, OutputError
        The user's data folder cannot be written.
    """
    found: list[LabelProject] = []

    def is_available(folder: Path) -> bool:
        if not folder.exists():
            return True
        project = _open_for(folder, micrograph.sha256)
        found.extend([] if project is None else [project])
        return project is not None

    folder = find_available_folder(projects_folder(), micrograph.name, is_available)
    return found[0] if found else LabelProject.create(folder, classes)


def _open_for(folder: Path, image_sha256: str) -> LabelProject | None:
    """Open a project if it holds an image and can be written."""
    if not is_label_project(folder):
        return None
    try:
        project = LabelProject.open(folder)
    except LabelError:
        return None
    is_empty = not project.frames and not project.read_only
    if project.read_only or not (is_empty or image_sha256 in {f.sha256 for f in project.frames}):
        project.close()
        return None
    return project


def save_project_as(project: Path, folder: Path) -> None:
    """Copy a project to a new folder.

    Parameters
    ----------
    project : Path
        A label project; every change of it is on the disk.
    folder : Path
        The new folder, which must not exist or be empty.

    Raises
    ------
    LabelError
        The folder exists and is not empty.
    OutputError
        The copy cannot be written; the project is unchanged.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LabelError(one_line(folder, "exists and is not empty", "choose a new folder"))
    temporary = folder.with_name(f".{secrets.token_hex(4)}.part.{folder.name}")
    try:
        shutil.copytree(project, temporary, ignore=shutil.ignore_patterns(*_NOT_COPIED))
        if not _is_equal(project, temporary):
            raise OutputError(one_line(folder, "is not a complete copy", "try again"))
        if folder.exists():
            folder.rmdir()  # empty, and Windows does not replace folders
        os.replace(temporary, folder)
    except (OSError, shutil.Error) as error:
        fault = f"cannot be written ({getattr(error, 'strerror', None) or error})"
        raise OutputError(one_line(folder, fault, "choose another folder")) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_automatic(project: Path) -> None:
    """Remove a project that started by itself, after it was copied and closed.

    Parameters
    ----------
    project : Path
        Projects elsewhere are left alone.
    """
    if is_automatic(project):
        with suppress(OSError):
            shutil.rmtree(project)


def _is_equal(project: Path, copy: Path) -> bool:
    """Return whether every file of a project has an equal copy."""
    files = [path for path in project.rglob("*") if path.is_file() and path.name not in _NOT_COPIED]
    return all(filecmp.cmp(path, copy / path.relative_to(project), shallow=False) for path in files)
