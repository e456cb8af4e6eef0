"""State shared between the panels: open label project, model library, training preprocessing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings


class LabelEditor(Protocol):
    """A label project that other panels may add labels to, or train on."""

    @property
    def folder(self) -> Path | None:
        """The folder of the project; None if it is closed."""

    def add_labels(
        self,
        image: Micrograph,
        frame: int,
        positions: Sequence[tuple[float, float]],
        class_name: str,
        *,
        known: DefectClass | None = None,
    ) -> tuple[str, ...]:
        """Label positions (y, x), px, of one frame; return the ids of the labels.

        A class that is new to the project gets the kind, title and colour of ``known``.
        """

    def remove(self, *label_ids: str) -> None:
        """Remove labels."""


class TrainingSettings:
    """The preprocessing that Preprocess has chosen for Train ensemble.

    Attributes
    ----------
    preprocessing : PreprocessingSettings or None
        None leaves the choice to the training recipe that suits the labels.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.preprocessing: PreprocessingSettings | None = None

    def set(self, preprocessing: PreprocessingSettings | None) -> None:
        """Set the preprocessing of the next training; None removes it."""
        self.preprocessing = preprocessing
        self.changed.emit()


class LibraryEvents:
    """Announces changes that panels make to the user's model library."""

    changed = Signal(str)
    """Name of the model that was added; "" if one was removed."""


class OpenLabels:
    """The label project that Label patches has open.

    Attributes
    ----------
    editor : LabelEditor or None
        Adds labels to the project; None if no project is open.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.editor: LabelEditor | None = None

    def set(self, editor: LabelEditor) -> None:
        """Record that a panel has opened a project."""
        if self.editor is not editor:
            self.editor = editor
            self.changed.emit()

    def release(self, editor: LabelEditor) -> None:
        """Record that a panel has closed its project."""
        if self.editor is editor:
            self.editor = None
            self.changed.emit()


open_labels = OpenLabels()
library_events = LibraryEvents()
training_settings = TrainingSettings()
"""One object each, shared by all panels of the application."""
