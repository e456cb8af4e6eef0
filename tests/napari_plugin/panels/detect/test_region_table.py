"""Table of the regions found."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from sample_results import result

from napari_stem_defects.anomaly.candidates import Candidate
from napari_stem_defects.napari_plugin.panels.detect.region_table import RegionTable

pytestmark = pytest.mark.gui


@pytest.fixture
def table(qtbot: Any) -> RegionTable:
    made = RegionTable()
    qtbot.addWidget(made)
    made.set_regions(result(0).regions)
    return made


def column(table: RegionTable, number: int) -> list[str]:
    model = table.model()
    return [model.data(model.index(row, number)) for row in range(model.rowCount())]


def test_rows_are_sorted_by_every_column(table: RegionTable) -> None:
    assert column(table, 1) == ["LC", "SF1"]
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert column(table, 1) == ["SF1", "LC"]
    table.sortByColumn(5, Qt.SortOrder.AscendingOrder)
    assert column(table, 5) == sorted(column(table, 5))


def test_the_frame_is_shown_if_there_are_several(table: RegionTable) -> None:
    assert table.isColumnHidden(0)
    table.set_regions([*result(0).regions, *result(1).regions])
    assert not table.isColumnHidden(0)


def test_only_selections_by_the_user_are_announced(table: RegionTable) -> None:
    announced: list[Any] = []
    table.region_selected.connect(announced.append)
    region = result(0).regions[0]
    table.set_regions([region])
    table.select_region(region)
    assert table.selected_region is region
    assert announced == [None]
    table.set_regions(result(0).regions)
    table.selectRow(1)
    assert announced[1:] == [None, table.selected_region]


def test_delete_is_announced(table: RegionTable, qtbot: Any) -> None:
    with qtbot.waitSignal(table.delete_pressed):
        QTest.keyClick(table, Qt.Key.Key_Delete)


def headers(table: RegionTable) -> list[str]:
    model = table.model()
    return [
        model.headerData(number, Qt.Orientation.Horizontal) for number in range(model.columnCount())
    ]


def test_without_a_pixel_size_lengths_and_areas_are_in_px(table: RegionTable) -> None:
    """A table of dashes only says nothing about what was found."""
    assert headers(table)[3:5] == ["length/nm", "area/nm²"]
    bare = result(0, pixel_size_nm=None).regions
    table.set_regions(bare)
    assert headers(table)[3:5] == ["length/px", "area/px"]
    areas = {region.class_name: str(region.area_px) for region in bare}
    assert dict(zip(column(table, 1), column(table, 4), strict=True)) == areas
    lengths = dict(zip(column(table, 1), column(table, 3), strict=True))
    assert lengths["LC"] == "–"  # a point has no length
    table.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    assert column(table, 4) == sorted(column(table, 4), key=int, reverse=True)
    table.set_regions(result(0).regions)
    assert headers(table)[3:5] == ["length/nm", "area/nm²"]


def test_names_of_classes_have_room_in_a_narrow_panel(table: RegionTable) -> None:
    """The columns of area and number go first; they come back with the room."""
    table.set_regions([*result(0).regions, *result(1).regions])
    table.show()
    for width, hidden in ((600, []), (330, [4]), (240, [4, 2]), (600, [])):
        table.resize(width, 300)
        QTest.qWait(20)
        assert [column for column in (4, 2) if table.isColumnHidden(column)] == hidden, width
        assert table.columnWidth(1) >= table.fontMetrics().horizontalAdvance("Boundary")


@pytest.mark.parametrize("pixel_size_nm", [None, 0.02])
def test_values_are_shown_whole(table: RegionTable, pixel_size_nm: float | None) -> None:
    """A position that ends in dots cannot be read."""
    point = Candidate(1, "point", 3.0, 20.0, 12.3, "deficit", 4.0, 12.0)
    far = replace(point, rank=1240, y=3021.4, x=4020.6, sign="excess")
    survey: Any = SimpleNamespace(candidates=(point, far), pixel_size_nm=pixel_size_nm)
    table.set_places(survey, {})
    assert_whole(table)
    many = [replace(each, region=12345) for each in result(0).regions]
    table.set_regions(many)
    assert_whole(table)


def assert_whole(table: RegionTable) -> None:
    advance = table.fontMetrics().horizontalAdvance
    for number in range(table.model().columnCount()):
        if number != 1 and not table.isColumnHidden(number):
            widest = max(map(advance, column(table, number)))
            assert table.columnWidth(number) > widest, headers(table)[number]


def test_the_arrow_of_the_sorted_column_covers_no_title(table: RegionTable) -> None:
    table.resize(700, 300)
    for number in (4, 3, 5):
        before = table.columnWidth(number)
        title = table.fontMetrics().horizontalAdvance(headers(table)[number])
        table.sortByColumn(number, Qt.SortOrder.AscendingOrder)
        assert table.columnWidth(number) >= max(title + 20, before)
        table.sortByColumn(1, Qt.SortOrder.AscendingOrder)
        assert table.columnWidth(number) == before
