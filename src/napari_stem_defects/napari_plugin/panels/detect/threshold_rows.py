"""Rows of the classes: colour, name, threshold, live probability, number and density of regions."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QWidget,
)
from superqt.utils import signals_blocked

from napari_stem_defects.base.defect_classes import BULK, complete_classes
from napari_stem_defects.base.lengths import density_of_kind
from napari_stem_defects.napari_plugin.panels.common.panel import named, show_note
from napari_stem_defects.napari_plugin.panels.common.plain_text import ElidedLabel, plain_label
from napari_stem_defects.napari_plugin.panels.common.swatch import Swatch
from napari_stem_defects.napari_plugin.panels.detect.threshold_slider import STEPS, ThresholdSlider

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.postprocessing.result_totals import ClassTotal

_SLIDER_COLUMN, _COUNT_COLUMN = 2, 4
_UNIT = "per nm²"
_AROUND_FIGURE_PX = 16
_DENSITY = "Regions, or nm of lines, per nm² searched"


class _Figure(QDoubleSpinBox):
    """A spin box of two decimals without buttons, as wide as they are in the font of the theme."""

    def sizeHint(self) -> QSize:
        width = self.fontMetrics().horizontalAdvance("0.00") + _AROUND_FIGURE_PX
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class _Row(NamedTuple):
    swatch: Swatch
    name: QLabel
    slider: ThresholdSlider
    spin: QDoubleSpinBox
    region_count: QLabel
    density: QLabel
    kind: str

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """From left to right."""
        return self[:-1]


class ThresholdRows(QWidget):
    """Shows and edits the threshold of each class, with its probability at the cursor.

    Attributes
    ----------
    values : mapping
        Probabilities shown, by class; empty if the position of the cursor was not searched.
    """

    threshold_changed = Signal(str, float)
    """The user has changed the threshold of a class."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(1)
        self._grid.setColumnStretch(_SLIDER_COLUMN, 1)
        self._unit = named(plain_label(), "density_unit", _DENSITY)
        self._unit.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._unit.hide()
        self._grid.addWidget(self._unit, 0, _COUNT_COLUMN, 1, 2)
        self._rows: dict[str, _Row] = {}
        self._shown: tuple[DefectClass, ...] = ()
        self.values: Mapping[str, float] = {}

    @property
    def sliders(self) -> list[ThresholdSlider]:
        """The threshold sliders, from top to bottom."""
        return [row.slider for row in self._rows.values()]

    def set_thresholds(
        self, thresholds: Mapping[str, float], classes: Iterable[DefectClass] = ()
    ) -> None:
        """Show classes with their thresholds, in the colours and with the titles of the model."""
        shown = complete_classes(thresholds, classes)
        if shown != self._shown:
            self._rebuild(shown)
        for name, value in thresholds.items():
            row = self._rows[name]
            with signals_blocked(row.slider), signals_blocked(row.spin):
                row.slider.setValue(round(value * STEPS))
                row.spin.setValue(value)

    def set_probabilities(self, values: Mapping[str, float] | None) -> None:
        """Show the probability of each class at the cursor; None shows none."""
        self.values = values or {}
        for name, row in self._rows.items():
            row.slider.set_probability(self.values.get(name))

    def set_counts(
        self, counts: Mapping[str, ClassTotal], searched_nm2: float | None = None
    ) -> None:
        """Show the number of regions of each class and, with an area in nm², their density.

        The unit is stated once, above the densities: rows stay narrow.
        """
        densities = []
        for name, row in self._rows.items():
            total = counts.get(name)
            count = 0 if total is None else total.count
            row.region_count.setText("" if total is None else str(count))
            length = None if total is None else total.length_nm
            density = density_of_kind(count, row.kind, searched_nm2, length)
            densities.append(density.removesuffix(_UNIT).rstrip() if count else "")
            row.density.setText(densities[-1])
        show_note(self._unit, _UNIT if any(densities) else "")

    def _rebuild(self, classes: tuple[DefectClass, ...]) -> None:
        self._shown = classes
        for row in self._rows.values():
            for widget in row.widgets:
                self._grid.removeWidget(widget)
                widget.deleteLater()
        self._rows.clear()
        show_note(self._unit, "")
        for index, entry in enumerate(classes, start=1):
            self._add_row(index, entry)

    def _add_row(self, index: int, entry: DefectClass) -> None:
        name, title = entry.name, entry.title
        about = title if name == BULK else f"{title} ({entry.kind})"
        label = ElidedLabel(f"class_{name.lower()}", about, is_filling=False)
        label.set_full_text(name)
        row = _Row(
            Swatch(entry.colour),
            label,
            _slider(entry),
            _spin_box(name, title),
            _count(name),
            _density(name),
            entry.kind,
        )
        for column, widget in enumerate(row.widgets):
            self._grid.addWidget(widget, index, column)
        row.slider.valueChanged.connect(lambda steps: row.spin.setValue(steps / STEPS))
        row.spin.valueChanged.connect(partial(self._on_threshold, name))
        self._rows[name] = row

    def _on_threshold(self, name: str, value: float) -> None:
        slider = self._rows[name].slider
        with signals_blocked(slider):
            slider.setValue(round(value * STEPS))
        slider.update()
        self.threshold_changed.emit(name, value)


def _slider(entry: DefectClass) -> ThresholdSlider:
    tooltip = (
        f"Handle: threshold above which a window is classified as {entry.title}; applied at once.\n"
        "Bar: probability of the window at the cursor."
    )
    return named(ThresholdSlider(entry.colour), f"threshold_{entry.name.lower()}", tooltip)


def _spin_box(name: str, title: str) -> QDoubleSpinBox:
    """Return a spin box for the threshold, which Tab skips: it moves from slider to slider."""
    spin = named(
        _Figure(),
        f"threshold_figure_{name.lower()}",
        f"Probability threshold of {title}; click to type a value",
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
    # The theme leaves room for buttons, which this spin box does not have.
    spin.setStyleSheet("padding: 0 3px; margin: 0; min-height: 16px; min-width: 32px;")
    spin.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
    return spin


def _count(name: str) -> QLabel:
    count = named(plain_label(), f"count_{name.lower()}", "Number of regions found")
    count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return count


def _density(name: str) -> QLabel:
    density = named(plain_label(), f"density_{name.lower()}", _DENSITY)
    density.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    return density
