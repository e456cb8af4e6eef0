"""Integrity check of a label project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.project import LabelProject

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class ProjectCheck:
    """Result of `verify`.

    Attributes
    ----------
    name : str
        Name of the project.
    counts : dict of str to int
        Number of labels of every class.
    frames : int
        Number of stored frames.
    problems : tuple of str
        One sentence each; empty if the project is valid.
    """

    name: str
    counts: dict[str, int]
    frames: int
    problems: tuple[str, ...]

    def text(self) -> str:
        """Return the report, one fact per line."""
        total = f"{self.name}: {sum(self.counts.values())} labels on {self.frames} frames"
        counts = [f"  {name}: {count}" for name, count in self.counts.items()]
        return "\n".join([total, *counts, *(self.problems or ["no problem found"])])


def labels_verify(project: Path) -> ProjectCheck:
    """Check a project folder without changing it; see `verify`.

    Parameters
    ----------
    project : Path
        The folder of the project.

    Returns
    -------
    ProjectCheck
        Counts and problems.

    Raises
    ------
    LabelError
        The folder is not a label project.
    """
    with LabelProject.open(project, read_only=True) as opened:
        return verify(opened)


def verify(project: LabelProject) -> ProjectCheck:
    """Check the journal, the pixel files and the label positions of a project.

    Parameters
    ----------
    project : LabelProject
        An open project; it is not changed.

    Returns
    -------
    ProjectCheck
        Counts and problems.
    """
    problems = [*project.warnings, *_damaged_pixels(project), *_misplaced_labels(project)]
    return ProjectCheck(project.path.name, project.counts(), len(project.frames), tuple(problems))


def _damaged_pixels(project: LabelProject) -> Iterator[str]:
    for frame in project.frames:
        try:
            project.micrograph(frame.sha256, frame.frame)
        except LabelError as error:
            yield str(error)


def _misplaced_labels(project: LabelProject) -> Iterator[str]:
    frames = {(frame.sha256, frame.frame): frame for frame in project.frames}
    for label in project.labels():
        frame = frames.get((label.image, label.frame))
        if frame is None:
            yield f"label {label.id}: its image {label.image[:12]} is missing; add it again"
        elif not frame.contains(label.y, label.x):
            yield f"label {label.id}: {label.y:g}, {label.x:g} lies outside {frame.name}; remove it"
