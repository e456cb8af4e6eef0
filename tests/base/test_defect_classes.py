"""Names, kinds, titles and colours of the defect classes."""

from __future__ import annotations

import pickle
import re
from dataclasses import asdict

import pytest

from napari_stem_defects.base.defect_classes import (
    BULK,
    UNKNOWN,
    DefectClass,
    check_class_name,
    class_table,
    colours_of,
    complete_classes,
    default_class,
    default_kind,
    distinct_classes,
)
from napari_stem_defects.errors import LabelError

KNOWN = {
    BULK: "bulk",
    "SF1": "line",
    "SF2": "line",
    "Twin_Bound": "line",
    "LC": "point",
    "Vacancy_CdTe": "point",
    "interstitial": "point",
    "Extra": "point",
    "IExtra": "point",
    "Mis": "point",
}


@pytest.mark.parametrize(("name", "kind"), KNOWN.items())
def test_predefined_classes_have_kind_title_and_colour(name: str, kind: str) -> None:
    found = default_class(name)
    assert found.kind == default_kind(name) == kind
    assert found.title == found.title.strip() != ""
    assert re.fullmatch("#[0-9a-f]{6}", found.colour)


def test_predefined_colours_differ() -> None:
    assert len({default_class(name).colour for name in (*KNOWN, UNKNOWN)}) == len(KNOWN) + 1


def test_other_names_are_points_with_their_own_title() -> None:
    assert default_class("dislocation") == DefectClass("dislocation", "point", "dislocation")
    assert default_class("dislocation").own_title == ""
    assert default_class("SF1").own_title == default_class("SF1").title != "SF1"


def test_the_colour_of_other_names_depends_on_the_name_only() -> None:
    """Figures of different versions and machines are comparable."""
    assert default_class("dislocation").colour == "#cddc39"
    assert len({default_class(f"class {number}").colour for number in range(50)}) == 8


@pytest.mark.parametrize("name", ["Bulk", "a", "x" * 60, "grain boundary", "\u039b-defect"])
def test_valid_names_are_returned(name: str) -> None:
    assert check_class_name(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "give 1 to 60 characters"),
        ("   ", "give 1 to 60 characters"),
        (" SF1", "no spaces around it"),
        ("SF1\n", "no spaces around it"),
        ("x" * 61, "give 1 to 60 characters"),
        ("a/b", "remove / "),
        ("a\\b", "remove / "),
        ("a:b", "control characters"),
        ("a\x00b", "control characters"),
        (UNKNOWN, "is reserved for windows that no class fits"),
    ],
)
def test_names_that_files_or_layers_cannot_have_are_rejected(name: str, message: str) -> None:
    with pytest.raises(LabelError, match=re.escape(message)) as caught:
        check_class_name(name)
    assert "\n" not in str(caught.value)


def test_a_class_is_data_that_survives_json_and_pickle() -> None:
    found = DefectClass("APB", "line", "anti-phase boundary", "#102030")
    assert DefectClass(**asdict(found)) == found
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "extended"}, "kind 'extended' must be point, line or area"),
        ({"kind": "bulk"}, "kind 'bulk'"),
        ({"kind": ["line"]}, "kind"),
        ({"name": "a/b"}, "remove"),
        ({"name": BULK, "kind": "line"}, "its kind is bulk"),
        ({"title": "two\nlines"}, "title"),
        ({"title": " "}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"title": 3}, "title"),
        ({"colour": "red"}, "#e69f00"),
        ({"colour": 3}, "#e69f00"),
    ],
)
def test_impossible_values_are_refused_in_one_line(values: dict[str, object], message: str) -> None:
    with pytest.raises(LabelError, match=message) as caught:
        DefectClass(**{"name": "APB", **values})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_given_classes_replace_the_defaults() -> None:
    mine = DefectClass("SF1", "area", "mine", "#000001")
    found = complete_classes(["Bulk", "SF1", "SF2"], [mine, DefectClass("other")])
    assert found == (default_class("Bulk"), mine, default_class("SF2"))
    assert list(class_table(found)) == ["Bulk", "SF1", "SF2", UNKNOWN]
    assert colours_of(found)["SF1"] == "#000001"


def test_classes_that_only_have_names_get_a_colour_each() -> None:
    assert len({default_class(name).colour for name in ("Bright", "Vac")}) == 1
    names = ("Bulk", "SF1", *(f"class {number}" for number in range(14)))
    found = complete_classes(names)
    assert [each.name for each in found] == list(names)
    assert len({each.colour for each in found}) == len(names)
    assert found[:2] == (default_class("Bulk"), default_class("SF1"))


def test_given_colours_stay_and_defaults_make_way_for_them() -> None:
    stored = DefectClass("Vac", colour=default_class("Bright").colour)
    bright, vacancy = complete_classes(["Bright", "Vac"], [stored])
    assert vacancy == stored
    assert bright.colour not in (stored.colour, default_class("Bright").colour)
    # Two stored classes of one colour are what they were.
    both = [stored, DefectClass("Bright", colour=stored.colour)]
    assert complete_classes(["Vac", "Bright"], both) == tuple(both)


def test_classes_of_several_sources_get_a_colour_each_but_chosen_colours_stay() -> None:
    chosen = [DefectClass("a", colour="#123456"), DefectClass("b", colour="#123456")]
    names = ["Bright", "Vac"]
    found = distinct_classes([*map(default_class, names), *chosen, default_class("SF1")])
    assert found[0] == default_class("Bright")
    assert found[1].colour != found[0].colour
    assert found[2:] == (*chosen, default_class("SF1"))
