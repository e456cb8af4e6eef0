"""Settings of a detection, which collapse into one line to leave room for results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.detection.contrast import CONTRASTS
from napari_stem_defects.napari_plugin.layers.search_area import AREAS, TOOLS
from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.choice import Choice
from napari_stem_defects.napari_plugin.panels.common.grey_offer import GreyOffer
from napari_stem_defects.napari_plugin.panels.common.image_selector import ImageSelector
from napari_stem_defects.napari_plugin.panels.common.model_row import ModelRow
from napari_stem_defects.napari_plugin.panels.common.panel import button, compact_form, named
from napari_stem_defects.napari_plugin.panels.common.pixel_size_row import PixelSizeRow
from napari_stem_defects.napari_plugin.panels.common.plain_text import (
    on_button,
    plain_label,
    set_tooltip,
)
from napari_stem_defects.napari_plugin.panels.common.settings import bind_settings
from napari_stem_defects.networks.inference_settings import MAX_STRIDE_PX

if TYPE_CHECKING:
    from napari.components import LayerList
    from qtpy.QtGui import QResizeEvent

    from napari_stem_defects.napari_plugin.panels.common.model_library import LibraryActions
    from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSizeViewModel
    from napari_stem_defects.networks.spec import EnsembleSpec

_CONTRAST_TITLES = {"auto": "auto", "bright": "bright columns", "dark": "dark columns"}
_FOLD, _FOLD_PADDING_PX = "Show or hide the settings", 4
_FEWEST = "▸ MMMMM"
"""The least that is shown of the name of an image, however long the settings are."""
_STRIDE = "Step of the sliding window; smaller steps are finer and slower"


class SetupForm(QWidget):
    """Image, model, pixel size, stride, search area and frames of a detection.

    Parameters
    ----------
    layers : LayerList
        The layers of the viewer.
    pixel_size : PixelSize
    actions : LibraryActions
    """

    draw_clicked = Signal(str)
    """Requests a drawing tool, one of `TOOLS`."""

    def __init__(
        self, layers: LayerList, pixel_size: PixelSizeViewModel, actions: LibraryActions
    ) -> None:
        super().__init__()
        self.image = ImageSelector(layers)
        self.grey_offer = GreyOffer(layers, self.image)
        self.model_row = ModelRow(actions)
        self.ensemble = self.model_row.selector
        self.size_row = PixelSizeRow(pixel_size)
        self.stride = named(QSpinBox(), "stride", _STRIDE)
        self.stride_nm = named(plain_label(), "stride_nm", "Stride in nm")
        self._model_nm: float | None = None
        self.stride.setRange(1, 64)
        self._model_stride = MAX_STRIDE_PX
        self.stride.setValue(self._model_stride)
        self.stride.setSuffix(" px")
        self.device = named(
            Choice(), "device", "Device to compute on; auto uses a GPU if there is one"
        )
        self.device.addItems(["auto", "cpu", "cuda", "mps"])
        self.contrast = named(
            Choice(),
            "contrast",
            "Whether atomic columns are bright or dark (bright field); auto looks at the image",
        )
        for value in CONTRASTS:
            self.contrast.addItem(_CONTRAST_TITLES[value], value)
        self.area = named(Choice(), "area", "Part of the image to search")
        self.area.addItems(AREAS)
        self.draw = button(
            "Draw region", "draw_region", "Draw the region to search; several shapes are combined"
        )
        self.draw_menu = QMenu(self)
        for tool in TOOLS:
            self.draw_menu.addAction(tool, lambda tool=tool: self.draw_clicked.emit(tool))
        self.draw.setMenu(self.draw_menu)
        self.frames = named(Choice(), "frames", "Frames to search")
        self.frames.addItems(["this frame", "all frames"])
        self.fold = button("", "setup", _FOLD)
        self.fold.setCheckable(True)
        self.fold.setChecked(True)
        self.fold.toggled.connect(self.refresh)
        self._lay_out()
        bind_settings("detect", self.ensemble, self.stride, self.device)
        for changed in (
            self.image.currentTextChanged,
            self.ensemble.currentTextChanged,
            self.stride.valueChanged,
            self.area.currentTextChanged,
        ):
            changed.connect(self.refresh)
        self.refresh()

    def show_frames(self, several: bool) -> None:
        """Show the choice of frames if there are several."""
        self._form.setRowVisible(self.frames, several)

    def use_stride_of(self, spec: EnsembleSpec) -> None:
        """Set the stride of a model, unless the user has set another one."""
        if self.stride.value() == self._model_stride:
            self.stride.setValue(spec.inference.stride_px)
        self._model_stride = spec.inference.stride_px
        self._model_nm = spec.pixel_size_nm
        self.refresh()
        why_not = "A quick model has neither windows nor networks."
        for control in (self.stride, self.device):
            enable(control, not spec.is_quick, why_not)

    def refresh(self) -> None:
        """Show the settings, or a summary of them in one line."""
        is_open = self.fold.isChecked()
        self._content.setVisible(is_open)
        entry = self.ensemble.entry
        stride = both_units(self.stride.value(), self._model_nm)
        if self.stride.isEnabled():
            set_tooltip(self.stride, f"{_STRIDE}\nNow {stride} at the pixel size of the model")
        nm = self._model_nm
        self.stride_nm.setText("" if nm is None else f"{self.stride.value() * nm:.3g} nm")
        self.stride_nm.setVisible(nm is not None)
        summary = (
            self.image.currentText() or "no image",
            self.ensemble.currentText() if entry is None else entry.name,
            stride,
            self.area.currentText(),
        )
        name, *settings = summary
        self._title = ("▾ Setup", "") if is_open else (f"▸ {name}", f" · {' · '.join(settings)}")
        set_tooltip(self.fold, _FOLD if is_open else f"{' · '.join(summary)}\n{_FOLD}")
        self._show_title()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Shorten the summary to the new width."""
        super().resizeEvent(event)
        self._show_title()

    def _show_title(self) -> None:
        metrics, room = self.fold.fontMetrics(), self.fold.width() - 2 * _FOLD_PADDING_PX
        name, settings = self._title
        left = max(room - metrics.horizontalAdvance(settings), metrics.horizontalAdvance(_FEWEST))
        name = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, left)
        title = metrics.elidedText(f"{name}{settings}", Qt.TextElideMode.ElideRight, room)
        self.fold.setText(on_button(title))

    def _lay_out(self) -> None:
        self.fold.setStyleSheet(
            f"text-align: left; padding: 3px {_FOLD_PADDING_PX}px; background: transparent;"
        )
        self.fold.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._content = QWidget()
        form = self._form = compact_form(self._content)
        form.addRow("Image", self.image)
        form.addRow(self.grey_offer)
        form.addRow("Model", self.model_row)
        form.addRow("Pixel size", self.size_row)
        form.addRow("Contrast", self.contrast)
        form.addRow("Stride", _side_by_side(self.stride, self.stride_nm))
        form.addRow("Search", _side_by_side(self.area, self.draw))
        form.addRow("Device", self.device)
        form.addRow("Frames", self.frames)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        layout.addWidget(self.fold)
        layout.addWidget(self._content)


def _side_by_side(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(6)
    for widget in widgets:
        row.addWidget(widget, isinstance(widget, QComboBox | QSpinBox))
    return row
