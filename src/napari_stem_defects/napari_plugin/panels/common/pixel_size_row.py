"""The pixel size: what the layer says, what the user types, what the lattice gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_stem_defects.napari_plugin.panels.common.panel import button, named, note, say

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSize

_DECIMALS = 5
_LARGEST_NM = 100.0


class PixelSizeRow(QWidget):
    """Draws a `PixelSize`; asks through its signals for what concerns the layer."""

    typed = Signal()
    """Another pixel size was typed."""
    calibrate_clicked = Signal(float)
    """The layer shall get this pixel size."""

    def __init__(self, model: PixelSize) -> None:
        super().__init__()
        self._model = model
        self._layer_nm: float | None = None
        self.spin = named(
            QDoubleSpinBox(),
            "pixel_size_nm",
            "Edge of a pixel in nm; leave it unknown to find it from the lattice",
        )
        self.spin.setDecimals(_DECIMALS)
        self.spin.setRange(0.0, _LARGEST_NM)
        self.spin.setSingleStep(0.001)
        self.spin.setSuffix(" nm/px")
        self.spin.setSpecialValueText("unknown")
        self.spin.setKeyboardTracking(False)
        self.spin.valueChanged.connect(self._on_typed)
        self.calibrate = button(
            "Calibrate image",
            "calibrate",
            "Give the image layer this pixel size, scale bar included",
        )
        self.calibrate.clicked.connect(self._on_calibrate)
        self.statement = note("scale_statement")
        self._lay_out()
        model.changed.connect(self.refresh)

    def show_size(self, size_nm: float | None) -> None:
        """Show the layer's own pixel size; forget what was typed for another layer."""
        self._model.typed_nm = None
        self._layer_nm = size_nm
        with signals_blocked(self.spin):
            self.spin.setValue(size_nm or 0.0)
        self.refresh()

    @property
    def size_nm(self) -> float | None:
        """The size that counts: typed, the layer's own, or found from the lattice."""
        return self._model.typed_nm or self._layer_nm or self._model.proposed_nm

    def refresh(self) -> None:
        """Show the model as it stands."""
        say(self.statement, self._model.statement)
        self.calibrate.setVisible(self._better_size() is not None)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.spin, 1)
        row.addWidget(self.calibrate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(row)
        layout.addWidget(self.statement)

    def _better_size(self) -> float | None:
        return self._model.typed_nm or self._model.proposed_nm

    def _on_typed(self, value: float) -> None:
        self._model.typed_nm = value or None
        self.refresh()
        self.typed.emit()

    def _on_calibrate(self) -> None:
        if (size := self._better_size()) is not None:
            self.calibrate_clicked.emit(size)
