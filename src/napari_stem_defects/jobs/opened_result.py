"""Results of an image, a stack or a batch, opened again: frames in order, with their images."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.stored_image import folder_of
from napari_stem_defects.io.results.stored_result import StoredResult, is_result
from napari_stem_defects.jobs.opened_images import OpenedImages, holds, image_of, inner_folders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.postprocessing.results import Region

_KEPT_FRAMES = 8


@dataclass
class OpenedResult(OpenedImages[StoredResult]):
    """Results in one order of frames; all have the same shape and classes."""

    def __post_init__(self) -> None:
        """Keep the frames that are looked at."""
        super().__post_init__()
        self._kept: OrderedDict[int, FrameResult] = OrderedDict()

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
        advice = "choose a folder that detect or survey wrote"
        raise ReadError(one_line(path, "holds no result", advice))
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
    return inner_folders(path, is_result)


def holds_results(path: Path) -> bool:
    """Return whether a folder contains a folder with finished results.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
    """
    return holds(path, is_result)


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
