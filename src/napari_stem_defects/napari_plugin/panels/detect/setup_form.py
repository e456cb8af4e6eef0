"""What is searched, by which model and how; folds into one line when results need the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_stem_defects.napari_plugin.layers.search_area import AREAS, TOOLS
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageChoice
from napari_stem_defects.napari_plugin.panels.common.model_row import ModelRow
from napari_stem_defects.napari_plugin.panels.common.panel import button, named
from napari_stem_defects.napari_plugin.panels.common.pixel_size_row import PixelSizeRow
from napari_stem_defects.napari_plugin.panels.common.settings import remember
from napari_stem_defects.networks.spec import WIDEST_STRIDE_PX

if TYPE_CHECKING:
    from napari.components import LayerList

    from napari_stem_defects.napari_plugin.panels.common.model_library import LibraryActions
    from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSize
    from napari_stem_defects.networks.spec import EnsembleSpec


class DetectSetup(QWidget):
    """The settings of a run.

    Parameters
    ----------
    layers : LayerList
        Of the viewer, to choose an image from.
    pixel_size : PixelSize
    actions : LibraryActions
    """

    draw_clicked = Signal(str)
    """Something of `TOOLS` shall be drawn."""

    def __init__(self, layers: LayerList, pixel_size: PixelSize, actions: LibraryActions) -> None:
        super().__init__()
        self.image = ImageChoice(layers)
        self.model_row = ModelRow(actions)
        self.ensemble = self.model_row.choice
        self.size_row = PixelSizeRow(pixel_size)
        self.stride = named(
            QSpinBox(), "stride", "Step of the sliding window: smaller is finer and slower"
        )
        self.stride.setRange(1, 64)
        self._suited_stride = WIDEST_STRIDE_PX
        self.stride.setValue(self._suited_stride)
        self.stride.setSuffix(" px")
        self.device = named(QComboBox(), "device", "Where to compute; auto takes a GPU if present")
        self.device.addItems(["auto", "cpu", "cuda", "mps"])
        self.area = named(
            QComboBox(), "area", "What to search: all, what is in view, or what you have drawn"
        )
        self.area.addItems(AREAS)
        self.draw = button("Draw", "draw_region", "Draw what to search; several shapes add up")
        self.draw_menu = QMenu(self)
        for tool in TOOLS:
            self.draw_menu.addAction(tool, lambda tool=tool: self.draw_clicked.emit(tool))
        self.draw.setMenu(self.draw_menu)
        self.frames = named(QComboBox(), "frames", "Only the frame shown, or the whole stack")
        self.frames.addItems(["this frame", "all frames"])
        self.fold = button("", "setup", "Show or hide the settings of the run")
        self.fold.setCheckable(True)
        self.fold.setChecked(True)
        self.fold.toggled.connect(self.refresh)
        self._lay_out()
        remember("detect", self.ensemble, self.stride, self.device)
        for changed in (
            self.image.currentTextChanged,
            self.ensemble.currentTextChanged,
            self.stride.valueChanged,
            self.area.currentTextChanged,
        ):
            changed.connect(self.refresh)
        self.refresh()

    def show_frames(self, several: bool) -> None:
        """Ask which frames only where there are several."""
        self._form.setRowVisible(self.frames, several)

    def suit_stride(self, spec: EnsembleSpec) -> None:
        """Take the step that suits a model, unless another one was chosen by hand."""
        if self.stride.value() == self._suited_stride:
            self.stride.setValue(spec.stride_px)
        self._suited_stride = spec.stride_px

    def refresh(self) -> None:
        """Show the settings, or the line that sums them up."""
        open_ = self.fold.isChecked()
        self._content.setVisible(open_)
        entry = self.ensemble.entry
        summed = (
            self.image.currentText() or "no image",
            "no model" if entry is None else entry.name,
            f"{self.stride.value()} px",
            self.area.currentText(),
        )
        self.fold.setText("▾ Setup" if open_ else f"▸ {' · '.join(summed)}")

    def _lay_out(self) -> None:
        self.fold.setStyleSheet("text-align: left; padding: 3px 4px; background: transparent;")
        self.fold.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._content = QWidget()
        form = self._form = QFormLayout(self._content)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(5)
        form.addRow("Image", self.image)
        form.addRow("Model", self.model_row)
        form.addRow("Pixel size", self.size_row)
        form.addRow("Stride", _side_by_side(self.stride, QLabel("Device"), self.device))
        form.addRow("Search", _side_by_side(self.area, self.draw))
        form.addRow("Frames", self.frames)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self.fold)
        layout.addWidget(self._content)


def _side_by_side(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget in widgets:
        row.addWidget(widget, isinstance(widget, QComboBox | QSpinBox))
    return row
