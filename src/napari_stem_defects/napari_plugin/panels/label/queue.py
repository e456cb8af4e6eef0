"""Queue of windows suggested for labelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel
    from napari_stem_defects.training.active_learning import Suggestion


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
    """

    changed = Signal()
    """Another window is current, or none."""

    def __init__(self, labels: LabelViewModel) -> None:
        self._labels = labels
        self._image: Micrograph | None = None
        self._frame = 0
        self._position = 0
        self._classes: Mapping[str, DefectClass] = {}
        self.waiting: list[Suggestion] = []

    def fill(
        self,
        image: Micrograph,
        frame: int,
        suggestions: Sequence[Suggestion],
        classes: Mapping[str, DefectClass] | None = None,
    ) -> None:
        """Replace the suggestions and make the first one current.

        Parameters
        ----------
        image : Micrograph
            The image with all its frames.
        frame : int
            Frame of the suggestions.
        suggestions : sequence of Suggestion
        classes : mapping of str to DefectClass, optional
            Classes of the model that suggests the windows.
        """
        self._classes = classes or {}
        self._image, self._frame = image, frame
        self.waiting, self._position = list(suggestions), 0
        self.changed.emit()

    def clear(self) -> None:
        """Remove all suggestions."""
        self.waiting, self._position = [], 0
        self.changed.emit()

    @property
    def current(self) -> Suggestion | None:
        """The window to label now; None at the end of the queue."""
        return self.waiting[self._position] if self._position < len(self.waiting) else None

    def statement(self) -> str:
        """Return position, predicted class and reason of the current window in one line."""
        if not self.waiting:
            return ""
        if self.current is None:
            return f"end of the {len(self.waiting)} windows; train again, then find new ones"
        current = self.current
        prediction = f"{current.class_name} {current.probability:.2f}"
        reason = f", {current.why}" if current.why else ""
        return f"{self._position + 1} of {len(self.waiting)}: {prediction}{reason}"

    def label_current(self, class_name: str) -> None:
        """Label the current window and continue with the next."""
        current = self.current
        if current is None or self._image is None:
            return
        positions = [(current.y, current.x)]
        known = self._classes.get(class_name)
        if self._labels.add_labels(
            self._image, self._frame, positions, class_name, "suggested", known
        ):
            self.skip()

    def accept(self) -> None:
        """Label the current window with the predicted class."""
        if self.current is not None:
            self.label_current(self.current.class_name)

    def skip(self) -> None:
        """Continue with the next window without labelling this one."""
        self._position = min(self._position + 1, len(self.waiting))
        self.changed.emit()

    def back(self) -> None:
        """Return to the previous window."""
        self._position = max(self._position - 1, 0)
        self.changed.emit()
