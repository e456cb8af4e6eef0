"""Charts of ``reporting.figures`` in a Qt widget, with the colours of napari's theme.

matplotlib takes 0.3 s to import, so the first chart shown imports it in a thread.
"""

from __future__ import annotations

import threading
import time
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QPoint, QSize, Qt, QTimer
from qtpy.QtGui import QPalette, QResizeEvent, QShowEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip
from napari_stem_defects.reporting.chart_layout import default_style, new_figure
from napari_stem_defects.reporting.figures import draw_losses
from napari_stem_defects.reporting.themes import make_theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_stem_defects.reporting.themes import Theme

# Points per px at the resolution that Qt assumes for fonts.
_DPI = 96
POINTS_PER_PX = 72 / _DPI
# A chart is drawn in 40 to 60 ms, so this leaves most of the time to other events.
_PAUSE_MS = 300
# Several charts shown at once are drawn one by one, so that other events are processed in between.
_BETWEEN_S = 0.02
_POLL_MS = 20


class FigureCanvas(QWidget):
    """Base class of charts; subclasses implement `draw`.

    A chart is drawn when it is visible, at most three times a second.

    Parameters
    ----------
    name, tooltip : str
        Object name, and the text shown while the mouse rests on the chart.
    width, height : int
        Preferred size in px. The height is fixed until `set_height` changes it.

    Attributes
    ----------
    axes : matplotlib Axes or None
        What was drawn last.
    """

    _last_drawn = 0.0

    def __init__(self, name: str, tooltip: str, width: int, height: int) -> None:
        super().__init__()
        self.setObjectName(name)
        set_tooltip(self, tooltip)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.axes: Axes | None = None
        self._preferred = QSize(width, height)
        self.setFixedHeight(height)
        self._canvas: Any = None
        self._outdated = True
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer)

    def draw(self, figure: Figure, theme: Theme) -> Axes | None:
        """Draw the chart into an empty figure and return its axes."""
        raise NotImplementedError

    def set_height(self, height: float) -> None:
        """Set the height of the chart in px."""
        if round(height) != self.height():
            self._preferred.setHeight(round(height))
            self.setFixedHeight(round(height))

    def redraw(self) -> None:
        """Draw the chart soon, if it is visible; otherwise when it is shown."""
        self._outdated = True
        if self.isVisible() and not self._timer.isActive():
            self._timer.start(0)

    def sizeHint(self) -> QSize:
        """Return the preferred size."""
        return self._preferred

    def minimumSizeHint(self) -> QSize:
        """Return a width to which the chart can shrink in a narrow dock."""
        return QSize(min(200, self._preferred.width()), self._preferred.height())

    def showEvent(self, event: QShowEvent | None) -> None:
        """Draw what has changed while the chart was hidden."""
        super().showEvent(event)
        if self._outdated:
            self.redraw()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Draw the chart again: its margins have fixed sizes."""
        super().resizeEvent(event)
        if self._canvas is not None:
            self._canvas.setGeometry(self.rect())
            self.redraw()

    def changeEvent(self, event: QEvent | None) -> None:
        """Draw the chart in the colours of a new theme."""
        super().changeEvent(event)
        if event is not None and event.type() in (
            QEvent.Type.PaletteChange,
            QEvent.Type.StyleChange,
        ):
            self.redraw()

    def data_position(self, position: QPoint) -> tuple[float, float] | None:
        """Return x and y in data coordinates of a position in the widget; None outside the axes."""
        if self.axes is None:
            return None
        ratio = self._canvas.device_pixel_ratio
        pixel = position.x() * ratio, (self.height() - position.y()) * ratio
        if not self.axes.bbox.contains(*pixel):
            return None
        x, y = self.axes.transData.inverted().transform(pixel)
        return float(x), float(y)

    def _on_timer(self) -> None:
        if not self._outdated or not self.isVisible():
            return
        since = time.monotonic() - FigureCanvas._last_drawn
        if load_matplotlib().is_alive() or since < _BETWEEN_S:
            self._timer.start(_POLL_MS)
            return
        self._outdated = False
        self._draw_now()
        FigureCanvas._last_drawn = time.monotonic()
        # Changes until then are drawn together.
        self._timer.start(_PAUSE_MS)

    def _draw_now(self) -> None:
        theme = self._theme()
        if self._canvas is None:
            self._canvas = _new_canvas(self)
        figure: Figure = self._canvas.figure
        with default_style():
            figure.clear()
            figure.set_facecolor(theme.background)
            self.axes = self.draw(figure, theme)
            self._canvas.draw()

    def _theme(self) -> Theme:
        palette = self.palette()
        background = palette.color(QPalette.ColorRole.Window)
        return make_theme(background.name(), palette.color(QPalette.ColorRole.WindowText).name())


@cache
def load_matplotlib() -> threading.Thread:
    """Import matplotlib with its Qt canvas in a thread.

    Returns
    -------
    Thread
        Alive until the import is done; the same one for every call.
    """
    thread = threading.Thread(target=_load, daemon=True)
    thread.start()
    return thread


def _load() -> None:
    import_module("matplotlib.backends.backend_qtagg")
    # A first drawing reads the fonts, too.
    figure = new_figure(100, 100, _DPI)
    draw_losses(figure, [])
    figure.canvas.draw()


def _new_canvas(parent: QWidget) -> Any:
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
    from matplotlib.figure import Figure

    make: Any = FigureCanvasQTAgg  # which has no type hints
    canvas = make(Figure(dpi=_DPI))
    canvas.setParent(parent)
    canvas.setMinimumSize(1, 1)
    # Tooltips and the mouse wheel are for the widgets around it.
    canvas.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    canvas.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    canvas.setGeometry(parent.rect())
    canvas.show()
    return canvas
