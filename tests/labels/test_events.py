"""Events of a label project survive JSON; records of earlier versions are completed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from label_events import FRAME, LABEL, events

from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.events import LabelEvent, UnknownEventError, from_record, to_record
from napari_stem_defects.labels.label import LabelClass


@given(events)
def test_events_survive_json(event: LabelEvent) -> None:
    assert from_record(json.loads(json.dumps(to_record(event)))) == event


def test_frames_survive_json() -> None:
    assert from_record(json.loads(json.dumps(to_record(FRAME)))) == FRAME


def test_a_record_of_a_newer_version_is_recognised() -> None:
    with pytest.raises(UnknownEventError, match="update"):
        from_record({"op": "polygon", "points": []})


@pytest.mark.parametrize(
    "change",
    [
        {"y": float("nan")},
        {"y": "far"},
        {"frame": -1},
        {"source": "rumour"},
        {"image": "../../etc"},
        {"class_name": "../SF1"},
        {"colour": "red"},
    ],
)
def test_an_invalid_record_is_refused_in_one_line(change: dict[str, object]) -> None:
    with pytest.raises(LabelError) as caught:
        from_record(to_record(LABEL) | change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind", "title"),
    [("SF2", "line", "stacking fault 2"), ("Bulk", "bulk", "bulk"), ("mine", "point", "mine")],
)
def test_classes_of_earlier_journals_get_the_kind_of_their_name(
    name: str, kind: str, title: str
) -> None:
    record = {"op": "class", "name": name, "colour": "#010203", "key": 3}
    assert from_record(record) == LabelClass(name, "#010203", 3, kind, title)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [{"kind": "plane"}, {"kind": None}, {"title": "a\nb"}])
def test_an_invalid_kind_or_title_is_refused(change: dict[str, object]) -> None:
    record = {"op": "class", "name": "mine", "colour": "#010203", "key": 3, "kind": "line"}
    with pytest.raises(LabelError, match="class mine"):
        from_record(record | change)
