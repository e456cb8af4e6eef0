"""Surveys of an image, a stack or several images, opened again: frames in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.stored_image import folder_of
from napari_stem_defects.io.results.stored_survey import StoredSurvey, added_survey, is_survey
from napari_stem_defects.jobs.opened_images import OpenedImages, holds, inner_folders

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.lattice.grains import GrainMap


@dataclass
class OpenedSurvey(OpenedImages[StoredSurvey]):
    """Surveys in one order of frames; all have the same shape."""

    @property
    def threshold(self) -> float:
        """Highest threshold of all frames; 0 where nothing was searched."""
        return max(each.highest_threshold for each in self.members)

    @property
    def unit_px(self) -> float:
        """Longest length unit of the surveys in px; 0 without a lattice."""
        return max(each.unit_px for each in self.members)

    def statement(self, frame: int) -> str:
        """Return what was found in a frame, of a batch with the name of its image."""
        member, inner = self.place(frame)
        if inner not in member.frames:
            return f"frame {frame} was not surveyed"
        return " · ".join(filter(None, (self.title(frame), member.statement(inner))))

    def places(self, frame: int) -> tuple[Candidate, ...]:
        """Return the unusual places of a frame; none of one that was not surveyed."""
        member, inner = self.place(frame)
        return member.places(inner)

    def grains(self, frame: int) -> GrainMap:
        """Return the grains of a frame; none of one that was not surveyed."""
        member, inner = self.place(frame)
        return member.grains(inner)

    def anomaly(self, frame: int) -> NDArray[np.float32]:
        """Return the anomaly score of every pixel of a frame.

        Parameters
        ----------
        frame : int
            One of ``frames``.

        Returns
        -------
        ndarray of float32, shape (Y, X)

        Raises
        ------
        ReadError
            The file is missing or damaged.
        """
        member, inner = self.place(frame)
        return member.anomaly(inner)

    def survey(self, frame: int) -> Survey:
        """Return the survey of a frame without its map.

        Parameters
        ----------
        frame : int
            One of ``frames``.

        Returns
        -------
        Survey
            Its ``frame`` is that of the whole.
        """
        member, inner = self.place(frame)
        return replace(member.survey(inner), frame=frame)


def open_survey(path: Path) -> OpenedSurvey:
    """Open the folder of a survey, its summary, or a folder that contains folders of surveys.

    Parameters
    ----------
    path : Path
        A result folder of a detection opens with the survey that was added to it.

    Returns
    -------
    OpenedSurvey
        Several images in natural order of their names.

    Raises
    ------
    ReadError
        There is no survey, a file is damaged, or the images do not fit into one stack; one line.
    """
    folder = folder_of(path)
    if is_survey(folder):
        return OpenedSurvey(folder, (StoredSurvey(folder),))
    if (added := added_survey(folder)) is not None:
        return OpenedSurvey(folder, (added,))
    folders = inner_folders(path, is_survey)
    if not folders:
        advice = "choose a folder that `stem-defects survey` wrote"
        raise ReadError(one_line(path, "holds no survey", advice))
    members = tuple(map(StoredSurvey, folders))
    first = members[0]
    for each in members[1:]:
        if each.frame_shape != first.frame_shape:
            fault = f"{each.folder.name} differs in size from {first.folder.name}"
            raise ReadError(one_line(path, fault, "open one of its folders"))
    return OpenedSurvey(path, members)


def holds_surveys(path: Path) -> bool:
    """Return whether a path is a finished survey, or a folder that contains some.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
        Never raises.
    """
    return is_survey(path) or holds(path, is_survey)
