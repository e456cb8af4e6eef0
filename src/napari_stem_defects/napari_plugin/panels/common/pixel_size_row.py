"""Row that shows and edits the pixel size of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QVBoxLayout, QWidget
from superqt.utils import signals_blocked

from napari_stem_defects.napari_plugin.panels.common.panel import button, named, note, show_note

if TYPE_CHECKING:
    from napari_stem_defects.napari_plugin.panels.common.pixel_size import PixelSizeViewModel

_DECIMALS = 5
_LARGEST_NM = 100.0
_FROM_FILE = "Read from the file."


class PixelSizeRow(QWidget):
    """Shows a `PixelSizeViewModel`; signals request changes of the image layer.

    Parameters
    ----------
    view_model : PixelSizeViewModel
    """

    typed = Signal()
    """The user has typed another pixel size."""
    calibrate_clicked = Signal(float)
    """Requests to calibrate the layer with this pixel size in nm."""

    def __init__(self, view_model: PixelSizeViewModel) -> None:
        super().__init__()
        self._view_model = view_model
        self._layer_nm: float | None = None
        self._in_layer = True
        self.spin = named(
            QDoubleSpinBox(),
            "pixel_size_nm",
            "Edge of a pixel in nm; if unknown, it is found from the lattice",
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
            "Calibrate the image layer, and so the scale bar, with this pixel size",
        )
        self.calibrate.clicked.connect(self._on_calibrate)
        self.statement = note("scale_statement")
        self._lay_out()
        view_model.changed.connect(self.refresh)

    def show_size(self, size_nm: float | None, in_layer: bool = True) -> None:
        """Show the pixel size of the image; drop a size typed before.

        Parameters
        ----------
        size_nm : float or None
            None if it is not known.
        in_layer : bool
            Whether it is the scale of the layer, as opposed to what the file states.
        """
        self._view_model.typed_nm = None
        self._layer_nm, self._in_layer = size_nm, in_layer
        with signals_blocked(self.spin):
            self.spin.setValue(size_nm or 0.0)
        self.refresh()

    @property
    def size_nm(self) -> float | None:
        """Pixel size in use: typed, of the layer, or found from the lattice."""
        return self._view_model.typed_nm or self._layer_nm or self._view_model.proposed_nm

    def refresh(self) -> None:
        """Show the current state."""
        is_from_file = self._layer_nm is not None and not self._in_layer
        origin = _FROM_FILE if is_from_file and self._view_model.typed_nm is None else ""
        show_note(self.statement, " ".join(filter(None, (origin, self._view_model.statement))))
        self.calibrate.setVisible(self._new_size() is not None)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.statement, 1)
        row.addWidget(self.calibrate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.spin)
        layout.addLayout(row)

    def _new_size(self) -> float | None:
        stated = None if self._in_layer else self._layer_nm
        return self._view_model.typed_nm or stated or self._view_model.proposed_nm

    def _on_typed(self, value: float) -> None:
        self._view_model.typed_nm = value or None
        self.refresh()
        self.typed.emit()

    def _on_calibrate(self) -> None:
        if (size := self._new_size()) is not None:
            self.calibrate_clicked.emit(size)
