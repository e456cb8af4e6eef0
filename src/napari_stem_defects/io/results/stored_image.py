"""What the summary of a result or of a survey states of its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.results.image_file import find_image_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class StoredImage:
    """The image of a folder that a command has written, as its summary describes it.

    Parameters
    ----------
    folder : Path
    summary : mapping
        Content of its ``summary.json``.

    Attributes
    ----------
    folder : Path
    summary : mapping
    frames : tuple of int
        Indices of the frames that were searched.
    frame_shape : (int, int)
        Height and width of a frame in px.
    frame_count : int
        Number of frames of the image, those that were not searched included.
    moved_to : Path or None
        Where the image is now, if the user has stated it.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError
        The summary is damaged.
    """

    def __init__(self, folder: Path, summary: Mapping[str, Any]) -> None:
        self.folder, self.summary = folder, summary
        self.moved_to: Path | None = None
        image = summary["image"]
        height, width = image["frame_shape"]
        self.frame_shape = int(height), int(width)
        self.frames = tuple(int(each["frame"]) for each in summary["frames"])
        self.frame_count = int(image.get("frame_count") or max(self.frames, default=0) + 1)

    @property
    def name(self) -> str:
        """Name of the image."""
        return str(self.summary["image"]["name"])

    @property
    def pixel_size_nm(self) -> float | None:
        """Edge of a pixel in nm; None if it is not known."""
        size = self.summary["image"]["pixel_size_nm"]
        return None if size is None else float(size)

    @property
    def is_stack(self) -> bool:
        """Whether the image has several frames."""
        return self.frame_count > 1

    def find_image(self) -> Path | None:
        """Find the file that was searched.

        Returns
        -------
        Path or None
            Where it was or, if it was moved, a file of its name in the folder or in one of the two
            folders above; None if there is none. Its content is not compared.
        """
        if self.moved_to is not None:
            return self.moved_to
        return find_image_file(self.folder, self.summary["image"].get("path"))

    def close(self) -> None:
        """Close the files, so that they can be replaced; a later frame opens them again."""


def folder_of(path: Path) -> Path:
    """Return the folder of a path, which is the folder or its ``summary.json``."""
    return path.parent if path.name == SUMMARY else path
