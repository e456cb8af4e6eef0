"""How many point defects to make, what their classes are called, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QSpinBox

from napari_stem_defects.napari_plugin.layers.search_area import AREAS
from napari_stem_defects.napari_plugin.panels.common.panel import button, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QFormLayout, QPushButton

_USUAL = {
    "vacancies": ("Vacancy_CdTe", "Mis", "vacancy"),
    "interstitials": ("interstitial", "Extra", "IExtra"),
}


class Wanted(NamedTuple):
    """Point defects to make: counts and the classes of their labels."""

    vacancies: int
    vacancy_class: str
    interstitials: int
    interstitial_class: str
    area: str


class _Kind:
    def __init__(self, form: QFormLayout, name: str, tooltip: str) -> None:
        self.count = named(QSpinBox(), f"made_{name}", tooltip)
        self.count.setRange(0, 500)
        self.count.setValue(10)
        self.class_name = named(
            QComboBox(), f"made_{name}_class", f"The class that made {name} are labelled with"
        )
        self._usual = _USUAL[name]
        row = QHBoxLayout()
        row.addWidget(self.count)
        row.addWidget(self.class_name, 1)
        form.addRow(name.capitalize(), row)

    def put(self, classes: Sequence[str]) -> None:
        chosen = self.class_name.currentText()
        self.class_name.clear()
        self.class_name.addItems(list(classes))
        usual = next((name for name in self._usual if name in classes), "")
        self.class_name.setCurrentText(chosen if chosen in classes else usual)


class MadeDefectsForm:
    """Adds the controls to a form.

    Parameters
    ----------
    form : QFormLayout
    """

    def __init__(self, form: QFormLayout) -> None:
        self._vacancies = _Kind(form, "vacancies", "Columns to take away at lattice sites")
        self._interstitials = _Kind(form, "interstitials", "Columns to put in between sites")
        self.area = named(
            QComboBox(), "made_area", "A region of perfect crystal; labelled defects are kept off"
        )
        self.area.addItems(AREAS)
        self.make: QPushButton = button(
            "Make", "make_point_defects", "Make them in a copy of the image, labelled as simulated"
        )
        row = QHBoxLayout()
        row.addWidget(self.area, 1)
        row.addWidget(self.make)
        form.addRow("In", row)

    def put_classes(self, classes: Sequence[str]) -> None:
        """Offer these classes for the labels."""
        self._vacancies.put(classes)
        self._interstitials.put(classes)

    @property
    def wanted(self) -> Wanted:
        """What is asked for."""
        return Wanted(
            self._vacancies.count.value(),
            self._vacancies.class_name.currentText(),
            self._interstitials.count.value(),
            self._interstitials.class_name.currentText(),
            self.area.currentText(),
        )
