"""What one window hands to another."""

from __future__ import annotations

from psygnal import Signal

from napari_stem_defects.core.preprocessing import Preprocessing


class TrainingSettings:
    """The preprocessing that "Preprocess" chose for training; "Train ensemble" listens."""

    changed = Signal()

    def __init__(self) -> None:
        self.preprocessing = Preprocessing()

    def use(self, preprocessing: Preprocessing) -> None:
        """Choose the preprocessing of the next training."""
        self.preprocessing = preprocessing
        self.changed.emit()


training_settings = TrainingSettings()
"""One for all windows of the application."""
