"""Table of the regions found; selecting a row centres the view on the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

from napari_stem_defects.anomaly.candidates import Candidate
from napari_stem_defects.napari_plugin.panels.common.plain_text import set_tooltip
from napari_stem_defects.napari_plugin.panels.detect.table_columns import (
    NAME_COLUMN,
    REGION_COLUMNS,
    REGION_COLUMNS_IN_PX,
    Column,
    place_columns,
)
from napari_stem_defects.postprocessing.results import Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.anomaly.survey_frame import Survey

_SHORTEST_NAME = "Boundary"
_SHORTEST_VALUE, _MARGIN_PX = "0.00", 14
"""The least that a column of numbers has room for, and the margin around values."""
_ARROW_PX = 12
"""Room for the arrow beside the title of the column by which rows are sorted."""
_SWATCH_PX = 28
_MIN_ROWS = 8
_ROW_PX, _HEADER_PX = 22, 28
_REGIONS_TOOLTIP = "Regions of the defect classes; click a row to centre the view on its region"
_PLACES_TOOLTIP = "Unusual places, ranked by score; click a row to centre the view on its place"
_Index = QModelIndex | QPersistentModelIndex
_Item = Region | Candidate


class _Rows(QAbstractTableModel):
    """Regions or places, sorted by a column; sorting here is fast for thousands of them."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: Sequence[Column] = REGION_COLUMNS
        self.items: list[Any] = []
        self.colours: Mapping[str, str] = {}
        self._order = NAME_COLUMN, False

    def set_items(self, items: Sequence[_Item], columns: Sequence[Column]) -> None:
        self.beginResetModel()
        self.items, self.columns = list(items), columns
        self._sort_items()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        indices = self.persistentIndexList()
        indexed = [self.items[index.row()] for index in indices]
        self._order = column, order == Qt.SortOrder.DescendingOrder
        self._sort_items()
        rows = {id(item): row for row, item in enumerate(self.items)}
        for index, item in zip(indices, indexed, strict=True):
            moved = self.index(rows[id(item)], index.column())
            self.changePersistentIndex(index, moved)
        self.layoutChanged.emit()

    def _sort_items(self) -> None:
        column, descending = self._order
        value = self.columns[column].value
        self.items.sort(key=lambda item: _sortable(value(item)), reverse=descending)

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        texts = {
            Qt.ItemDataRole.DisplayRole: column.title,
            Qt.ItemDataRole.ToolTipRole: column.tooltip,
        }
        return texts.get(Qt.ItemDataRole(role))

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        item, column = self.items[index.row()], self.columns[index.column()]
        is_name = index.column() == NAME_COLUMN
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(item)
        if role == Qt.ItemDataRole.DecorationRole and is_name:
            return QColor(self.colours.get(str(column.value(item)), "#ffffff"))
        if role == Qt.ItemDataRole.TextAlignmentRole and not is_name:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


def _sortable(value: float | str | None) -> float | str:
    return -1.0 if value is None else value


class RegionTable(QTableView):
    """Table of regions, or of the unusual places of a survey, sortable by every column."""

    region_selected = Signal(object)
    """The region of the row the user has selected; None after the table was filled again."""
    place_selected = Signal(object)
    """The unusual place of the row the user has selected."""
    delete_pressed = Signal()
    """The user has pressed Delete on the selected row."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("regions")
        self._rows = _Rows()
        self._widths: dict[int, int] = {}
        self._sorted_first = NAME_COLUMN
        self.setModel(self._rows)
        self.setSortingEnabled(True)
        self.sortByColumn(NAME_COLUMN, Qt.SortOrder.AscendingOrder)
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
        is_in_px = bool(regions) and all(each.area_nm2 is None for each in regions)
        self._rows.colours = colours or {}
        columns = REGION_COLUMNS_IN_PX if is_in_px else REGION_COLUMNS
        self._show(regions, columns, NAME_COLUMN, _REGIONS_TOOLTIP)
        self.setColumnHidden(0, len({each.frame for each in regions}) < 2)
        self._fit_columns()

    def set_places(self, survey: Survey, colours: Mapping[str, str]) -> None:
        """Show the unusual places of a survey instead of regions.

        Parameters
        ----------
        survey : Survey
        colours : mapping of str to str
            Colour of each kind, ``#rrggbb``.
        """
        self._rows.colours = colours
        columns = place_columns(survey.pixel_size_nm)
        self._show(survey.candidates, columns, 0, _PLACES_TOOLTIP)
        self.setColumnHidden(0, False)
        self._fit_columns()

    def _show(
        self, items: Sequence[_Item], columns: Sequence[Column], sorted_first: int, tooltip: str
    ) -> None:
        """Fill the table; rows of the other kind are in their own order first."""
        self._rows.set_items(items, columns)
        if sorted_first != self._sorted_first:
            self._sorted_first = sorted_first
            self.sortByColumn(sorted_first, Qt.SortOrder.AscendingOrder)
        set_tooltip(self, tooltip)
        self._measure_columns()
        self.region_selected.emit(None)

    @property
    def selected_region(self) -> Region | None:
        """The region of the current row; None if there is none."""
        current = self.currentIndex()
        item = self._rows.items[current.row()] if current.isValid() else None
        return item if isinstance(item, Region) else None

    def select_region(self, region: Region) -> None:
        """Select the row of a region and scroll to it, without emitting `region_selected`."""
        for row, listed in enumerate(self._rows.items):
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
            for column in range(len(self._rows.columns))
            if column != NAME_COLUMN
        }
        order = [each.hidden_as for each in self._rows.columns]
        for column in widths.keys() - {0}:
            self.setColumnHidden(column, False)
        for number in range(1, max(order) + 1):
            if room - sum(widths.values()) < least:
                column = order.index(number)
                self.setColumnHidden(column, True)
                widths[column] = 0

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
        for column in range(len(self._rows.columns)):
            columns_header.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
        columns_header.setSectionResizeMode(NAME_COLUMN, QHeaderView.ResizeMode.Stretch)
        columns_header.sortIndicatorChanged.connect(self._on_sorted)
        self._measure_columns()

    def _on_sorted(self) -> None:
        self._measure_columns()
        self._fit_columns()

    def _measure_columns(self) -> None:
        """Give columns the width of their titles and values."""
        metrics, header = self.fontMetrics(), self.horizontalHeader()
        is_sorted = -1 if header is None else header.sortIndicatorSection()
        for column, shown in enumerate(self._rows.columns):
            title = metrics.horizontalAdvance(shown.title) + _ARROW_PX * (column == is_sorted)
            texts = {_SHORTEST_VALUE, *shown.widest_texts(self._rows.items)}
            width = max(title, *map(metrics.horizontalAdvance, texts))
            self.setColumnWidth(column, width + _MARGIN_PX)
            self._widths[column] = width + _MARGIN_PX

    def _on_current_row(self, current: QModelIndex) -> None:
        if not current.isValid():
            return
        item = self._rows.items[current.row()]
        (self.region_selected if isinstance(item, Region) else self.place_selected).emit(item)
