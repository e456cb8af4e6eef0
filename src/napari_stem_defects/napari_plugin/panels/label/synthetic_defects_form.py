"""Form for synthetic point defects: their number, classes and area."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtWidgets import QHBoxLayout, QSpinBox

from napari_stem_defects.napari_plugin.layers.search_area import AREAS
from napari_stem_defects.napari_plugin.panels.common.choice import Choice
from napari_stem_defects.napari_plugin.panels.common.panel import button, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QFormLayout, QPushButton

_DEFAULT_CLASSES = {
    "vacancies": ("Vacancy_CdTe", "Mis", "vacancy"),
    "interstitials": ("interstitial", "Extra", "IExtra"),
}


class SyntheticDefectRequest(NamedTuple):
    """Synthetic point defects to add.

    Attributes
    ----------
    vacancies, interstitials : int
        Number of each kind.
    vacancy_class, interstitial_class : str
        Classes of their labels.
    area : str
        One of `AREAS`: part of the image that receives the defects.
    """

    vacancies: int
    vacancy_class: str
    interstitials: int
    interstitial_class: str
    area: str


class _KindRow:
    """Number and class of one kind of point defect."""

    def __init__(self, form: QFormLayout, name: str, tooltip: str) -> None:
        self.count = named(QSpinBox(), f"made_{name}", tooltip)
        self.count.setRange(0, 500)
        self.count.setValue(10)
        self.class_name = named(
            Choice(), f"made_{name}_class", f"Class of the labels of synthetic {name}"
        )
        self._default_classes = _DEFAULT_CLASSES[name]
        row = QHBoxLayout()
        row.addWidget(self.count)
        row.addWidget(self.class_name, 1)
        form.addRow(name.capitalize(), row)

    def set_classes(self, classes: Sequence[str]) -> None:
        selected = self.class_name.currentText()
        self.class_name.clear()
        self.class_name.addItems(list(classes))
        default = next((name for name in self._default_classes if name in classes), "")
        self.class_name.setCurrentText(selected if selected in classes else default)


class SyntheticDefectsForm:
    """Adds the controls of synthetic point defects to a form.

    Parameters
    ----------
    form : QFormLayout
        Receives the rows.
    """

    def __init__(self, form: QFormLayout) -> None:
        self._vacancies = _KindRow(
            form, "vacancies", "Number of atomic columns to remove at lattice sites"
        )
        self._interstitials = _KindRow(
            form, "interstitials", "Number of atomic columns to insert between lattice sites"
        )
        self.area = named(
            Choice(),
            "made_area",
            "Part of the image with perfect crystal; positions of labelled defects are avoided",
        )
        self.area.addItems(AREAS)
        self.add: QPushButton = button(
            "Add defects",
            "make_point_defects",
            "Add the defects to a copy of the image and label them as simulated",
        )
        row = QHBoxLayout()
        row.addWidget(self.area, 1)
        row.addWidget(self.add)
        form.addRow("In", row)

    def set_classes(self, classes: Sequence[str]) -> None:
        """Set the classes to choose from."""
        self._vacancies.set_classes(classes)
        self._interstitials.set_classes(classes)

    @property
    def request(self) -> SyntheticDefectRequest:
        """The synthetic point defects that the controls describe."""
        return SyntheticDefectRequest(
            self._vacancies.count.value(),
            self._vacancies.class_name.currentText(),
            self._interstitials.count.value(),
            self._interstitials.class_name.currentText(),
            self.area.currentText(),
        )
