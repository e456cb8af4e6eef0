"""A finished result folder, read frame by frame, and the image that belongs to it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import BULK, DefectClass, complete_classes
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.folder_kinds import PARTIAL, SUMMARY, folder_kind, folder_title
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.read_results import (
    frame_parameters,
    read_regions_with_lines,
    read_summary,
)
from napari_stem_defects.io.results.result_folder import MASKS, PROBABILITY
from napari_stem_defects.io.results.stored_arrays import StoredMaps, StoredMasks
from napari_stem_defects.io.results.stored_image import StoredImage, folder_of
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_stem_defects.postprocessing.results import Region

_AGAIN = "run the detection again"


class StoredResult(StoredImage):
    """The results of one image, read frame by frame.

    Parameters
    ----------
    path : Path
        A result folder, or its ``summary.json``.

    Attributes
    ----------
    regions : mapping of int to tuple of Region
        The regions of each frame, by its index.
    classes : tuple of DefectClass
        Classes of the model, Bulk included.
    names : tuple of str
        Names of the masks: the defect classes, then ``unknown``.

    Raises
    ------
    ReadError
        The folder holds no finished result, or a file is missing or damaged; one line.
    """

    def __init__(self, path: Path) -> None:
        folder = folder_of(path)
        summary = _read_finished(folder)
        try:
            super().__init__(folder, summary)
            self._interpret(summary)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            fault = f"is damaged ({type(error).__name__}: {error})"
            raise ReadError(one_line(folder / SUMMARY, fault, _AGAIN)) from None
        if not (self.folder / MASKS).is_file():
            raise ReadError(one_line(self.folder, f"{MASKS} is missing", _AGAIN))
        grouped: dict[int, list[Region]] = defaultdict(list)
        for region in read_regions_with_lines(self.folder, self.summary):
            grouped[region.frame].append(region)
        self.regions = {frame: tuple(grouped[frame]) for frame in self.frames}

    def _interpret(self, summary: Mapping[str, Any]) -> None:
        self._frames = {int(each["frame"]): each for each in summary["frames"]}
        self.names = tuple(map(str, summary["planes"]))
        given = tuple(DefectClass(**each) for each in summary.get("classes", ()))
        thresholds = summary["parameters"].get("thresholds", {})
        known = [each.name for each in given] or list(thresholds) or [BULK, *self.names[:-1]]
        self.classes = complete_classes(known, given)
        self._masks = StoredMasks(self.folder / MASKS, self.names, self.frame_shape)
        self._maps = StoredMaps(self.folder / PROBABILITY, given)

    @property
    def has_probability(self) -> bool:
        """Whether probabilities are stored, without which thresholds cannot be changed."""
        has_thresholds = "thresholds" in self.summary["parameters"]
        return has_thresholds and (self.folder / PROBABILITY).is_file()

    def detection(self, frame: int) -> Detection:
        """Return the detection in one frame.

        Parameters
        ----------
        frame : int
            Index of the frame in its stack; one of ``frames``.

        Returns
        -------
        Detection
            Without stored probabilities, its map has one window that is not valid.

        Raises
        ------
        ReadError
            A file is missing or damaged.
        """
        position = self.frames.index(frame)
        found = self._maps.map(position) if self.has_probability else _no_map(self.classes)
        return Detection(
            image=self.name,
            frame=frame,
            map=found,
            mask_stack=self._masks.masks(position),
            regions=self.regions[frame],
            pixel_size_nm=self.pixel_size_nm,
            parameters=frame_parameters(self.summary, self._frames[frame]),
            seconds=float(self._frames[frame]["seconds"]),
            model={name: str(self.summary["model"][name]) for name in ("name", "sha256")},
        )

    def close(self) -> None:
        """Close the files, so that they can be replaced; a later frame opens them again."""
        self._masks.close()
        self._maps.close()


def is_result(path: Path) -> bool:
    """Return whether a path is a result folder of a detection, finished or not, or its summary.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
        Looks at names and, where there is one, at the beginning of ``summary.json`` only.
    """
    if not path.is_dir() and path.name != SUMMARY:
        return False
    return folder_kind(folder_of(path)) == "detection"


def _read_finished(folder: Path) -> dict[str, Any]:
    if not (folder / SUMMARY).is_file():
        if (folder / PARTIAL).is_dir():
            advice = f"{_AGAIN}; finished frames are kept"
            raise ReadError(one_line(folder, "holds an unfinished result", advice))
        fault, advice = "is no folder", "choose a result folder of a detection"
        if folder.is_dir():
            title = folder_title(folder)
            fault = f"is {title}, not a result" if title else "holds no result"
            advice = "give one of its folders" if "detection" in title else advice
        raise ReadError(one_line(folder, fault, advice))
    if folder_kind(folder) == "survey":
        fault = "is a survey, which names no defects"
        raise ReadError(one_line(folder, fault, "choose a result folder of a detection"))
    return read_summary(folder)


def _no_map(classes: tuple[DefectClass, ...]) -> ProbabilityMap:
    nothing = np.zeros((len(classes), 1, 1), np.float32)
    centre = np.zeros(1, np.float32)
    names = tuple(each.name for each in classes)
    return ProbabilityMap(nothing, centre, centre, names, np.zeros((1, 1), bool), classes)
