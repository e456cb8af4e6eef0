"""Names, kinds and colours of the defect classes.

A class is any string that the labeller chooses. The public CdTe and SrTiO3 data sets fix the
spelling of the predefined ones; every other name gets a colour derived from the name.
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
_FORBIDDEN_CHARACTERS = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
_MAX_NAME_LENGTH = 60

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

# The palette of Okabe and Ito, distinguishable with colour vision deficiency, and three more
# colours.
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
_FURTHER_COLOURS = (
    "#8bc34a",
    "#00bcd4",
    "#ff9800",
    "#e91e63",
    "#7986cb",
    "#cddc39",
    "#26a69a",
    "#ba68c8",
)


def kind_of(name: str) -> Kind:
    """Return whether a class is the bulk, an extended defect or a point defect.

    Parameters
    ----------
    name : str
        Name of the class.

    Returns
    -------
    {"bulk", "extended", "point"}
        Names that are not predefined are point defects.
    """
    return _KINDS.get(name, "point")


def title_of(name: str) -> str:
    """Return the descriptive title of a class for legends.

    Parameters
    ----------
    name : str
        Name of the class.

    Returns
    -------
    str
        The title, or the name itself if the class is not predefined.
    """
    return _TITLES.get(name, name)


def colour_of(name: str) -> str:
    """Return the colour of a class, the same in every panel, figure and run.

    Parameters
    ----------
    name : str
        Name of the class.

    Returns
    -------
    str
        ``#rrggbb``; for names that are not predefined, chosen by a hash of the name.
    """
    if name in _COLOURS:
        return _COLOURS[name]
    digest = hashlib.sha256(name.encode()).digest()
    return _FURTHER_COLOURS[digest[0] % len(_FURTHER_COLOURS)]


def check_class_name(name: str) -> str:
    """Return the name of a class if it can be part of file, layer and column names.

    Parameters
    ----------
    name : str
        Name to check.

    Returns
    -------
    str
        The unchanged name.

    Raises
    ------
    LabelError
        If the name is empty, too long, surrounded by spaces, reserved or contains characters
        that file names may not contain.
    """
    if not name.strip() or name != name.strip() or len(name) > _MAX_NAME_LENGTH:
        raise LabelError(
            f"class name {name!r}: give 1 to {_MAX_NAME_LENGTH} characters, no spaces around it"
        )
    if _FORBIDDEN_CHARACTERS.search(name):
        raise LabelError(f'class name {name!r}: remove / \\ : * ? " < > | and control characters')
    if name == UNKNOWN:
        raise LabelError(
            f"class name {name!r} is reserved for windows that no class fits; choose another"
        )
    return name
