"""Images of which results or surveys are stored, in one order of frames."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.images.find import natural_order
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.stored_image import StoredImage
from napari_stem_defects.workers.isolated_read import read_micrograph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_KEPT_FILES = 2
_Member = TypeVar("_Member", bound=StoredImage)


class Place(NamedTuple, Generic[_Member]):
    """Where a frame of the whole comes from: one of the images, and the frame of it."""

    member: _Member
    frame: int


@dataclass
class OpenedImages(Generic[_Member]):
    """Folders of images in one order of frames; all have the same shape.

    Attributes
    ----------
    folder : Path
        The folder of one image or, of a batch, the folder that contains those of all.
    members : tuple of StoredImage
        One per image.
    """

    folder: Path
    members: tuple[_Member, ...]

    def __post_init__(self) -> None:
        """Give the frames of all images one order."""
        self._places = tuple(
            Place(each, frame) for each in self.members for frame in range(each.frame_count)
        )

    @property
    def name(self) -> str:
        """Name of the image, or of the folder of a batch."""
        return self.members[0].name if len(self.members) == 1 else self.folder.resolve().name

    @property
    def frame_count(self) -> int:
        """Number of frames of all images, those that were not searched included."""
        return len(self._places)

    @property
    def is_stack(self) -> bool:
        """Whether there are several frames."""
        return self.frame_count > 1

    @property
    def frame_shape(self) -> tuple[int, int]:
        """Height and width of a frame in px."""
        return self.members[0].frame_shape

    @property
    def pixel_size_nm(self) -> float | None:
        """Edge of a pixel in nm, if it is the same everywhere."""
        sizes = {each.pixel_size_nm for each in self.members}
        return sizes.pop() if len(sizes) == 1 else None

    @property
    def frames(self) -> list[int]:
        """The frames that were searched."""
        return [i for i, place in enumerate(self._places) if place.frame in place.member.frames]

    def place(self, frame: int) -> Place[_Member]:
        """Return where a frame comes from."""
        return self._places[frame]

    def title(self, frame: int) -> str:
        """Return which image of a batch a frame shows; "" for a single image or stack."""
        if len(self.members) == 1:
            return ""
        return f"frame {frame}: {self._places[frame].member.name}"

    def notes(self) -> list[str]:
        """Return what the user should know: whose image is not found, or is another one."""
        missing = [each for each in self.members if each.find_image() is None]
        if len(missing) > 1:
            count = len(missing)
            return [f"{self.name}: {count} images are not found; put them beside the results"]
        if missing:
            stored = missing[0].summary["image"].get("path")
            if not stored:  # no file has its hash
                advice = "the results open without it"
                return [one_line(missing[0].folder, "its image was not a file", advice)]
            where = f"its image {stored} is not found"
            return [one_line(missing[0].folder, where, "put it beside the results and open again")]
        if len(self.members) == 1 and image_of(self.members[0]) is None:
            path = self.members[0].find_image()
            return [one_line(self.folder, f"{path} is another image, or damaged", "replace it")]
        return []

    def micrograph(self, frame: int) -> Micrograph | None:
        """Return the whole image that a frame belongs to; None if it is not found or another one.

        Parameters
        ----------
        frame : int

        Returns
        -------
        Micrograph or None
            With the pixel size of the results.
        """
        return image_of(self._places[frame].member)


def inner_folders(path: Path, is_kind: Callable[[Path], bool]) -> list[Path]:
    """Return the folders of one kind in a folder, in natural order of their names.

    Parameters
    ----------
    path : Path
    is_kind : callable
        Returns whether a folder with a summary is of the kind.

    Returns
    -------
    list of Path
        Empty if there is none, or the folder cannot be listed.
    """
    return sorted(_inner(path, is_kind), key=natural_order)


def holds(path: Path, is_kind: Callable[[Path], bool]) -> bool:
    """Return whether there is a folder of one kind in a folder; see `inner_folders`."""
    return any(True for _ in _inner(path, is_kind))


def _inner(path: Path, is_kind: Callable[[Path], bool]) -> Iterator[Path]:
    with suppress(OSError):
        yield from (e for e in path.iterdir() if (e / SUMMARY).is_file() and is_kind(e))


def image_of(member: StoredImage) -> Micrograph | None:
    """Return the image of a folder; None if it is not found, not readable or another one.

    Parameters
    ----------
    member : StoredImage

    Returns
    -------
    Micrograph or None
        With the pixel size of the result.
    """
    path = member.find_image()
    if path is None:
        return None
    try:
        signal = member.summary["image"].get("signal") or None
        micrograph = _read(path, signal, path.stat().st_mtime_ns)
    except (InputError, OSError):
        return None
    stored = member.summary["image"]
    is_same = micrograph.sha256 == stored["sha256"] and micrograph.frame_shape == member.frame_shape
    if not is_same or micrograph.frame_count != member.frame_count:
        return None
    return replace(
        micrograph,
        name=member.name,
        pixel_size_nm=member.pixel_size_nm,
        pixel_size_source=stored.get("pixel_size_source", "user"),
    )


def blank_image(member: StoredImage) -> Micrograph:
    """Return an image without content in place of one that is not found.

    Parameters
    ----------
    member : StoredImage

    Returns
    -------
    Micrograph
        Of the shape, name, path and hash stored; its pixels take no memory.
    """
    stored: dict[str, Any] = member.summary["image"]
    frames = (member.frame_count,) if member.is_stack else ()
    path = stored.get("path")
    return Micrograph(
        np.broadcast_to(np.zeros((), np.float32), (*frames, *member.frame_shape)),
        name=member.name,
        pixel_size_nm=member.pixel_size_nm,
        pixel_size_source=stored.get("pixel_size_source", "unknown"),
        path=None if path is None else type(member.folder)(path),
        sha256=stored["sha256"],
        notes=tuple(stored.get("notes", ())),
    )


@lru_cache(maxsize=_KEPT_FILES)
def _read(path: Path, signal: str | None, modified: int) -> Micrograph:
    """Read an image once for all its frames; ``modified`` makes a changed file be read again."""
    return read_micrograph(path, signal)
