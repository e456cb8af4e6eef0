"""Labels, classes and the events that change them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.label import Label, LabelClass, LabelledFrame, default_class
from napari_stem_defects.labels.state import (
    DropClass,
    Event,
    LabelState,
    RemoveLabel,
    RenameClass,
    UnknownEventError,
    from_record,
    to_record,
)

IMAGE = "ab" * 32
LABEL = Label("one", IMAGE, 0, 10.0, 20.5, "SF1", author="ada", at="2026-01-01T00:00:00+00:00")
FRAME = LabelledFrame(IMAGE, 0, "image", 100, 120, "cd" * 32, pixel_size_nm=0.02)

names = st.sampled_from(["Bulk", "SF1", "SF2", "LC"])
ids = st.sampled_from(["one", "two", "three"])
coordinates = st.floats(-1e6, 1e6)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Label, ids, st.just(IMAGE), st.integers(0, 2), coordinates, coordinates, names),
    st.builds(RemoveLabel, ids),
    st.builds(LabelClass, names, st.sampled_from(["#123456", "#abcdef"]), st.none()),
    st.builds(DropClass, names),
    st.builds(RenameClass, names, names),
)


def state(book: LabelState) -> tuple[object, object]:
    return dict(book.labels), dict(book.classes)


@given(st.lists(events), st.lists(events, max_size=5))
def test_applying_the_inverse_restores_labels_and_classes(
    past: list[Event], step: list[Event]
) -> None:
    book = LabelState(past)
    before = state(book)
    undo = book.apply_all(step)
    after = state(book)
    redo = book.apply_all(undo)
    assert state(book) == before
    book.apply_all(redo)
    assert state(book) == after


@given(st.lists(events))
def test_the_fewest_events_lead_to_the_same_state(past: list[Event]) -> None:
    book = LabelState(past)
    assert state(LabelState(book.events())) == state(book)


@given(st.lists(events))
def test_every_label_has_a_class_in_the_table(past: list[Event]) -> None:
    book = LabelState(past)
    assert {label.class_name for label in book.labels.values()} <= set(book.classes)
    assert sum(book.counts().values()) == len(book.labels)


@given(events)
def test_events_survive_json(event: Event) -> None:
    assert from_record(json.loads(json.dumps(to_record(event)))) == event


def test_frames_survive_json() -> None:
    assert from_record(json.loads(json.dumps(to_record(FRAME)))) == FRAME


def test_a_record_of_a_newer_version_is_told_apart() -> None:
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
def test_a_senseless_record_is_refused_in_one_line(change: dict[str, object]) -> None:
    with pytest.raises(LabelError) as caught:
        from_record(to_record(LABEL) | change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", " ", " SF1", "a/b", "a\\b", "a:b", "a\nb", "unknown", "x" * 61]
)
def test_names_that_files_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(LabelError, match="class name"):
        default_class(name)


def test_names_in_any_script_are_fine() -> None:
    assert default_class("Leerstelle β 空孔").name == "Leerstelle β 空孔"


def test_bad_colours_and_keys_are_refused() -> None:
    with pytest.raises(LabelError, match="colour"):
        LabelClass("SF1", "red")
    with pytest.raises(LabelError, match="1 to 9"):
        LabelClass("SF1", "#ff0000", 10)


def test_a_frame_contains_the_points_on_its_pixels() -> None:
    assert FRAME.contains(-0.5, 119.4)
    assert not FRAME.contains(99.6, 0)
    assert not FRAME.contains(0, -0.6)
    assert not FRAME.is_lone_patch
    assert replace(FRAME, height=64, width=64).is_lone_patch


def test_classes_get_the_lowest_free_keys() -> None:
    book = LabelState()
    book.apply_all(book.adding_missing_classes([f"c{n}" for n in range(9)]))
    assert [entry.key for entry in book.sorted_classes()] == list(range(1, 10))
    book.apply_all(book.adding_class("tenth"))
    assert book.classes["tenth"].key is None
    book.apply(DropClass("c3"))
    assert book.adding_class("again") == [default_class("again", 4)]
    assert book.sorted_classes()[-1].name == "tenth"


def test_a_taken_key_or_name_is_refused() -> None:
    book = LabelState([default_class("SF1", 1)])
    with pytest.raises(LabelError, match="key 1"):
        book.adding_class("SF2", key=1)
    with pytest.raises(LabelError, match="exists"):
        book.adding_class("SF1")
    with pytest.raises(LabelError, match="merge"):
        LabelState([default_class("a"), default_class("b")]).renaming_class("a", "b")


def test_renaming_keeps_colour_key_and_labels() -> None:
    book = LabelState([LabelClass("SF1", "#112233", 4), LABEL])
    book.apply_all(book.renaming_class("SF1", "fault"))
    assert book.classes == {"fault": LabelClass("fault", "#112233", 4)}
    assert book.labels["one"] == replace(LABEL, class_name="fault")


def test_merging_moves_labels_and_drops_the_emptied_classes() -> None:
    book = LabelState([LABEL, replace(LABEL, id="two", class_name="SF2"), default_class("LC")])
    book.apply_all(book.merging_classes(["SF1", "SF2", "SF1"], "LC"))
    assert book.counts() == {"LC": 2}


def test_plans_for_what_is_not_there_say_what_is() -> None:
    book = LabelState([LABEL])
    for plan in (
        lambda: book.renaming_class("SF9", "x"),
        lambda: book.merging_classes(["SF9"], "SF1"),
        lambda: book.merging_classes(["SF1"], "SF9"),
        lambda: book.recolouring_class("SF9", "#000000"),
    ):
        with pytest.raises(LabelError, match="choose from SF1"):
            plan()


def test_a_class_in_use_stays() -> None:
    book = LabelState([LABEL])
    with pytest.raises(LabelError, match="1 labels"):
        book.removing_class("SF1")
    book.apply(DropClass("SF1"))
    assert "SF1" in book.classes
