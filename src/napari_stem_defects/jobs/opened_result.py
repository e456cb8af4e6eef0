"""Results of an image, a stack or a batch, opened again: frames in order, with their images."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images.find import natural_order
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.available_folder import SUMMARY
from napari_stem_defects.io.results.stored_result import StoredResult, folder_of, is_result
from napari_stem_defects.workers.isolated_read import read_micrograph

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.postprocessing.results import Region

_KEPT_FRAMES = 8
_KEPT_FILES = 2


class Place(NamedTuple):
    """Where a frame of the whole comes from: one of the results, and the frame of its image."""

    member: StoredResult
    frame: int


@dataclass
class OpenedResult:
    """Results in one order of frames; all have the same shape and classes.

    Attributes
    ----------
    folder : Path
        The result folder or, of a batch, the folder that contains the result folders.
    members : tuple of StoredResult
        One per image.
    """

    folder: Path
    members: tuple[StoredResult, ...]

    def __post_init__(self) -> None:
        """Give the frames of all images one order."""
        places = (Place(each, frame) for each in self.members for frame in range(each.frame_count))
        self._places = tuple(places)
        self._kept: OrderedDict[int, FrameResult] = OrderedDict()

    # What is there

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
    def classes(self) -> tuple[DefectClass, ...]:
        """Classes of the model, Bulk included."""
        return self.members[0].classes

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the masks: the defect classes, then ``unknown``."""
        return self.members[0].names

    @property
    def thresholds(self) -> dict[str, float]:
        """Threshold of each class, as stored with the first image."""
        return dict(self.members[0].summary["parameters"].get("thresholds", {}))

    @property
    def has_probability(self) -> bool:
        """Whether probabilities are stored with all results."""
        return all(each.has_probability for each in self.members)

    @property
    def frames(self) -> list[int]:
        """The frames that were searched."""
        return [i for i, place in enumerate(self._places) if place.frame in place.member.regions]

    def place(self, frame: int) -> Place:
        """Return where a frame comes from."""
        return self._places[frame]

    def title(self, frame: int) -> str:
        """Return which image of a batch a frame shows; "" for a single image or stack."""
        if len(self.members) == 1:
            return ""
        return f"frame {frame}: {self._places[frame].member.name}"

    def regions(self, frame: int) -> tuple[Region, ...]:
        """Return the stored regions of a frame."""
        member, inner = self._places[frame]
        return tuple(replace(region, frame=frame) for region in member.regions[inner])

    @property
    def searched_nm2(self) -> float | None:
        """Area that was searched, nm²; None without pixel sizes."""
        areas = [each.summary.get("searched_nm2") for each in self.members]
        known = [float(area) for area in areas if area is not None]
        return sum(known) if len(known) == len(areas) else None

    @property
    def corrections(self) -> list[dict[str, Any]]:
        """Corrections stored with the results, with frames of the whole."""
        first, found = 0, list[dict[str, Any]]()
        for member in self.members:
            stored: Sequence[Mapping[str, Any]] = member.summary.get("corrections") or ()
            found += [{**each, "frame": first + each["frame"]} for each in stored]
            first += member.frame_count
        return found

    def notes(self) -> list[str]:
        """Return what the user should know: whose image is not found, or is another one."""
        missing = [each for each in self.members if each.find_image() is None]
        if len(missing) > 1:
            count = len(missing)
            return [f"{self.name}: {count} images are not found; put them beside the results"]
        if missing:
            stored = missing[0].summary["image"].get("path")
            where = f"its image {stored} is not found" if stored else "its image was not a file"
            return [one_line(missing[0].folder, where, "put it beside the results and open again")]
        if len(self.members) == 1 and image_of(self.members[0]) is None:
            path = self.members[0].find_image()
            return [one_line(self.folder, f"{path} is another image, or damaged", "replace it")]
        return []

    # Frames

    def frame_result(self, frame: int) -> FrameResult:
        """Return the stored result of a frame.

        Parameters
        ----------
        frame : int
            One of ``frames``.

        Returns
        -------
        FrameResult
            Its pixels without a value are those of the image, if that is found.

        Raises
        ------
        ReadError
            A file is missing or damaged.
        """
        if frame not in self._kept:
            self._kept[frame] = self._load(frame)
            while len(self._kept) > _KEPT_FRAMES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(frame)
        return self._kept[frame]

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

    def reload(self) -> None:
        """Read the results again, after they were saved.

        Raises
        ------
        ReadError
            A file is missing or damaged.
        """
        self.close()
        moved = [member.moved_to for member in self.members]
        self.members = tuple(StoredResult(member.folder) for member in self.members)
        for member, path in zip(self.members, moved, strict=True):
            member.moved_to = path
        self.__post_init__()

    def close(self) -> None:
        """Close the files of the results, so that they can be replaced."""
        self._kept.clear()
        for member in self.members:
            member.close()

    def _load(self, frame: int) -> FrameResult:
        member, inner = self._places[frame]
        found = member.detection(inner)
        image = image_of(member)
        result = FrameResult.of(found, None if image is None else image.frame(inner).invalid)
        regions = tuple(replace(region, frame=frame) for region in result.regions)
        return replace(
            result, frame=frame, regions=regions, provenance=provenance_of_summary(member.summary)
        )


