"""Buttons of the label classes with colour, number key and number of labels."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QColorDialog,
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_stem_defects.base.defect_classes import BULK, default_kind
from napari_stem_defects.napari_plugin.panels.common.availability import enable
from napari_stem_defects.napari_plugin.panels.common.elided import ElidedButton
from napari_stem_defects.napari_plugin.panels.common.kind_icon import KIND_TITLES, KINDS, kind_icon
from napari_stem_defects.napari_plugin.panels.common.panel import button, named, set_tab_order
from napari_stem_defects.napari_plugin.panels.common.plain_text import plain_label

if TYPE_CHECKING:
    from napari_stem_defects.labels.label import LabelClass
    from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel

_BESIDE_NAME_PX = 36
"""Colour of a class and margins on its button."""


class ClassButtons(QWidget):
    """Draws the classes of a `LabelViewModel` and edits them."""

    class_selected = Signal()
    """The user has selected the class of the next labels."""

    def __init__(self, view_model: LabelViewModel) -> None:
        super().__init__()
        self._view_model = view_model
        self._shown: tuple[LabelClass, ...] = ()
        self._buttons: dict[str, QPushButton] = {}
        self._counts: dict[str, QLabel] = {}
        self._rows = QVBoxLayout()
        self._rows.setSpacing(3)
        self._new_name = named(QLineEdit(), "new_class", "Name of the class to add")
        self._new_name.setPlaceholderText("new class")
        self._new_name.returnPressed.connect(self._add)
        self.add = button("Add class", "add_class", "Add this class with the next free number key")
        self.add.clicked.connect(self._add)
        self.kind = named(
            QComboBox(),
            "kind",
            "Kind of the class to add: at a place (vacancy), along a line (fault, boundary),"
            " over an area (precipitate)",
        )
        for kind in KINDS:
            self.kind.addItem(kind_icon(kind), kind)
        self._new_name.textEdited.connect(self._suggest_kind)
        adding = QHBoxLayout()
        adding.addWidget(self._new_name, 1)
        adding.addWidget(self.kind)
        adding.addWidget(self.add)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._rows)
        layout.addLayout(adding)
        view_model.classes_changed.connect(self.refresh)
        view_model.labels_changed.connect(self.refresh)  # another image, too
        self.refresh()

    def refresh(self) -> None:
        """Show the current state."""
        if self._view_model.classes != self._shown:
            self._rebuild()
        for name, count in self._view_model.counts.items():
            self._counts[name].setText(str(count))
            self._buttons[name].setChecked(name == self._view_model.active_class)
        # Without a project, the first class starts one for the image.
        model = self._view_model
        can_start = model.project is not None or model.image is not None
        enable(self.add, can_start, "Open an image or a project first.")

    def _rebuild(self) -> None:
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._shown = self._view_model.classes
        self._buttons, self._counts = {}, {}
        self._order: list[QWidget] = []
        for entry in self._shown:
            self._rows.addWidget(self._row(entry))
        set_tab_order(self, *self._order, self._new_name, self.kind, self.add)

    def _row(self, entry: LabelClass) -> QWidget:
        key = "" if entry.key is None else f"{entry.key}   "
        about = "; ".join(filter(None, (entry.defect_class.own_title, entry.kind)))
        choose = ElidedButton(
            f"class_{entry.name.lower()}",
            f"Set labels of this class by clicks on the image ({about})",
            taken_px=_BESIDE_NAME_PX,
        )
        choose.set_full_text(f"{key}{entry.name}")
        choose.setCheckable(True)
        choose.setIcon(_colour_icon(entry.colour))
        choose.setStyleSheet("text-align: left; padding-left: 6px;")
        choose.clicked.connect(partial(self._choose, entry.name))
        count = named(
            plain_label(),
            f"count_{entry.name.lower()}",
            "Number of labels of this class in the project",
        )
        count.setMinimumWidth(32)
        count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(choose, 1)
        layout.addWidget(count)
        kind = self._kind_button(entry)
        menu = self._menu_button(entry)
        layout.addWidget(kind)
        layout.addWidget(menu)
        self._order += [choose, menu]
        self._buttons[entry.name], self._counts[entry.name] = choose, count
        return row

    def _kind_button(self, entry: LabelClass) -> QToolButton:
        """Return a button that shows the kind of a class, with a menu that changes it."""
        shown = named(
            QToolButton(),
            f"kind_{entry.name.lower()}",
            f"Kind of this class: {KIND_TITLES[entry.kind]}; click to change it",
        )
        shown.setIcon(kind_icon(entry.kind))
        shown.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        shown.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        enable(shown, entry.kind != "bulk", "Bulk is perfect crystal and stays of this kind.")
        # Tab goes from class to class and its menu, which has the kinds as well.
        shown.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        menu = QMenu(shown)
        self._add_kinds(menu, entry)
        shown.setMenu(menu)
        return shown

    def _add_kinds(self, menu: QMenu, entry: LabelClass) -> None:
        for kind in KINDS:
            choose = partial(self._view_model.set_class, entry.name, kind=kind)
            action = menu.addAction(kind_icon(kind), f"{kind}: {KIND_TITLES[kind]}", choose)
            if action is not None:
                action.setCheckable(True)
                action.setChecked(kind == entry.kind)

    def _menu_button(self, entry: LabelClass) -> QToolButton:
        more = named(
            QToolButton(),
            f"edit_{entry.name.lower()}",
            "Rename, merge, recolour or remove this class; change its kind or title",
        )
        more.setText("⋯")
        more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        more.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(more)
        menu.addAction("Rename or merge class…", partial(self._rename, entry.name))
        if entry.kind != "bulk" and (kinds := menu.addMenu("Change kind")) is not None:
            self._add_kinds(kinds, entry)
        menu.addAction("Change title…", partial(self._entitle, entry))
        menu.addAction("Change colour…", partial(self._recolour, entry))
        menu.addAction("Remove class", partial(self._view_model.remove_class, entry.name))
        more.setMenu(menu)
        return more

    def _choose(self, name: str) -> None:
        self._view_model.activate(name)
        self.class_selected.emit()

    def _add(self) -> None:
        if name := self._new_name.text().strip():
            kind = None if name == BULK else KINDS[self.kind.currentIndex()]
            self._view_model.add_class(name, kind)
            self._new_name.clear()
            self.kind.setCurrentIndex(0)

    def _suggest_kind(self, name: str) -> None:
        """Choose the kind that the public data sets give a class of this name."""
        kind = default_kind(name.strip())
        if kind in KINDS:
            self.kind.setCurrentIndex(KINDS.index(kind))

    def _rename(self, name: str) -> None:
        question = "New name; the name of another class merges both classes:"
        to, accepted = QInputDialog.getText(self, f"Rename {name}", question, text=name)
        if accepted and to.strip() and to != name:
            self._view_model.rename_class(name, to)

    def _entitle(self, entry: LabelClass) -> None:
        question = "Title for legends; none for the name:"
        title, accepted = QInputDialog.getText(
            self, f"Title of {entry.name}", question, text=entry.title
        )
        if accepted and title.strip() != entry.title:
            self._view_model.set_class(entry.name, title=title.strip())

    def _recolour(self, entry: LabelClass) -> None:
        colour = QColorDialog.getColor(QColor(entry.colour), self, f"Colour of {entry.name}")
        if colour.isValid():
            self._view_model.set_class(entry.name, colour=colour.name())


def _colour_icon(colour: str) -> QIcon:
    pixmap = QPixmap(QSize(14, 14))
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
