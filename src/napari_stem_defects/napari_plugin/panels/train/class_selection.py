"""Selection of the classes to train, and of their number of epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QSpinBox, QWidget

from napari_stem_defects.base.defect_classes import class_table, complete_classes
from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.elided import ElidedCheckBox
from napari_stem_defects.napari_plugin.panels.common.panel import named, set_tab_order
from napari_stem_defects.napari_plugin.panels.common.plain_text import plain_label
from napari_stem_defects.napari_plugin.panels.common.swatch import Swatch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_stem_defects.base.defect_classes import DefectClass

_NO_NETWORKS = "A quick model has no networks."


class ClassSelection(QWidget):
    """One row per class: colour, whether to train it, number of labels, epochs."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        self._checks: dict[str, ElidedCheckBox] = {}
        self._epochs: dict[str, QSpinBox] = {}
        self._has_epochs = True

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes to train."""
        return tuple(name for name, check in self._checks.items() if check.isChecked())

    @property
    def epochs(self) -> dict[str, int]:
        """Number of epochs of the classes that do not use the default."""
        return {
            name: self._epochs[name].value() for name in self.classes if self._epochs[name].value()
        }

    def set_counts(self, counts: Mapping[str, int], classes: Iterable[DefectClass] = ()) -> None:
        """Show classes with their number of labels; earlier selections are kept."""
        deselected = {
            name
            for name, check in self._checks.items()
            if check.isEnabled() and not check.isChecked()
        }
        epochs = {name: spin.value() for name, spin in self._epochs.items()}
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._checks, self._epochs = {}, {}
        order: list[QWidget] = []
        table = class_table(complete_classes(counts, classes))
        for row, (name, count) in enumerate(counts.items()):
            self._add_row(row, table[name], count)
            self._checks[name].setChecked(count > 0 and name not in deselected)
            enable(self._checks[name], count > 0, "The data have no label of this class.")
            self._epochs[name].setValue(epochs.get(name, 0))
            order += [self._checks[name], self._epochs[name]]
        set_tab_order(self, *order)

    def enable_epochs(self, enabled: bool) -> None:
        """Enable or disable the numbers of epochs."""
        self._has_epochs = enabled
        for spin in self._epochs.values():
            enable(spin, enabled, _NO_NETWORKS)

    def _add_row(self, row: int, entry: DefectClass, count: int) -> None:
        name = entry.name
        about = ": ".join(filter(None, ("Train networks for this class", entry.own_title)))
        check = ElidedCheckBox(f"train_{name.lower()}", about)
        check.set_full_text(name)
        label = named(
            plain_label(str(count)), f"count_{name.lower()}", "Number of labels in the data"
        )
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        epochs = named(
            QSpinBox(),
            f"epochs_{name.lower()}",
            "Epochs of training; by default 3 for Bulk, 9 for other classes",
        )
        epochs.setRange(0, 500)
        enable(epochs, self._has_epochs, _NO_NETWORKS)
        epochs.setSpecialValueText("default")
        epochs.setSuffix(" epochs")
        for column, widget in enumerate((Swatch(entry.colour), check, label, epochs)):
            self._grid.addWidget(widget, row, column)
        self._checks[name], self._epochs[name] = check, epochs
