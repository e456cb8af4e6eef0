"""Which trained ensemble a window uses."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_stem_defects.io.models.library import ModelEntry, find_model, list_models


class ModelChoice(QComboBox):
    """Lists the model library, the user's own models first."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[ModelEntry] = []
        self.setObjectName("model")
        self.setToolTip("The trained ensemble: bundled ones and those in your library")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reload()

    @property
    def entry(self) -> ModelEntry | None:
        """The chosen model; None where the library is empty."""
        index = self.currentIndex()
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def reload(self, choose: str = "") -> None:
        """Read the library again; choose a model by name, or keep the choice."""
        wanted = choose or (self.entry.name if self.entry else "")
        with QSignalBlocker(self):
            self._entries = list_models()
            self.clear()
            self.addItems([f"{entry.name} ({entry.source})" for entry in self._entries])
            names = [entry.name for entry in self._entries]
            if wanted in names:
                self.setCurrentIndex(names.index(wanted))
        self.currentIndexChanged.emit(self.currentIndex())


def describe(entry: ModelEntry | None) -> str:
    """Return what matters about a model, in a line."""
    if entry is None:
        return "No model yet: train one, or import a .safetensors file."
    spec = entry.spec
    size = "any pixel size" if spec.pixel_size_nm is None else f"{spec.pixel_size_nm:.4f} nm/px"
    return f"{len(spec.classes)} classes · {size} · {spec.preprocessing.representation}"


def name_of(entry: ModelEntry) -> str:
    """Return how a script names a model: by the library, or by its path where that is hidden."""
    return entry.name if find_model(entry.name) == entry.path else str(entry.path)
