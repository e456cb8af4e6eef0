"""What the window "Label patches" knows and does."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import InputError, LabelError
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.labels.label import Point
from napari_stem_defects.napari_plugin.panels.common.label_sampling import places_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.labels.label import Label, LabelClass, LabelledFrame, LabelSource

START_CLASSES = {
    "CdTe": ("Bulk", "SF1", "SF2", "LC", "Twin_Bound", "Vacancy_CdTe", "interstitial"),
    "SrTiO3": ("Bulk", "Extra", "IExtra", "Mis"),
    "no classes yet": (),
}
"""Classes a new project may start with: those of the public sets."""


class LabelModel:
    """A label project, the image being labelled and the class that a click gives.

    Every change is on the disk when its method returns. What cannot be done is said through
    `failed`; nothing raises.
    """

    project_changed = Signal()
    """Another project, or none; images may have come."""
    classes_changed = Signal()
    """Classes, their colours or their counts."""
    labels_changed = Signal()
    """Labels of the frame shown, or which one is selected."""
    failed = Signal(str)
    """Something cannot be done, in one line."""

    def __init__(self) -> None:
        self.project: LabelProject | None = None
        self.image: Micrograph | None = None
        self.frame = 0
        self.active_class = ""
        self.selected = ""
        """Id of the label clicked or set last."""
        self._cut_from: tuple[tuple[str, int], NDArray[np.float32]] | None = None

    # The project

    def create(self, folder: Path, classes: Iterable[str]) -> None:
        """Make a project in a new folder and open it."""
        with self._saying():
            self._take(LabelProject.create(folder, classes))

    def open(self, folder: Path) -> None:
        """Open a project; what was labelled before is there again."""
        with self._saying():
            if not is_label_project(folder):
                raise LabelError(f"{folder}: is not a label project; choose its own folder")
            self._take(LabelProject.open(folder))
            for warning in self._open_project().warnings:
                self.failed.emit(warning)

    def close(self) -> None:
        """Let go of the project; all is saved already."""
        if self.project is not None:
            self.project.close()
        self.project = None
        self._all_changed()

    def aside(self) -> Callable[[], None]:
        """Close the project for somebody else to write to; the result opens it again."""
        folder = self._open_project().path
        self.close()
        return lambda: self.open(folder)

    @property
    def images(self) -> tuple[LabelledFrame, ...]:
        """The project's frames that have room for labels: patches without a parent have not."""
        frames = () if self.project is None else self.project.frames
        return tuple(frame for frame in frames if not frame.is_lone_patch)

    @property
    def newest(self) -> Label | None:
        """The label set last that has an image; None where there is none."""
        shown = {(frame.sha256, frame.frame) for frame in self.images}
        labels = () if self.project is None else self.project.labels()
        there = (label for label in reversed(labels) if (label.image, label.frame) in shown)
        return next(there, None)

    # The image

    def show(self, image: Micrograph | None, frame: int = 0) -> None:
        """Label this image; it joins the project with its first label."""
        self.image, self.frame, self.selected = image, frame, ""
        self.labels_changed.emit()

    def show_frame(self, frame: int) -> None:
        """Label another frame of the stack."""
        if frame != self.frame:
            self.show(self.image, frame)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of the frame shown."""
        if self.project is None or self.image is None:
            return ()
        return self.project.labels(self.image.sha256, self.frame)

    def defect_places(self) -> list[tuple[float, float]]:
        """Return where defects (y, x) are labelled in the frame shown."""
        return [(label.y, label.x) for label in self.labels if label.class_name != BULK]

    def near(self, y: float, x: float, reach: float) -> Label | None:
        """Return the label nearest to a point, None where none is within ``reach`` px."""
        near = min(self.labels, key=lambda label: _distance(label, y, x), default=None)
        return near if near is not None and _distance(near, y, x) <= reach else None

    def labels_of(self, class_name: str) -> tuple[Label, ...]:
        """Return the labels of a class in all images, those of lone patches left out."""
        if self.project is None:
            return ()
        shown = {(frame.sha256, frame.frame) for frame in self.images}
        return tuple(
            label
            for label in self.project.labels()
            if label.class_name == class_name and (label.image, label.frame) in shown
        )

    def patch_of(self, label: Label) -> NDArray[np.float32]:
        """Return the pixels around a label, cut off at the image's border.

        Raises
        ------
        InputError
            If the project's pixels are missing or damaged.
        """
        pixels = self._pixels_of(label.image, label.frame)
        half = label.size_px // 2
        top, left = max(0, round(label.y) - half), max(0, round(label.x) - half)
        return pixels[top : round(label.y) + half, left : round(label.x) + half]

    def _pixels_of(self, image: str, frame: int) -> NDArray[np.float32]:
        if self._cut_from is None or self._cut_from[0] != (image, frame):
            self._cut_from = (image, frame), self._open_project().pixels(image, frame)
        return self._cut_from[1]

    # Labels

    def click(self, y: float, x: float) -> None:
        """Put a label of the active class at a point."""
        with self._saying():
            project, image = self._open_project(), self._shown_image()
            if not self.active_class:
                raise LabelError("there is no class yet; add one")
            self._join(project, image, self.frame)
            label = project.add(image.sha256, y, x, self.active_class, frame=self.frame)
            self.selected = label.id
            self._labels_changed()

    def move(self, label_id: str, y: float, x: float) -> None:
        """Put a label elsewhere; it stays where it was if that is outside the image."""
        with self._saying():
            self._open_project().move(label_id, y, x)
        self.select(label_id)

    def label_all(
        self,
        image: Micrograph,
        frame: int,
        places: Sequence[tuple[float, float]],
        class_name: str,
        source: LabelSource = "hand",
    ) -> tuple[str, ...]:
        """Label places of any image as one step for undo; return the labels' ids."""
        made: tuple[Label, ...] = ()
        with self._saying():
            project = self._open_project()
            self._join(project, image, frame)
            sha256 = project.add_image(image)
            points = [Point(sha256, y, x, class_name, frame) for y, x in places]
            made = project.add_many(points, source=source)
        self._all_changed()
        return tuple(label.id for label in made)

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Cover an area (Y, X) of the frame shown with labels of the active class."""
        with self._saying():
            image = self._shown_image()
            if not self.active_class:
                raise LabelError("there is no class yet; add one")
            self.label_all(image, self.frame, places_in(mask), self.active_class)

    def remove(self, *label_ids: str) -> None:
        """Take labels away, as one step for undo."""
        with self._saying():
            self._open_project().remove(*label_ids)
        self._labels_changed()

    def remove_selected(self) -> None:
        """Take away the label clicked or set last."""
        if any(label.id == self.selected for label in self.labels):
            self.remove(self.selected)

    def select(self, label_id: str) -> None:
        """Mark a label."""
        self.selected = label_id
        self.labels_changed.emit()

    def undo(self) -> None:
        """Take the last step back."""
        with self._saying():
            self._open_project().undo()
        self._all_changed()

    def redo(self) -> None:
        """Do the step taken back again."""
        with self._saying():
            self._open_project().redo()
        self._all_changed()

    # Classes

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The project's classes."""
        return () if self.project is None else self.project.classes

    @property
    def counts(self) -> dict[str, int]:
        """Number of labels of every class, over all images."""
        return {} if self.project is None else self.project.counts()

    @property
    def colours(self) -> dict[str, str]:
        """Colour of every class."""
        return {entry.name: entry.colour for entry in self.classes}

    def activate(self, class_name: str) -> None:
        """Give the next clicks this class."""
        self.active_class = class_name
        self.classes_changed.emit()

    def activate_key(self, key: int) -> None:
        """Give the next clicks the class of a number key."""
        for entry in self.classes:
            if entry.key == key:
                self.activate(entry.name)

    def add_class(self, name: str) -> None:
        """Add a class and make it the active one."""
        with self._saying():
            self.active_class = self._open_project().add_class(name.strip()).name
        self._all_changed()

    def rename_class(self, name: str, to: str) -> None:
        """Call a class something else; where that class exists, the two become one."""
        with self._saying():
            project = self._open_project()
            if to in self.colours:
                project.merge_classes([name], to)
            else:
                project.rename_class(name, to.strip())
            if self.active_class == name:
                self.active_class = to.strip()
        self._all_changed()

    def recolour_class(self, name: str, colour: str) -> None:
        """Give a class another colour, ``#rrggbb``."""
        with self._saying():
            self._open_project().recolour_class(name, colour)
        self._all_changed()

    def remove_class(self, name: str) -> None:
        """Remove a class that no label has."""
        with self._saying():
            self._open_project().remove_class(name)
        self._all_changed()

    # Inside

    @contextmanager
    def _saying(self) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            self.failed.emit(str(error))

    def _take(self, project: LabelProject) -> None:
        if self.project is not None:
            self.project.close()
        self.project = project
        self.selected, self._cut_from = "", None
        self._all_changed()

    def _open_project(self) -> LabelProject:
        if self.project is None:
            raise LabelError("no label project is open; make a new one or open one first")
        return self.project

    def _shown_image(self) -> Micrograph:
        if self.image is None:
            raise LabelError("there is no image to label; open one first")
        return self.image

    def _join(self, project: LabelProject, image: Micrograph, frame: int) -> None:
        known = any(
            (entry.sha256, entry.frame) == (image.sha256, frame) for entry in project.frames
        )
        if not known:
            project.add_image(image)
            self.project_changed.emit()

    def _labels_changed(self) -> None:
        self.labels_changed.emit()
        self.classes_changed.emit()

    def _all_changed(self) -> None:
        if self.active_class not in self.colours:
            self.active_class = next(iter(self.colours), "")
        self.project_changed.emit()
        self._labels_changed()


def _distance(label: Label, y: float, x: float) -> float:
    return math.hypot(label.y - y, label.x - x)
