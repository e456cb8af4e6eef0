"""The frame of every window: a scrolling body and, always in view, the run row below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from qtpy.QtCore import QEvent, QObject, QSize, Qt
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

if TYPE_CHECKING:
    from collections.abc import Callable
from contextlib import suppress
from functools import partial

_Widget = TypeVar("_Widget", bound=QWidget)


def named(widget: _Widget, name: str, tooltip: str) -> _Widget:
    """Give a control the name of its parameter and its explanation."""
    widget.setObjectName(name)
    widget.setToolTip(tooltip)
    return widget


def button(text: str, name: str, tooltip: str) -> QPushButton:
    """Make a push button."""
    return named(QPushButton(text), name, tooltip)


def note(name: str = "") -> QLabel:
    """Make a line of small print that wraps and may be copied."""
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    font = label.font()
    font.setPointSizeF(font.pointSizeF() * 0.92)
    label.setFont(font)
    label.hide()
    return label


def tab_through(group: QWidget, *controls: QWidget) -> None:
    """Let the Tab key find controls where their group is, though they were made later."""
    before = group.previousInFocusChain()
    while before is not None and before is not group:
        if before.focusPolicy() & Qt.FocusPolicy.TabFocus and not group.isAncestorOf(before):
            break
        before = before.previousInFocusChain()
    for after in controls:
        QWidget.setTabOrder(before, after)
        before = after


def say(label: QLabel, text: str) -> None:
    """Show a note, or hide it where there is nothing to say."""
    label.setText(text)
    label.setVisible(bool(text))


def _say_farewell(farewells: list[Callable[[], object]], *_: object) -> None:
    while farewells:
        with suppress(RuntimeError):  # the widget's Qt half is gone already
            farewells.pop()()


class _Body(QScrollArea):
    """Scrolls downwards only, and is never narrower than what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def minimumSizeHint(self) -> QSize:
        held, bar = self.widget(), self.verticalScrollBar()
        if held is None or bar is None:
            return super().minimumSizeHint()
        width = held.minimumSizeHint().width() + bar.sizeHint().width()
        return QSize(width, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


class Dock(QWidget):
    """A window's frame; the body scrolls, what `add_footer` takes does not."""

    def __init__(self) -> None:
        self._farewells: list[Callable[[], object]] = []
        super().__init__()
        # The viewer can be closed with its docks still in it.
        self.destroyed.connect(partial(_say_farewell, self._farewells))
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

    def when_closed(self, action: Callable[[], object]) -> None:
        """Call this once when the window is closed: to let go of what outlives it."""
        self._farewells.append(action)

    def follow(self, emitter: Any, action: Callable[..., None]) -> None:
        """Hear a napari event until the window is closed."""
        emitter.connect(action)
        self.when_closed(lambda: emitter.disconnect(action))

    def listen(self, callbacks: list[Any], action: Callable[..., object]) -> None:
        """Hear the viewer's mouse until the window is closed."""
        callbacks.append(action)
        self.when_closed(lambda: callbacks.remove(action))

    def event(self, event: QEvent | None) -> bool:
        """Notice that napari has closed the window: it takes it out of its dock."""
        if event is not None and event.type() == QEvent.Type.ParentChange and not self.parent():
            _say_farewell(self._farewells)
        return super().event(event)

    def sizeHint(self) -> QSize:
        """Ask for a width at which tables and sliders can be read."""
        return QSize(360, 640)

    def add(self, widget: _Widget, stretch: int = 0) -> _Widget:
        """Put a widget at the end of the body."""
        self._body.addWidget(widget, stretch)
        return widget

    def add_form(self) -> QFormLayout:
        """Start a block of labelled controls."""
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(5)
        self._body.addLayout(form)
        return form

    def add_title(self, text: str) -> QLabel:
        """Start a section."""
        title = QLabel(text)
        font = title.font()
        font.setBold(True)
        title.setFont(font)
        title.setContentsMargins(0, 6, 0, 0)
        title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        return self.add(title)

    def add_folded(self, text: str) -> QFormLayout:
        """Start a block of labelled controls that few people need, folded away."""
        fold = QCollapsible(text, collapsedIcon="▸", expandedIcon="▾")
        inner = QWidget()
        form = QFormLayout(inner)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        fold.setContent(inner)
        for layout in (fold.layout(), form):
            if layout is not None:
                layout.setContentsMargins(0, 0, 0, 0)
        fold.collapse(animate=False)
        self.add(fold)
        return form

    def add_footer(self, widget: _Widget) -> _Widget:
        """Put a widget below the scrolling body, which is complete by then."""
        if self._outer.count() == 1:
            self._body.addStretch()  # or the labels would share what room is left
        self._outer.addWidget(widget)
        return widget
