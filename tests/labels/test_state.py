"""Events change the state of a project, can be undone, and survive JSON."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_events import FRAME, IMAGE, LABEL, events

from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.events import DropClass, LabelEvent, RemoveLabel, RenameClass
from napari_stem_defects.labels.label import LabelClass, default_class
from napari_stem_defects.labels.state import LabelState


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


def test_classes_get_the_lowest_free_keys() -> None:
    state = LabelState()
    state.apply_all(state.plan_missing_classes([f"c{n}" for n in range(9)]))
    assert [entry.key for entry in state.sorted_classes()] == list(range(1, 10))
    state.apply_all(state.plan_class("tenth"))
    assert state.classes["tenth"].key is None
    state.apply(DropClass("c3"))
    (again,) = state.plan_class("again")
    assert (again.name, again.key) == ("again", 4)
    assert state.sorted_classes()[-1].name == "tenth"


def test_classes_without_a_key_are_in_natural_order() -> None:
    state = LabelState()
    state.apply_all(state.plan_missing_classes([*(f"c{n}" for n in range(9)), "x10", "x9"]))
    assert [entry.name for entry in state.sorted_classes()][-2:] == ["x9", "x10"]


def test_new_classes_have_colours_of_their_own() -> None:
    state = LabelState()
    for name in ("Bulk", "fault", "vacancy", "Mis", "boundary", "core"):
        state.apply_all(state.plan_class(name))
    colours = [entry.colour for entry in state.classes.values()]
    assert len(set(colours)) == len(colours)
    assert state.classes["fault"] == default_class("fault", 2)
    (given,) = state.plan_class("other", colours[0])
    assert given.colour == colours[0]


def test_imported_classes_have_colours_of_their_own() -> None:
    state = LabelState([default_class("Bright", 1)])
    state.apply_all(state.plan_missing_classes(["Vac", "Bright", *(f"c{n}" for n in range(12))]))
    colours = [entry.colour for entry in state.classes.values()]
    assert len(set(colours)) == len(colours)
    assert state.classes["Bright"] == default_class("Bright", 1)


def test_a_taken_key_or_name_is_refused() -> None:
    state = LabelState([default_class("SF1", 1)])
    with pytest.raises(LabelError, match="key 1"):
        state.plan_class("SF2", key=1)
    with pytest.raises(LabelError, match="exists"):
        state.plan_class("SF1")
    with pytest.raises(LabelError, match="merge"):
        LabelState([default_class("a"), default_class("b")]).plan_rename("a", "b")


def test_renaming_keeps_colour_key_and_labels() -> None:
    state = LabelState([LabelClass("SF1", "#112233", 4, "area", "own title"), LABEL])
    state.apply_all(state.plan_rename("SF1", "fault"))
    assert state.classes == {"fault": LabelClass("fault", "#112233", 4, "area", "own title")}
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
        lambda: state.plan_change("SF9", colour="#000000"),
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


def test_kind_title_and_colour_change_and_can_be_undone() -> None:
    state = LabelState([default_class("fault", 1)])
    before = dict(state.classes)
    undo = state.apply_all(state.plan_change("fault", kind="line", title="stacking fault"))
    assert state.classes["fault"].kind == "line"
    assert state.classes["fault"].title == "stacking fault"
    assert state.plan_change("fault", kind="line") == []
    state.apply_all(undo)
    assert state.classes == before
    with pytest.raises(LabelError, match="kind 'plane'"):
        state.plan_change("fault", kind="plane")  # type: ignore[arg-type]
    with pytest.raises(LabelError, match="Bulk: its kind is bulk"):
        LabelState([default_class("Bulk")]).plan_change("Bulk", kind="line")


def test_kinds_of_missing_classes_are_set_and_those_of_present_ones_changed() -> None:
    state = LabelState([default_class("fault", 1), default_class("LC", 2)])
    plan = state.plan_missing_classes(["fault", "APB", "LC", "x"], {"fault": "line", "APB": "line"})
    assert [(each.name, each.kind) for each in plan] == [  # type: ignore[union-attr]
        ("fault", "line"),
        ("APB", "line"),
        ("x", "point"),
    ]


def test_a_class_renamed_to_bulk_becomes_bulk_and_back() -> None:
    state = LabelState([LabelClass("crystal", "#112233", 1, "area")])
    undo = state.apply_all(state.plan_rename("crystal", "Bulk"))
    assert state.classes["Bulk"].kind == "bulk"
    state.apply_all(undo)
    assert state.classes == {"crystal": LabelClass("crystal", "#112233", 1, "area")}


def test_a_title_that_came_from_the_name_follows_it() -> None:
    state = LabelState([default_class("SF1")])
    state.apply_all(state.plan_rename("SF1", "my fault"))
    assert state.classes["my fault"].title == "my fault"
    assert state.classes["my fault"].kind == "line"
