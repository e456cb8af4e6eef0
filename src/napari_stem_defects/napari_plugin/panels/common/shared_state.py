"""What one window hands to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelModel
    from napari_stem_defects.preprocessing.settings import (
        PreprocessingSettings,
    )


class TrainingSettings:
    """The preprocessing that "Preprocess" chose for training; "Train ensemble" listens.

    None leaves the choice to the protocol that suits the labels.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.preprocessing: PreprocessingSettings | None = None

    def use(self, preprocessing: PreprocessingSettings | None) -> None:
        """Choose the preprocessing of the next training."""
        self.preprocessing = preprocessing
        self.changed.emit()


class Library:
    """The user's model library, as far as windows change it."""

    changed = Signal(str)
    """A model of this name has come."""


class OpenLabels:
    """The label project that is open for writing, for windows that have labels to give."""

    changed = Signal()

    def __init__(self) -> None:
        self.model: LabelModel | None = None

    def use(self, model: LabelModel) -> None:
        """Hear that a window opened a project."""
        if self.model is not model:
            self.model = model
            self.changed.emit()

    def drop(self, model: LabelModel) -> None:
        """Hear that a window closed its project."""
        if self.model is model:
            self.model = None
            self.changed.emit()


open_labels = OpenLabels()
library = Library()
training_settings = TrainingSettings()
"""One each for all windows of the application."""
