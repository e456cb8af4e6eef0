"""One row per class: colour, name, threshold over the live probability, and how many there are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QGridLayout, QLabel, QWidget
from superqt.utils import signals_blocked

from napari_stem_defects.base.defect_classes import BULK, title_of
from napari_stem_defects.napari_plugin.panels.common.panel import named
from napari_stem_defects.napari_plugin.panels.common.swatch import Swatch
from napari_stem_defects.napari_plugin.panels.detect.threshold_slider import STEPS, ThresholdBar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.postprocessing.results import (
        ClassTotal,
    )

_NAME_COLUMN, _BAR_COLUMN = 1, 2


class _Row(NamedTuple):
    bar: ThresholdBar
    figure: QDoubleSpinBox
    number: QLabel


class ClassRows(QWidget):
    """Shows every class, edits its threshold and shows what the window under the cursor is."""

    threshold_changed = Signal(str, float)

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(_BAR_COLUMN, 1)
        self._rows: dict[str, _Row] = {}
        self.values: Mapping[str, float] = {}
        """The probabilities shown; empty where the cursor is over nothing that was asked about."""

    @property
    def bars(self) -> list[ThresholdBar]:
        """The thresholds, from top to bottom."""
        return [row.bar for row in self._rows.values()]

    def put(self, thresholds: Mapping[str, float]) -> None:
        """Show these classes and thresholds."""
        if list(thresholds) != list(self._rows):
            self._rebuild(list(thresholds))
        for name, value in thresholds.items():
            row = self._rows[name]
            with signals_blocked(row.bar), signals_blocked(row.figure):
                row.bar.setValue(round(value * STEPS))
                row.figure.setValue(value)

    def put_values(self, values: Mapping[str, float] | None) -> None:
        """Show these probabilities, or none."""
        self.values = values or {}
        for name, row in self._rows.items():
            row.bar.put(self.values.get(name))

    def put_counts(self, counts: Mapping[str, ClassTotal]) -> None:
        """Show how many regions of each class there are."""
        for name, row in self._rows.items():
            total = counts.get(name)
            row.number.setText("" if total is None else str(total.count))

    def _rebuild(self, names: list[str]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._rows.clear()
        for place, name in enumerate(names):
            self._add_row(place, name)

    def _add_row(self, place: int, name: str) -> None:
        what = "bulk" if name == BULK else title_of(name)
        label = QLabel(name)
        label.setToolTip(title_of(name))
        row = _Row(_bar(name, what), _figure(name, what), _count(name))
        for column, widget in enumerate((Swatch(name), label, row.bar, row.figure, row.number)):
            self._grid.addWidget(widget, place, column)
        row.bar.valueChanged.connect(lambda steps: row.figure.setValue(steps / STEPS))
        row.figure.valueChanged.connect(partial(self._on_figure, name))
        self._rows[name] = row

    def _on_figure(self, name: str, value: float) -> None:
        bar = self._rows[name].bar
        with signals_blocked(bar):
            bar.setValue(round(value * STEPS))
        bar.update()
        self.threshold_changed.emit(name, value)


def _bar(name: str, what: str) -> ThresholdBar:
    tooltip = (
        f"Handle: a window counts as {what} from this probability on; applied at once.\n"
        "Bar: the probability of the window under the cursor."
    )
    return named(ThresholdBar(name), f"threshold_{name.lower()}", tooltip)


def _figure(name: str, what: str) -> QDoubleSpinBox:
    """Return the threshold to be typed; Tab goes from bar to bar."""
    spin = named(
        QDoubleSpinBox(),
        f"threshold_figure_{name.lower()}",
        f"The probability from which a window counts as {what}; click to type one",
    )
    spin.setRange(1 / STEPS, 1)
    spin.setSingleStep(1 / STEPS)
    spin.setDecimals(2)
    spin.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    spin.setAlignment(Qt.AlignmentFlag.AlignRight)
    for part in (spin, spin.lineEdit()):
        if part is not None:
            part.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    spin.setKeyboardTracking(False)
    # The theme's spin boxes leave room for the buttons that this one lacks.
    spin.setStyleSheet("padding: 0 3px; margin: 0; min-height: 16px; min-width: 32px;")
    spin.setFixedWidth(40)
    return spin


def _count(name: str) -> QLabel:
    count = named(QLabel(), f"count_{name.lower()}", "Regions found")
    count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    count.setMinimumWidth(26)
    return count
