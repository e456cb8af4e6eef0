"""The table of found regions; a click goes there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QKeyEvent
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from napari_stem_defects.base.defect_classes import colour_of
from napari_stem_defects.postprocessing.results import Region

_CLASS_COLUMN = 1
_USUAL, _MARGIN_PX = "0.00", 14
"""The narrowest figure that a column has room for, and what is around it."""
_LEAST_ROWS = 8
_ROW_PX, _HEADER_PX = 22, 28
_Index = QModelIndex | QPersistentModelIndex
_Column = tuple[str, str, Callable[[Region], float | str | None]]
_COLUMNS: tuple[_Column, ...] = (
    ("frame", "Frame of the stack", lambda r: r.frame),
    ("class", "Defect class", lambda r: r.class_name),
    (
        "#",
        "Number within its class; the value in the labels layer",
        lambda r: r.region,
    ),
    ("length/nm", "Longest extent", lambda r: r.length_nm),
    ("area/nm²", "Area", lambda r: r.area_nm2),
    ("p", "Mean probability", lambda r: r.mean_probability),
)


class _Rows(QAbstractTableModel):
    """The regions in the order of a column; sorted here, which is quick for thousands."""

    def __init__(self) -> None:
        super().__init__()
        self.regions: list[Region] = []
        self._order = 1, False

    def put(self, regions: Sequence[Region]) -> None:
        self.beginResetModel()
        self.regions = list(regions)
        self._arrange()
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        kept = [self.regions[index.row()] for index in before]
        self._order = column, order == Qt.SortOrder.DescendingOrder
        self._arrange()
        places = {id(region): row for row, region in enumerate(self.regions)}
        for index, region in zip(before, kept, strict=True):
            moved = self.index(places[id(region)], index.column())
            self.changePersistentIndex(index, moved)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        column, descending = self._order
        value = _COLUMNS[column][2]
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
        title, tooltip, _ = _COLUMNS[section]
        return {Qt.ItemDataRole.DisplayRole: title, Qt.ItemDataRole.ToolTipRole: tooltip}.get(
            Qt.ItemDataRole(role)
        )

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        region = self.regions[index.row()]
        value = _COLUMNS[index.column()][2](region)
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(value)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == 1:
            return QColor(colour_of(region.class_name))
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
    """Lists regions, sortable by every column."""

    region_chosen = Signal(object)
    """The region of the row that the user went to; None where the table was filled anew."""
    delete_pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("regions")
        self.setToolTip("Every connected defect; click a row to see it in the image")
        self._rows = _Rows()
        self.setModel(self._rows)
        self.setSortingEnabled(True)
        self.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAlternatingRowColors(False)  # napari styles no second row colour
        self._style_headers()
        self.setMinimumHeight(_HEADER_PX + _LEAST_ROWS * _ROW_PX)
        self.put([])
        if (selection := self.selectionModel()) is not None:
            selection.currentRowChanged.connect(self._announce)

    def put(self, regions: Sequence[Region]) -> None:
        """Show these regions; the frame column only where there are several frames."""
        self._rows.put(regions)
        self.setColumnHidden(0, len({region.frame for region in regions}) < 2)
        self.region_chosen.emit(None)

    @property
    def chosen(self) -> Region | None:
        """The region of the current row."""
        current = self.currentIndex()
        return self._rows.regions[current.row()] if current.isValid() else None

    def choose(self, region: Region) -> None:
        """Select a region's row and scroll to it, without announcing it as chosen by hand."""
        for row, listed in enumerate(self._rows.regions):
            if listed is region:
                index = self._rows.index(row, 1)
                with QSignalBlocker(self):
                    self.setCurrentIndex(index)
                self.scrollTo(index)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Delete says that the region is no defect."""
        if event is not None and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_pressed.emit()
            return
        super().keyPressEvent(event)

    def _style_headers(self) -> None:
        down, across = self.verticalHeader(), self.horizontalHeader()
        if down is None or across is None:
            return
        down.hide()
        down.setDefaultSectionSize(_ROW_PX)
        across.setFixedHeight(_HEADER_PX - 2)
        across.setStyleSheet("QHeaderView::section { padding: 2px; font-weight: normal; }")
        metrics = self.fontMetrics()
        for column, (title, _, _) in enumerate(_COLUMNS):
            across.setSectionResizeMode(column, QHeaderView.ResizeMode.Interactive)
            room = max(metrics.horizontalAdvance(text) for text in (title, _USUAL))
            self.setColumnWidth(column, room + _MARGIN_PX)
        across.setSectionResizeMode(_CLASS_COLUMN, QHeaderView.ResizeMode.Stretch)

    def _announce(self, current: QModelIndex) -> None:
        if current.isValid():
            self.region_chosen.emit(self._rows.regions[current.row()])
