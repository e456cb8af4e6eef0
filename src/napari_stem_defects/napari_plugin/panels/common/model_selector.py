"""Combo box of the models in the library."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_stem_defects.io.models.library import ModelEntry, find_model, list_models


class ModelSelector(QComboBox):
    """Lists the models of the library, those of the user first."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[ModelEntry] = []
        self.setObjectName("model")
        self.setToolTip("Trained ensemble, bundled or from your library")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reload()

    @property
    def entry(self) -> ModelEntry | None:
        """The selected model; None if the library is empty."""
        index = self.currentIndex()
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def reload(self, select: str = "") -> None:
        """Read the library again; select a model by name, or keep the selection."""
        wanted = select or (self.entry.name if self.entry else "")
        with QSignalBlocker(self):
            self._entries = list_models()
            self.clear()
            self.addItems([f"{entry.name} ({entry.source})" for entry in self._entries])
            names = [entry.name for entry in self._entries]
            if wanted in names:
                self.setCurrentIndex(names.index(wanted))
        self.currentIndexChanged.emit(self.currentIndex())


def describe(entry: ModelEntry | None) -> str:
    """Return number of classes, pixel size and input of a model in one line."""
    if entry is None:
        return "There is no model yet: train one, or import a .safetensors file."
    spec = entry.spec
    size = "any pixel size" if spec.pixel_size_nm is None else f"{spec.pixel_size_nm:.4f} nm/px"
    return f"{len(spec.classes)} classes · {size} · {spec.preprocessing.representation}"


def script_name(entry: ModelEntry) -> str:
    """Return the name of a model for scripts, or its path if another model hides the name."""
    return entry.name if find_model(entry.name) == entry.path else str(entry.path)
