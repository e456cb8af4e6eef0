"""Combo box of the models in the library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QSizePolicy

from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.io.models.library import ModelEntry, find_model, list_models
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip

if TYPE_CHECKING:
    from collections.abc import Callable


class ModelSelector(QComboBox):
    """Lists the models of the library, those of the user first.

    Parameters
    ----------
    with_auto : bool
        Whether the first item is "auto", the model whose lattice fits the image.
    """

    def __init__(self, with_auto: bool = False) -> None:
        super().__init__()
        self._entries: list[ModelEntry] = []
        self._before = [AUTO_MODEL] if with_auto else []
        self._fits: Callable[[ModelEntry], bool] = _all_fit
        self.setObjectName("model")
        set_tooltip(self, "Trained ensemble, bundled or from your library")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.reload()

    @property
    def entry(self) -> ModelEntry | None:
        """The selected model; None for "auto" or if the library is empty."""
        index = self.currentIndex() - len(self._before)
        return self._entries[index] if 0 <= index < len(self._entries) else None

    @property
    def is_auto(self) -> bool:
        """Whether "auto" is selected."""
        return self.currentText() == AUTO_MODEL and bool(self._before)

    def offer(self, fits: Callable[[ModelEntry], bool], empty: str) -> None:
        """List only the models for which a function is true, or a text if there are none."""
        self._fits = fits
        self.setPlaceholderText(empty)
        self.reload()

    def reload(self, select: str = "") -> None:
        """Read the library again; select a model by name, or keep the selection."""
        wanted = select or (self.entry.name if self.entry else "")
        with QSignalBlocker(self):
            self._entries = [entry for entry in list_models() if self._fits(entry)]
            self.clear()
            self.addItems(self._before)
            self.addItems([f"{entry.name} ({entry.source})" for entry in self._entries])
            names = [entry.name for entry in self._entries]
            if wanted in names:
                self.setCurrentIndex(names.index(wanted) + len(self._before))
            elif self.count():  # Qt selects nothing by itself where there is a placeholder
                self.setCurrentIndex(0)
        self.currentIndexChanged.emit(self.currentIndex())


def _all_fit(_: ModelEntry) -> bool:
    return True


def describe(entry: ModelEntry | None) -> str:
    """Return number of classes, pixel size and input of a model in one line."""
    if entry is None:
        return "There is no model yet: train one, or import a .safetensors file."
    spec = entry.spec
    if spec.is_quick:
        return f"{len(spec.classes)} classes · quick model, sampled by the lattice"
    if spec.preprocessing.is_residual:
        return f"{len(spec.classes)} classes · lattice residual, sampled by the lattice"
    size = "any pixel size" if spec.pixel_size_nm is None else f"{spec.pixel_size_nm:.4f} nm/px"
    return f"{len(spec.classes)} classes · {size} · {spec.preprocessing.representation}"


def script_name(entry: ModelEntry) -> str:
    """Return the name of a model for scripts, or its path if another model hides the name."""
    return entry.name if find_model(entry.name) == entry.path else str(entry.path)