def open_result(path: Path) -> OpenedResult:
    """Open a result folder, its summary, or a folder that contains result folders.

    Parameters
    ----------
    path : Path

    Returns
    -------
    OpenedResult
        The images of a batch in natural order of their names.

    Raises
    ------
    ReadError
        There is no finished result, a file is damaged, or the images of a batch do not fit into
        one stack; one line.
    """
    if is_result(path):
        return OpenedResult(folder_of(path), (StoredResult(path),))
    folders = result_folders(path)
    if not folders:
        raise ReadError(one_line(path, "holds no result", "choose a folder that detect wrote"))
    members = tuple(map(StoredResult, folders))
    first = members[0]
    for each in members[1:]:
        if (each.frame_shape, each.names) != (first.frame_shape, first.names):
            what = "classes" if each.frame_shape == first.frame_shape else "size"
            fault = f"{each.folder.name} differs in {what} from {first.folder.name}"
            raise ReadError(one_line(path, fault, "open one of its folders"))
    return OpenedResult(path, members)


def result_folders(path: Path) -> list[Path]:
    """Return the folders with finished results in a folder, in natural order of their names.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of Path
        Empty if there is none, or the folder cannot be listed.
    """
    try:
        inner = [each for each in path.iterdir() if (each / SUMMARY).is_file() and is_result(each)]
    except OSError:
        return []
    return sorted(inner, key=natural_order)


def holds_results(path: Path) -> bool:
    """Return whether a folder contains a folder with finished results.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    try:
        return any((each / SUMMARY).is_file() and is_result(each) for each in path.iterdir())
    except OSError:
        return False


def image_of(member: StoredResult) -> Micrograph | None:
    """Return the image of a result; None if it is not found, not readable or another one.

    Parameters
    ----------
    member : StoredResult

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


def blank_image(member: StoredResult) -> Micrograph:
    """Return an image without content in place of one that is not found.

    Parameters
    ----------
    member : StoredResult

    Returns
    -------
    Micrograph
        Of the shape, name, path and hash stored; its pixels take no memory.
    """
    stored = member.summary["image"]
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


def provenance_of_summary(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Return the provenance of stored results, as `detection.frame_result.provenance_of` does.

    Parameters
    ----------
    summary : mapping
        Content of ``summary.json``.

    Returns
    -------
    dict
        Model, image and version.
    """
    image, model = summary["image"], summary["model"]
    return {
        "model": {"name": model.get("name", ""), "sha256": model.get("sha256", "")},
        "image": {name: image.get(name) for name in ("name", "path", "sha256")},
        "version": summary.get("versions", {}).get("napari-stem-defects", ""),
    }


@lru_cache(maxsize=_KEPT_FILES)
def _read(path: Path, signal: str | None, modified: int) -> Micrograph:
    """Read an image once for all its frames; ``modified`` makes a changed file be read again."""
    return read_micrograph(path, signal)
