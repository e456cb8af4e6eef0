"""Events change the state of a project, can be undone, and survive JSON."""

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
    LabelEvent,
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
events: st.SearchStrategy[LabelEvent] = st.one_of(
    st.builds(Label, ids, st.just(IMAGE), st.integers(0, 2), coordinates, coordinates, names),
    st.builds(RemoveLabel, ids),
    st.builds(LabelClass, names, st.sampled_from(["#123456", "#abcdef"]), st.none()),
    st.builds(DropClass, names),
    st.builds(RenameClass, names, names),
)


def tables(state: LabelState) -> tuple[object, object]:
    return dict(state.labels), dict(state.classes)


@given(st.lists(events), st.lists(events, max_size=5))
def test_applying_the_inverse_restores_labels_and_classes(
    past: list[LabelEvent], step: list[LabelEvent]
) -> None:
    state = LabelState(past)
    before = tables(state)
    undo = state.apply_all(step)
    after = tables(state)
    redo = state.apply_all(undo)
    assert tables(state) == before
    state.apply_all(redo)
    assert tables(state) == after


@given(st.lists(events))
def test_the_fewest_events_lead_to_the_same_state(past: list[LabelEvent]) -> None:
    state = LabelState(past)
    assert tables(LabelState(state.events())) == tables(state)


@given(st.lists(events))
def test_every_label_has_a_class_in_the_table(past: list[LabelEvent]) -> None:
    state = LabelState(past)
    assert {label.class_name for label in state.labels.values()} <= set(state.classes)
    assert sum(state.counts().values()) == len(state.labels)


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


def test_classes_get_the_lowest_free_keys() -> None:
    state = LabelState()
    state.apply_all(state.plan_missing_classes([f"c{n}" for n in range(9)]))
    assert [entry.key for entry in state.sorted_classes()] == list(range(1, 10))
    state.apply_all(state.plan_class("tenth"))
    assert state.classes["tenth"].key is None
    state.apply(DropClass("c3"))
    assert state.plan_class("again") == [default_class("again", 4)]
    assert state.sorted_classes()[-1].name == "tenth"


def test_a_taken_key_or_name_is_refused() -> None:
    state = LabelState([default_class("SF1", 1)])
    with pytest.raises(LabelError, match="key 1"):
        state.plan_class("SF2", key=1)
    with pytest.raises(LabelError, match="exists"):
        state.plan_class("SF1")
    with pytest.raises(LabelError, match="merge"):
        LabelState([default_class("a"), default_class("b")]).plan_rename("a", "b")


def test_renaming_keeps_colour_key_and_labels() -> None:
    state = LabelState([LabelClass("SF1", "#112233", 4), LABEL])
    state.apply_all(state.plan_rename("SF1", "fault"))
    assert state.classes == {"fault": LabelClass("fault", "#112233", 4)}
    assert state.labels["one"] == replace(LABEL, class_name="fault")


def test_merging_moves_labels_and_drops_the_emptied_classes() -> None:
    state = LabelState([LABEL, replace(LABEL, id="two", class_name="SF2"), default_class("LC")])
    state.apply_all(state.plan_merge(["SF1", "SF2", "SF1"], "LC"))
    assert state.counts() == {"LC": 2}


def test_plans_for_missing_classes_list_the_existing_ones() -> None:
    state = LabelState([LABEL])
    for plan in (
        lambda: state.plan_rename("SF9", "x"),
        lambda: state.plan_merge(["SF9"], "SF1"),
        lambda: state.plan_merge(["SF1"], "SF9"),
        lambda: state.plan_recolour("SF9", "#000000"),
    ):
        with pytest.raises(LabelError, match="choose from SF1"):
            plan()


def test_a_class_in_use_stays() -> None:
    state = LabelState([LABEL])
    with pytest.raises(LabelError, match="1 labels"):
        state.plan_removal("SF1")
    state.apply(DropClass("SF1"))
    assert "SF1" in state.classes


def test_undoing_a_rename_needs_one_event() -> None:
    state = LabelState([LABEL])
    assert state.apply(RenameClass("SF1", "fault")) == (RenameClass("fault", "SF1"),)


def test_events_without_effect_have_nothing_to_undo() -> None:
    state = LabelState([LABEL])
    for event in (RemoveLabel("two"), DropClass("SF1"), DropClass("LC"), RenameClass("LC", "SF1")):
        assert state.apply(event) == ()
    assert state.apply(FRAME) == ()
    assert state.frames == {(IMAGE, 0): FRAME}


def test_missing_labels_and_classes_are_reported() -> None:
    state = LabelState([LABEL])
    assert state.get_label("one") == LABEL
    assert state.get_class("SF1").name == "SF1"
    with pytest.raises(LabelError, match="no label 'two'"):
        state.get_label("two")
    with pytest.raises(LabelError, match="no class 'LC'; choose from SF1"):
        state.get_class("LC")
