"""The names, kinds and colours of the defect classes.

A class is a string chosen by whoever labels; the public CdTe and SrTiO3 sets fix the spelling
of the ones known here. Any other name is allowed and gets a colour of its own.
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from napari_stem_defects.errors import LabelError

BULK = "Bulk"
UNKNOWN = "unknown"

PATCH_PX = 64
"""Edge of the patches in the public sets, in px."""
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
_LONGEST_NAME = 60

Kind = Literal["bulk", "extended", "point"]

_KINDS: dict[str, Kind] = {
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

_TITLES = {
    BULK: "bulk",
    "SF1": "stacking fault 1",
    "SF2": "stacking fault 2",
    "Twin_Bound": "twin boundary",
    "LC": "Lomer-Cottrell junction",
    "Vacancy_CdTe": "vacancy",
    "interstitial": "interstitial",
    "Extra": "extra column",
    "IExtra": "interstitial column",
    "Mis": "missing column",
    UNKNOWN: "unknown",
}

# Okabe and Ito's palette (distinguishable with colour-blind eyes), stretched by three.
_COLOURS = {
    BULK: "#9aa0a6",
    "SF1": "#e69f00",
    "SF2": "#56b4e9",
    "Twin_Bound": "#009e73",
    "LC": "#f0e442",
    "Vacancy_CdTe": "#d55e00",
    "interstitial": "#cc79a7",
    "Extra": "#0072b2",
    "IExtra": "#ff7f7f",
    "Mis": "#b388ff",
    UNKNOWN: "#ffffff",
}
_SPARE = ("#8bc34a", "#00bcd4", "#ff9800", "#e91e63", "#7986cb", "#cddc39", "#26a69a", "#ba68c8")


def kind_of(name: str) -> Kind:
    """Say whether a class is bulk, an extended or a point defect; unheard-of names are points."""
    return _KINDS.get(name, "point")


def title_of(name: str) -> str:
    """Return the class in plain words for legends; unheard-of names stand for themselves."""
    return _TITLES.get(name, name)


def colour_of(name: str) -> str:
    """Return the class's colour as ``#rrggbb``, the same in every window, figure and run."""
    if name in _COLOURS:
        return _COLOURS[name]
    digest = hashlib.sha256(name.encode()).digest()
    return _SPARE[digest[0] % len(_SPARE)]


def check_class_name(name: str) -> str:
    """Return the name, or raise `LabelError`: it becomes file, layer and column names."""
    if not name.strip() or name != name.strip() or len(name) > _LONGEST_NAME:
        raise LabelError(
            f"class name {name!r}: give 1 to {_LONGEST_NAME} characters, no spaces around"
        )
    if _NOT_IN_NAMES.search(name):
        raise LabelError(
            f'class name {name!r}: leave out / \\ : * ? " < > | and control characters'
        )
    if name == UNKNOWN:
        raise LabelError(f"class name {name!r} means windows no model claims; choose another")
    return name
