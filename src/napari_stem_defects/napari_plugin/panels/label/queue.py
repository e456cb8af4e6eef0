"""Queue of places suggested for labelling: uncertain windows, or unusual places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.base.defect_classes import BULK, PATCH_PX
from napari_stem_defects.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
    from napari_stem_defects.training.active_learning import Suggestion


_KEYS = "1-9 name it, B is Bulk, → skips."
_KEYS_PREDICTED = "Enter accepts, 1-9 name it, B is Bulk, → skips."


class LabelQueue:
    """Suggestions for one frame, of which one is current, and their labels.

    Parameters
    ----------
    labels : LabelModel
        Receives the labels.

    Attributes
    ----------
    waiting : list of Suggestion
        All suggestions, labelled ones included.
    position : int
        Index of the current suggestion; -1 at the end of the queue.
    """

    changed = Signal()
    """Another window is current, or none."""

    def __init__(self, labels: LabelViewModel) -> None:
        self._labels = labels
        self._image: Micrograph | None = None
        self._frame = 0
        self._position = 0
        self._classes: Mapping[str, DefectClass] = {}
        self._edge_px = PATCH_PX
        self.waiting: list[Suggestion] = []

    def fill(
        self,
        image: Micrograph,
        frame: int,
        suggestions: Sequence[Suggestion],
        classes: Mapping[str, DefectClass] | None = None,
        edge_px: int = PATCH_PX,
    ) -> None:
        """Replace the suggestions and make the first one current.

        Parameters
        ----------
        image : Micrograph
            The image with all its frames.
        frame : int
            Frame of the suggestions.
        suggestions : sequence of Suggestion
            Without a class name where nothing is predicted.
        classes : mapping of str to DefectClass, optional
            Classes of the model that suggests the windows.
        edge_px : int
            Edge of their pictures in px of the image.
        """
        self._classes = classes or {}
        self._image, self._frame, self._edge_px = image, frame, edge_px
        self.waiting, self._position = list(suggestions), 0
        self.changed.emit()

    def clear(self) -> None:
        """Remove all suggestions."""
        self.waiting, self._position = [], 0
        self.changed.emit()

    @property
    def current(self) -> Suggestion | None:
        """The place to label now; None at the end of the queue."""
        return self.waiting[self._position] if self._position < len(self.waiting) else None

    @property
    def position(self) -> int:
        """Index of the current place; -1 at the end of the queue."""
        return -1 if self.current is None else self._position

    def statement(self) -> str:
        """Return position, predicted class and reason of the current place in one line."""
        if not self.waiting:
            return ""
        if self.current is None:
            count = len(self.waiting)
            if self.waiting[0].class_name:
                return f"end of the {count} windows; train again, then find new ones"
            return f"end of the {count} places; go back, or find new ones"
        place = f"{self._position + 1} of {len(self.waiting)}: {self.describe(self.current)}"
        return f"{place}. {_KEYS_PREDICTED if self.current.class_name else _KEYS}"

    def describe(self, place: Suggestion) -> str:
        """Return predicted class and reason of a place in one line."""
        prediction = f"{place.class_name} {place.probability:.2f}" if place.class_name else ""
        return ", ".join(filter(None, (prediction, place.why)))

    def pixels_around(self, place: Suggestion) -> NDArray[np.float32]:
        """Return the pixels around a place, cropped at the border of the image.

        Parameters
        ----------
        place : Suggestion

        Returns
        -------
        ndarray of float32, shape (Y, X)
        """
        if self._image is None:
            raise LabelError("the image was closed; open it again")
        pixels = self._image.pixels[self._frame] if self._image.is_stack else self._image.pixels
        half = self._edge_px // 2
        top, left = max(0, round(place.y) - half), max(0, round(place.x) - half)
        return pixels[top : round(place.y) + half, left : round(place.x) + half]

    def label_current(self, class_name: str) -> None:
        """Label the current window and continue with the next."""
        current = self.current
        if current is None or self._image is None:
            return
        known = self._classes.get(class_name)
        place = current.y, current.x
        if self._labels.name_place(self._image, self._frame, place, class_name, known):
            self.skip()

    def accept(self) -> None:
        """Label the current place with the predicted class, if there is one."""
        if self.current is not None and self.current.class_name:
            self.label_current(self.current.class_name)

    def label_bulk(self) -> None:
        """Label the current place as Bulk and continue with the next."""
        self.label_current(BULK)

    def go_to(self, position: int) -> None:
        """Make a place the current one by its index."""
        if position != self._position:
            self._position = position
            self.changed.emit()

    def skip(self) -> None:
        """Continue with the next window without labelling this one."""
        self._position = min(self._position + 1, len(self.waiting))
        self.changed.emit()

    def back(self) -> None:
        """Return to the previous window."""
        self._position = max(self._position - 1, 0)
        self.changed.emit()
