"""Base class of the panels: a scrolling body above a footer that is always visible."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from psygnal import EmitLoopError
from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtWidgets import (
    QFormLayout,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_stem_defects.napari_plugin.panels.common.docking import find_dock, tab_with
from napari_stem_defects.napari_plugin.panels.common.plain_text import plain_label, set_tooltip
from napari_stem_defects.napari_plugin.panels.common.wrapping_row import WrappingRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QResizeEvent

_Widget = TypeVar("_Widget", bound=QWidget)
LAYOUT_MS = 50
"""Time after which Qt has laid out what was shown, added or hidden."""
_NOTE_LINES = 5


def named(widget: _Widget, name: str, tooltip: str) -> _Widget:
    """Set the object name and tooltip of a control, and return the control.

    Parameters
    ----------
    widget : QWidget
    name : str
        Name of the parameter that the control sets.
    tooltip : str
        One sentence about what the control does.
    """
    widget.setObjectName(name)
    set_tooltip(widget, tooltip)
    return widget


def button(text: str, name: str, tooltip: str) -> QPushButton:
    """Return a push button with a text, object name and tooltip."""
    return named(QPushButton(text), name, tooltip)


def note(name: str = "") -> QLabel:
    """Return a hidden label in small print, which wraps and whose text can be copied."""
    label = plain_label()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * 0.92)
    label.setFont(font)
    label.hide()
    return label


def compact_form(parent: QWidget | None = None) -> QFormLayout:
    """Return a form layout without margins whose fields use the full width."""
    form = QFormLayout(parent)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setContentsMargins(0, 0, 0, 0)
    form.setVerticalSpacing(5)
    return form


def set_tab_order(group: QWidget, *controls: QWidget) -> None:
    """Insert controls into the Tab order at the position of their group.

    Parameters
    ----------
    group : QWidget
        Contains the controls, which may have been added after the rest of the panel.
    *controls : QWidget
        In the order in which Tab visits them.
    """
    before = group.previousInFocusChain()
    while before is not None and before is not group:
        if before.focusPolicy() & Qt.FocusPolicy.TabFocus and not group.isAncestorOf(before):
            break
        before = before.previousInFocusChain()
    for after in controls:
        QWidget.setTabOrder(before, after)
        before = after


def show_note(label: QLabel, text: str) -> None:
    """Set the text of a note; an empty text hides it."""
    label.setText(text)
    label.setVisible(bool(text))


class ScrolledNote(QScrollArea):
    """A note of any length that takes the height of a few lines; the rest is scrolled.

    Parameters
    ----------
    label : QLabel
        As `note` returns it.
    """

    def __init__(self, label: QLabel) -> None:
        super().__init__()
        self._label = label
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(label)
        self.hide()

    def show_text(self, text: str) -> None:
        """Set the text; an empty text hides the note."""
        show_note(self._label, text)
        self.setVisible(bool(text))
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Take the height that the text needs at the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self._label.text():
            return
        frame = self.height() - self.contentsRect().height()
        needed = self._label.heightForWidth(self.contentsRect().width())
        limit = (_NOTE_LINES + 1) * self._label.fontMetrics().lineSpacing()
        self.setFixedHeight(min(needed, limit) + frame)


def _clean_up(actions: list[Callable[[], object]], *_: object) -> None:
    while actions:
        with suppress(RuntimeError, EmitLoopError):  # Qt has deleted the widget already
            actions.pop()()


class _Body(QScrollArea):
    """Vertical scroll area that is never narrower than its content."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        content, bar = self.widget(), self.verticalScrollBar()
        if content is None or bar is None:
            return super().minimumSizeHint()
        width = content.minimumSizeHint().width() + bar.sizeHint().width()
        return QSize(width, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


class Panel(QWidget):
    """Base class of the panels.

    The body scrolls; widgets added by `add_footer` stay visible below it. Panels that are docked
    in one area share it as tabs.

    Attributes
    ----------
    title : str
        Short title of the tab.
    """

    title = ""

    def __init__(self) -> None:
        self._cleanups: list[Callable[[], object]] = []
        super().__init__()
        self._docking = QTimer(self)
        self._docking.setSingleShot(True)
        self._docking.timeout.connect(lambda: tab_with(self, Panel, self.title))
        self._is_in_front = True
        # The viewer may be closed while the panel is open.
        self.destroyed.connect(partial(_clean_up, self._cleanups))
        content = QWidget()
        self._body = QVBoxLayout(content)
        self._body.setContentsMargins(6, 6, 6, 6)
        self._body.setSpacing(6)
        self._body.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body = _Body()
        self.body.setWidget(content)
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 0, 0, 0)
        self._outer.setSpacing(0)
        self._outer.addWidget(self.body, 1)

    def on_close(self, action: Callable[[], object]) -> None:
        """Call an action once when the panel is closed, to release what outlives it."""
        self._cleanups.append(action)

    def connect_until_closed(self, emitter: Any, action: Callable[..., None]) -> None:
        """Connect an action to a napari event or signal until the panel is closed."""
        emitter.connect(action)
        self.on_close(lambda: emitter.disconnect(action))

    def add_mouse_callback(self, callbacks: list[Any], action: Callable[..., object]) -> None:
        """Add an action to mouse callbacks of the viewer until the panel is closed."""
        callbacks.append(action)
        self.on_close(lambda: callbacks.remove(action))

    def event(self, event: QEvent | None) -> bool:
        """Tab the panel when it is docked; clean up when napari removes it from its dock widget."""
        if event is not None and event.type() == QEvent.Type.ParentChange:
            if self.parent():
                self._on_docked()
            else:
                _clean_up(self._cleanups)
        return super().event(event)

    @property
    def is_shown(self) -> bool:
        """Whether the user sees the panel: Qt calls a tab in the background visible, too."""
        return self.isVisible() and self._is_in_front

    def _on_docked(self) -> None:
        dock = find_dock(self)
        if dock is not None:
            dock.visibilityChanged.connect(self._on_visibility)
            self._docking.start(0)  # once napari has added the dock to its window

    def _on_visibility(self, is_in_front: bool) -> None:
        self._is_in_front = is_in_front

    def sizeHint(self) -> QSize:
        """Return a width at which tables and sliders are readable."""
        return QSize(360, 640)

    def add(self, widget: _Widget, stretch: int = 0) -> _Widget:
        """Append a widget to the body and return it."""
        self._body.addWidget(widget, stretch)
        return widget

    def add_form(self) -> QFormLayout:
        """Append a form of labelled controls to the body and return it."""
        form = compact_form()
        self._body.addLayout(form)
        return form

    def add_title(self, text: str) -> QLabel:
        """Append the title of a section to the body and return it."""
        title = plain_label(text)
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        title.setContentsMargins(0, 6, 0, 0)
        title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        return self.add(title)

    def add_row(self, *widgets: QWidget) -> None:
        """Append widgets side by side to the body, in several lines where it is narrow."""
        row = WrappingRow()
        for widget in widgets:
            row.add(widget)
        self._body.addLayout(row)

    def add_collapsible(self, text: str) -> QFormLayout:
        """Append a collapsed form, for controls that are rarely needed, and return it."""
        fold = QCollapsible(text, collapsedIcon="▸", expandedIcon="▾")
        inner = QWidget()
        form = compact_form(inner)
        fold.setContent(inner)
        if (layout := fold.layout()) is not None:
            layout.setContentsMargins(0, 0, 0, 0)
        fold.collapse(animate=False)
        self.add(fold)
        return form

    def add_footer(self, widget: _Widget) -> _Widget:
        """Append a widget below the body, which must be complete, and return it."""
        if self._outer.count() == 1:
            self._body.addStretch()  # otherwise the labels would share the remaining room
        self._outer.addWidget(widget)
        return widget
