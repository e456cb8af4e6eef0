"""What one window hands to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

if TYPE_CHECKING:
    from napari_stem_defects.core.preprocessing import Preprocessing


class TrainingSettings:
    """The preprocessing that "Preprocess" chose for training; "Train ensemble" listens.

    None leaves the choice to the protocol that suits the labels.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.preprocessing: Preprocessing | None = None

    def use(self, preprocessing: Preprocessing | None) -> None:
        """Choose the preprocessing of the next training."""
        self.preprocessing = preprocessing
        self.changed.emit()


class Library:
    """The user's model library, as far as windows change it."""

    changed = Signal(str)
    """A model of this name has come."""


library = Library()
training_settings = TrainingSettings()
"""One each for all windows of the application."""
