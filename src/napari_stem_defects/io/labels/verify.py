"""What is wrong with a label project, without changing it."""

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
    """What `verify` found: how much there is, and everything that is wrong with it."""

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
    """Check a project without changing it; see `verify`."""
    with LabelProject.open(project, read_only=True) as opened:
        return verify(opened)


def verify(project: LabelProject) -> ProjectCheck:
    """Check journal, pixels and positions of a project, and say everything that is wrong."""
    problems = [*project.warnings, *_broken_pixels(project), *_misplaced(project)]
    return ProjectCheck(project.path.name, project.counts(), len(project.frames), tuple(problems))


def _broken_pixels(project: LabelProject) -> Iterator[str]:
    for frame in project.frames:
        try:
            project.micrograph(frame.sha256, frame.frame)
        except LabelError as error:
            yield str(error)


def _misplaced(project: LabelProject) -> Iterator[str]:
    frames = {(frame.sha256, frame.frame): frame for frame in project.frames}
    for label in project.labels():
        frame = frames.get((label.image, label.frame))
        if frame is None:
            yield f"label {label.id}: its image {label.image[:12]} is missing; add it again"
        elif not frame.contains(label.y, label.x):
            yield f"label {label.id}: {label.y:g}, {label.x:g} lies outside {frame.name}; remove it"
