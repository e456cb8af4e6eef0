"""Columns of the table in Detect defects."""

from __future__ import annotations

from sample_results import result

from napari_stem_defects.anomaly.candidates import Candidate
from napari_stem_defects.napari_plugin.panels.detect.table_columns import (
    NAME_COLUMN,
    REGION_COLUMNS,
    REGION_COLUMNS_IN_PX,
    place_columns,
)

PLACE = Candidate(3, "point", 120.0, 1040.0, 12.34, "deficit", 4.0, 12.0)


def test_places_have_positions_in_the_unit_of_their_title() -> None:
    texts = {each.title: each.text(PLACE) for each in place_columns(0.02)}
    assert texts == {
        "rank": "3",
        "kind": "point",
        "sign": "deficit",
        "score": "12",
        "y/nm": "2.40",
        "x/nm": "20.80",
    }
    *_, y, x = place_columns(None)
    assert (y.title, y.text(PLACE), x.title, x.text(PLACE)) == ("y/px", "120", "x/px", "1040")
    assert "not known" in y.tooltip


def test_every_table_has_its_name_in_one_column() -> None:
    region = result(0).regions[0]
    for columns in (REGION_COLUMNS, REGION_COLUMNS_IN_PX):
        assert columns[NAME_COLUMN].text(region) == region.class_name
        assert len(columns) == len(place_columns(None))
    assert place_columns(0.1)[NAME_COLUMN].text(PLACE) == "point"
