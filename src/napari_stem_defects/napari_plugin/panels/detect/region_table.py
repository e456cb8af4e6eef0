"""Table of the regions found; selecting a row centres the view on the region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QKeyEvent, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip
from napari_stem_defects.postprocessing.results import Region

_CLASS_COLUMN = 1
_DISPENSABLE = (4, 2)
"""Area and number, which are hidden where names of classes have no room; the layer has both."""
_SHORTEST_NAME = "Boundary"
_SHORTEST_VALUE, _MARGIN_PX = "0.00", 14
"""The narrowest value that a column has room for, and the margin around it."""
_SWATCH_PX = 28
_MIN_ROWS = 8
_ROW_PX, _HEADER_PX = 22, 28
_Index = QModelIndex | QPersistentModelIndex
_Column = tuple[str, str, Callable[[Region], float | str | None]]
_COLUMNS: tuple[_Column, ...] = (
    ("frame", "Frame of the stack", lambda r: r.frame),
    ("class", "Defect class", lambda r: r.class_name),
    (
        "#",
        "Number within the class; the value in the labels layer",
        lambda r: r.region,
    ),
    (
        "length/nm",
        "Length of a line, longest extent of other regions",
        lambda r: r.length_nm,
    ),
    ("area/nm²", "Area", lambda r: r.area_nm2),
    ("p", "Mean probability", lambda r: r.mean_probability),
)
_NO_SIZE = "; the pixel size of the image is not known"
_COLUMNS_IN_PX: tuple[_Column, ...] = (
    *_COLUMNS[:3],
    ("length/px", f"Length of a line{_NO_SIZE}", lambda r: r.length_px),
    ("area/px", f"Area{_NO_SIZE}", lambda r: r.area_px),
    _COLUMNS[-1],
)


class _Rows(QAbstractTableModel):
    """The regions, sorted by a column; sorting here is fast for thousands of regions."""

    def __init__(self) -> None:
        super().__init__()
        self.columns = _COLUMNS
        self.regions: list[Region] = []
        self.colours: Mapping[str, str] = {}
        self._order = 1, False

    def set_regions(self, regions: Sequence[Region]) -> None:
        self.beginResetModel()
        self.regions = list(regions)
        is_in_px = bool(regions) and all(each.area_nm2 is None for each in regions)
        self.columns = _COLUMNS_IN_PX if is_in_px else _COLUMNS
        self._sort_regions()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        indices = self.persistentIndexList()
        indexed = [self.regions[index.row()] for index in indices]
        self._order = column, order == Qt.SortOrder.DescendingOrder
        self._sort_regions()
        rows = {id(region): row for row, region in enumerate(self.regions)}
        for index, region in zip(indices, indexed, strict=True):
            moved = self.index(rows[id(region)], index.column())
            self.changePersistentIndex(index, moved)
        self.layoutChanged.emit()

    def _sort_regions(self) -> None:
        column, descending = self._order
        value = self.columns[column][2]
        self.regions.sort(key=lambda r: _sortable(value(r)), reverse=descending)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.regions)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, tooltip, _ = self.columns[section]
        return {Qt.ItemDataRole.DisplayRole: title, Qt.ItemDataRole.ToolTipRole: tooltip}.get(
            Qt.ItemDataRole(role)
        )

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        region = self.regions[index.row()]
        value = self.columns[index.column()][2](region)
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(value)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 1:
            return QColor(self.colours.get(region.class_name, "#ffffff"))
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() != 1:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


def _sortable(value: float | str | None) -> float | str:
    return -1.0 if value is None else value


def _text(value: float | str | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return str(value)


class RegionTable(QTableView):
    """Table of regions, sortable by every column."""

    region_selected = Signal(object)
    """The region of the row the user has selected; None after the table was filled again."""
    delete_pressed = Signal()
    """The user has pressed Delete on the selected row."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("regions")
        set_tooltip(
            self, "Regions of the defect classes; click a row to centre the view on its region"
        )
        self._rows = _Rows()
        self._widths: dict[int, int] = {}
        self.setModel(self._rows)
        self.setSortingEnabled(True)
        self.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(False)  # napari styles no second row colour
        self._style_headers()
        self.setMinimumHeight(_HEADER_PX + _MIN_ROWS * _ROW_PX)
        self.set_regions([])
        if (selection := self.selectionModel()) is not None:
            selection.currentRowChanged.connect(self._on_current_row)

    def set_regions(
        self, regions: Sequence[Region], colours: Mapping[str, str] | None = None
    ) -> None:
        """Show regions; the frame column is visible if there are several frames.

        Parameters
        ----------
        regions : sequence of Region
        colours : mapping of str to str, optional
            Colour of each class, ``#rrggbb``.
        """
        self._rows.colours = colours or {}
        self._rows.set_regions(regions)
        self.setColumnHidden(0, len({region.frame for region in regions}) < 2)
        self._fit_columns()
        self.region_selected.emit(None)

    @property
    def selected_region(self) -> Region | None:
        """The region of the current row; None if there is none."""
        current = self.currentIndex()
        return self._rows.regions[current.row()] if current.isValid() else None

    def select_region(self, region: Region) -> None:
        """Select the row of a region and scroll to it, without emitting `region_selected`."""
        for row, listed in enumerate(self._rows.regions):
            if listed is region:
                index = self._rows.index(row, 1)
                with QSignalBlocker(self):
                    self.setCurrentIndex(index)
                self.scrollTo(index)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave room for the names of classes."""
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        metrics, viewport = self.fontMetrics(), self.viewport()
        least = metrics.horizontalAdvance(_SHORTEST_NAME) + _SWATCH_PX
        room = 0 if viewport is None else viewport.width()
        widths = {
            column: 0 if column == 0 and self.isColumnHidden(0) else self._widths[column]
            for column in range(len(_COLUMNS))
            if column != _CLASS_COLUMN
        }
        for column in _DISPENSABLE:
            is_narrow = room - sum(widths.values()) < least
            self.setColumnHidden(column, is_narrow)
            widths[column] *= not is_narrow

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Emit `delete_pressed` for Delete and Backspace."""
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_pressed.emit()
            return
        super().keyPressEvent(event)

    def _style_headers(self) -> None:
        rows_header, columns_header = self.verticalHeader(), self.horizontalHeader()
        if rows_header is None or columns_header is None:
            return
        rows_header.hide()
        rows_header.setDefaultSectionSize(_ROW_PX)
        columns_header.setFixedHeight(_HEADER_PX - 2)
        columns_header.setStyleSheet("QHeaderView::section { padding: 2px; font-weight: normal; }")
        metrics = self.fontMetrics()
        for column, (title, _, _) in enumerate(_COLUMNS):
            columns_header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            width = max(metrics.horizontalAdvance(text) for text in (title, _SHORTEST_VALUE))
            self.setColumnWidth(column, width + _MARGIN_PX)
            self._widths[column] = width + _MARGIN_PX
        columns_header.setSectionResizeMode(_CLASS_COLUMN, QHeaderView.ResizeMode.Stretch)

    def _on_current_row(self, current: QModelIndex) -> None:
        if current.isValid():
            self.region_selected.emit(self._rows.regions[current.row()])
