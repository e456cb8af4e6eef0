"""Windows waiting for a label, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelModel
    from napari_stem_defects.training.active_learning import Suggestion


class LabelQueue:
    """Goes through suggestions for one frame and turns answers into labels.

    Parameters
    ----------
    labels : LabelModel
        Receives the labels.
    """

    changed = Signal()
    """Another window is the current one, or there is none."""

    def __init__(self, labels: LabelModel) -> None:
        self._labels = labels
        self._image: Micrograph | None = None
        self._frame = 0
        self._position = 0
        self.waiting: list[Suggestion] = []

    def fill(self, image: Micrograph, frame: int, suggestions: Sequence[Suggestion]) -> None:
        """Start with these suggestions."""
        self._image, self._frame = image, frame
        self.waiting, self._position = list(suggestions), 0
        self.changed.emit()

    def clear(self) -> None:
        """Stop asking."""
        self.waiting, self._position = [], 0
        self.changed.emit()

    @property
    def current(self) -> Suggestion | None:
        """The window asked about; None where the queue is through."""
        return self.waiting[self._position] if self._position < len(self.waiting) else None

    def statement(self) -> str:
        """Say where the queue is and why this window is in it."""
        if not self.waiting:
            return ""
        if self.current is None:
            return f"all {len(self.waiting)} windows seen; find new ones with the next ensemble"
        asked = self.current
        guess = f"{asked.class_name} {asked.probability:.2f}"
        why = f", {asked.why}" if asked.why else ""
        return f"{self._position + 1} of {len(self.waiting)}: {guess}{why}"

    def answer(self, class_name: str) -> None:
        """Label the current window and go to the next."""
        asked = self.current
        if asked is None or self._image is None:
            return
        places = [(asked.y, asked.x)]
        if self._labels.label_all(self._image, self._frame, places, class_name, "suggested"):
            self.skip()

    def accept(self) -> None:
        """Label the current window as the ensemble would."""
        if self.current is not None:
            self.answer(self.current.class_name)

    def skip(self) -> None:
        """Go to the next window without a label."""
        self._position = min(self._position + 1, len(self.waiting))
        self.changed.emit()

    def back(self) -> None:
        """Go back to the window before."""
        self._position = max(self._position - 1, 0)
        self.changed.emit()
