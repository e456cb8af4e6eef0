"""One row per class: colour, name, count and the threshold's slider."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget
from superqt.utils import signals_blocked

from napari_stem_defects.app.parts.dock import named
from napari_stem_defects.app.parts.slider import Slider
from napari_stem_defects.app.parts.swatch import Swatch
from napari_stem_defects.core.classes import BULK, title_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.core.regions import ClassTotal


# At 0 every window would be of the class.
_LIMITS = (0.01, 1.0)


class ClassThresholds(QWidget):
    """Shows and edits the threshold of every class."""

    threshold_changed = Signal(str, float)

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(2, 1)
        self._sliders: dict[str, Slider] = {}
        self._counts: dict[str, QLabel] = {}

    def put(self, thresholds: Mapping[str, float]) -> None:
        """Show these classes and thresholds."""
        if list(thresholds) != list(self._sliders):
            self._rebuild(list(thresholds))
        for name, value in thresholds.items():
            with signals_blocked(self._sliders[name]):
                self._sliders[name].setValue(value)

    def put_counts(self, counts: Mapping[str, ClassTotal]) -> None:
        """Show how many regions of each class there are."""
        for name, label in self._counts.items():
            total = counts.get(name)
            label.setText("" if total is None else str(total.count))

    def _rebuild(self, names: list[str]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._sliders.clear()
        self._counts.clear()
        for row, name in enumerate(names):
            self._add_row(row, name)

    def _add_row(self, row: int, name: str) -> None:
        what = "counts as bulk" if name == BULK else f"counts as {title_of(name)}"
        tooltip = f"A window {what} from this probability on; applied at once, without a new run"
        label = QLabel(name)
        label.setToolTip(title_of(name))
        slider = named(Slider(_LIMITS, 2), f"threshold_{name.lower()}", tooltip)
        slider.valueChanged.connect(partial(self.threshold_changed.emit, name))
        count = named(QLabel(), f"count_{name.lower()}", "Regions found")
        count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        count.setMinimumWidth(26)
        for column, widget in enumerate((Swatch(name), label, slider, count)):
            self._grid.addWidget(widget, row, column)
        self._sliders[name], self._counts[name] = slider, count
