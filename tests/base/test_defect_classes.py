"""Names, kinds and colours of the defect classes."""

from __future__ import annotations

import re

import pytest

from napari_stem_defects.base.defect_classes import (
    BULK,
    UNKNOWN,
    check_class_name,
    colour_of,
    kind_of,
    title_of,
)
from napari_stem_defects.errors import LabelError

KNOWN = {
    BULK: "bulk",
    "SF1": "extended",
    "SF2": "extended",
    "Twin_Bound": "extended",
    "LC": "point",
    "Vacancy_CdTe": "point",
    "interstitial": "point",
    "Extra": "point",
    "IExtra": "point",
    "Mis": "point",
}


@pytest.mark.parametrize(("name", "kind"), KNOWN.items())
def test_predefined_classes_have_kind_title_and_colour(name: str, kind: str) -> None:
    assert kind_of(name) == kind
    assert title_of(name) == title_of(name).strip() != ""
    assert re.fullmatch("#[0-9a-f]{6}", colour_of(name))


def test_predefined_colours_differ() -> None:
    assert len({colour_of(name) for name in (*KNOWN, UNKNOWN)}) == len(KNOWN) + 1


def test_other_names_are_points_with_their_own_title() -> None:
    assert kind_of("dislocation") == "point"
    assert title_of("dislocation") == "dislocation"


def test_the_colour_of_other_names_depends_on_the_name_only() -> None:
    """Figures of different versions and machines are comparable."""
    assert colour_of("dislocation") == "#cddc39"
    assert len({colour_of(f"class {number}") for number in range(50)}) == 8


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
