"""View model of the panel Label patches."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.label import NewLabel
from napari_stem_defects.labels.label_sampling import sample_positions
from napari_stem_defects.napari_plugin.panels.label.project_state import LabelProjectState

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph, PixelSizeSource
    from napari_stem_defects.io.labels.project import LabelProject
    from napari_stem_defects.labels.label import Label, LabelledFrame, LabelSource


class LabelViewModel(LabelProjectState):
    """A label project, the image being labelled, and the active class.

    Every change is saved to disk before its method returns. Methods do not raise `InputError`:
    they emit `failed` with a message.

    Attributes
    ----------
    frame : int
        The frame shown.
    selected : str
        Id of the label clicked or set last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = 0
        self.selected = ""
        self._cached_pixels: tuple[tuple[str, int], NDArray[np.float32]] | None = None

    @property
    def images(self) -> tuple[LabelledFrame, ...]:
        """Frames of the project, without single patches that have no parent image."""
        frames = () if self.project is None else self.project.frames
        return tuple(frame for frame in frames if not frame.is_patch)

    @property
    def image_titles(self) -> list[str]:
        """Names of `images`, with the frame number for frames of a stack."""
        return [f"{each.name} [{each.frame}]" if each.stack else each.name for each in self.images]

    @property
    def newest(self) -> Label | None:
        """The label set last, except on single patches; None if there is none."""
        frames = {(frame.sha256, frame.frame) for frame in self.images}
        labels = () if self.project is None else self.project.labels()
        newest_first = (each for each in reversed(labels) if (each.image, each.frame) in frames)
        return next(newest_first, None)

    # The image

    def show(self, image: Micrograph | None, frame: int = 0) -> None:
        """Label an image, None for none; its first label adds it to the project."""
        self.image, self.frame, self.selected = image, frame, ""
        self.labels_changed.emit()

    def calibrate(self, pixel_size_nm: float | None, source: PixelSizeSource) -> None:
        """Use another pixel size, nm, for the image; labels and selection stay."""
        if self.image is not None:
            self.image = replace(self.image, pixel_size_nm=pixel_size_nm, pixel_size_source=source)

    def show_frame(self, frame: int) -> None:
        """Label another frame of the stack."""
        if frame != self.frame:
            self.show(self.image, frame)

    @property
    def labels(self) -> tuple[Label, ...]:
        """Labels of the frame shown."""
        if self.project is None or self.image is None:
            return ()
        return self.project.labels(self.image.sha256, self.frame)

    def defect_positions(self) -> list[tuple[float, float]]:
        """Return the positions (y, x), px, of labels other than Bulk in the frame shown."""
        return [(label.y, label.x) for label in self.labels if label.class_name != BULK]

    def near(self, y: float, x: float, reach: float) -> Label | None:
        """Return the label nearest to a position; None if none is within ``reach`` px."""
        nearest = min(self.labels, key=lambda label: _distance(label, y, x), default=None)
        return nearest if nearest is not None and _distance(nearest, y, x) <= reach else None

    def labels_of(self, class_name: str) -> tuple[Label, ...]:
        """Return the labels of a class in all images, except on single patches."""
        if self.project is None:
            return ()
        shown = {(frame.sha256, frame.frame) for frame in self.images}
        return tuple(
            label
            for label in self.project.labels()
            if label.class_name == class_name and (label.image, label.frame) in shown
        )

    def pixel_size_nm(self, label: Label) -> float | None:
        """Return the pixel size of the frame of a label, nm; None if it is not known."""
        key = label.image, label.frame
        sizes = {(each.sha256, each.frame): each.pixel_size_nm for each in self.images}
        return sizes.get(key)

    def patch_of(self, label: Label) -> NDArray[np.float32]:
        """Return the pixels around a label, cropped at the border of the image.

        Parameters
        ----------
        label : Label

        Returns
        -------
        ndarray of float32, shape (Y, X)

        Raises
        ------
        InputError
            If the pixels in the project are missing or damaged.
        """
        pixels = self._pixels_of(label.image, label.frame)
        half = label.size_px // 2
        top, left = max(0, round(label.y) - half), max(0, round(label.x) - half)
        return pixels[top : round(label.y) + half, left : round(label.x) + half]

    def _pixels_of(self, image: str, frame: int) -> NDArray[np.float32]:
        if self._cached_pixels is None or self._cached_pixels[0] != (image, frame):
            self._cached_pixels = (image, frame), self._open_project().pixels(image, frame)
        return self._cached_pixels[1]

    # Labels

    def click(self, y: float, x: float) -> None:
        """Set a label of the active class at a position, px."""
        with self._emit_failures():
            project, image = self._project_to_change(), self._shown_image()
            if not self.active_class:
                raise LabelError("there is no class; add one")
            self._add_image(project, image, self.frame)
            label = project.add(image.sha256, y, x, self.active_class, frame=self.frame)
            self.selected = label.id
            self._labels_changed()

    def move(self, label_id: str, y: float, x: float) -> None:
        """Move a label to a position, px; outside the image it is not moved."""
        with self._emit_failures():
            self._open_project().move(label_id, y, x)
        self.select(label_id)

    def add_labels(
        self,
        image: Micrograph,
        frame: int,
        positions: Sequence[tuple[float, float]],
        class_name: str,
        source: LabelSource = "hand",
        known: DefectClass | None = None,
    ) -> tuple[str, ...]:
        """Label several positions of an image as one undo step.

        Parameters
        ----------
        image : Micrograph
            Need not be the image shown; is added to the project if needed.
        frame : int
            Frame of the image.
        positions : sequence of (y, x)
            In px.
        class_name : str
        source : {"hand", "suggested", "simulated", "imported"}
            Origin of the labels.
        known : DefectClass, optional
            The class in the model that found the places; its kind, title and colour become those
            of a class that is new to the project.

        Returns
        -------
        tuple of str
            Ids of the labels; empty if they could not be added.
        """
        added: tuple[Label, ...] = ()
        with self._emit_failures():
            project = self._project_to_change()
            self._add_image(project, image, frame)
            sha256 = project.add_image(image)
            points = [NewLabel(sha256, y, x, class_name, frame) for y, x in positions]
            given = () if known is None else (known,)
            added = project.add_many(points, source=source, classes=given)
        self._all_changed()
        return tuple(label.id for label in added)

    def name_place(
        self,
        image: Micrograph,
        frame: int,
        place: tuple[float, float],
        class_name: str,
        known: DefectClass | None = None,
    ) -> bool:
        """Label a suggested place; one that has been named before changes its class.

        Parameters
        ----------
        image : Micrograph
        frame : int
        place : (y, x)
            In px.
        class_name : str
        known : DefectClass, optional
            As in `add_labels`.

        Returns
        -------
        bool
            False if the label could not be saved.
        """
        project = self.project
        labels = () if project is None else project.labels(image.sha256, frame)
        named = [each for each in labels if (each.y, each.x) == place]
        if project is None or not named or class_name not in self.colours:
            added = self.add_labels(image, frame, [place], class_name, "suggested", known)
            if added and named:
                self.remove(*(each.id for each in named))
            return bool(added)
        with self._emit_failures():
            others = [each for each in named if each.class_name != class_name]
            project.update([replace(each, class_name=class_name) for each in others])
            self._labels_changed()
            return True
        return False

    def paint(self, mask: NDArray[np.bool_]) -> None:
        """Fill a masked area of the frame shown, shape (Y, X), with labels of the active class."""
        with self._emit_failures():
            image = self._shown_image()
            if not self.active_class:
                raise LabelError("there is no class; add one")
            self.add_labels(image, self.frame, sample_positions(mask), self.active_class)

    def remove(self, *label_ids: str) -> None:
        """Remove labels as one undo step."""
        with self._emit_failures():
            self._open_project().remove(*label_ids)
        self._labels_changed()

    def remove_selected(self) -> None:
        """Remove the selected label."""
        if any(label.id == self.selected for label in self.labels):
            self.remove(self.selected)

    def select(self, label_id: str) -> None:
        """Select a label."""
        self.selected = label_id
        self.labels_changed.emit()

    def undo(self) -> None:
        """Undo the last step."""
        with self._emit_failures():
            self._open_project().undo()
        self._all_changed()

    def redo(self) -> None:
        """Redo the step undone last."""
        with self._emit_failures():
            self._open_project().redo()
        self._all_changed()

    # Internals

    def _reset(self) -> None:
        self.selected, self._cached_pixels = "", None

    def _add_image(self, project: LabelProject, image: Micrograph, frame: int) -> None:
        is_known = any(
            (entry.sha256, entry.frame) == (image.sha256, frame) for entry in project.frames
        )
        if not is_known:
            project.add_image(image)
            self.project_changed.emit()


def _distance(label: Label, y: float, x: float) -> float:
    return math.hypot(label.y - y, label.x - x)
