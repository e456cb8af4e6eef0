"""Classes of defects: their names, kinds, titles and colours.

A class is any name that the labeller chooses; its kind, title and colour are data (`DefectClass`),
which label projects, model files and results store. The defaults are those of the public CdTe and
SrTiO3 data sets, whose files name classes only; every other name is a point defect in a colour
derived from the name.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from napari_stem_defects.base.distinct_colours import difference, most_different
from napari_stem_defects.errors import LabelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BULK = "Bulk"
UNKNOWN = "unknown"

PATCH_PX = 64
"""Edge of the patches in the public sets, in px."""
_FORBIDDEN_CHARACTERS = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]')
_MAX_NAME_LENGTH, _MAX_TITLE_LENGTH = 60, 120
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

Kind = Literal["bulk", "point", "line", "area"]
"""Perfect crystal; a defect at a place; along a line, as a fault or boundary; over an area."""

_LINES = ("SF1", "SF2", "Twin_Bound")

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
_SPARE_COLOURS = (
    *_FURTHER_COLOURS,
    *(colour for name, colour in _COLOURS.items() if name not in (BULK, UNKNOWN)),
)
"""Colours that a class gets by itself, in the order in which they are taken."""
_LEAST_DIFFERENCE = 0.05
"""Of the colours of two classes; SF1 and Twin_Bound are 0.11 apart, SF1 and a like orange 0.001."""


@dataclass(frozen=True, slots=True)
class DefectClass:
    """A class of defects, or Bulk.

    Attributes
    ----------
    name : str
        Its name, part of file, layer and column names; see `check_class_name`.
    kind : {"bulk", "point", "line", "area"}
        "bulk" for Bulk alone; "point" for a defect at a place (a vacancy, a junction), "line" for
        one along a line (a stacking fault, a boundary), "area" for one over an area (a
        precipitate, another phase). It sets how labels, masks and regions of the class are made.
    title : str
        Descriptive title for legends; by default the name.
    colour : str
        ``#rrggbb``, in every panel and figure; by default derived from the name.

    Examples
    --------
    >>> sd.DefectClass("APB", "line", title="anti-phase boundary", colour="#e69f00").kind
    'line'
    >>> sd.DefectClass("APB", "plane")
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.LabelError: class APB: kind 'plane' must be point, line or area
    """

    name: str
    kind: Kind = "point"
    title: str = ""
    colour: str = ""

    def __post_init__(self) -> None:
        """Fill in title and colour; raise `LabelError` for values that are not possible."""
        if self.name != UNKNOWN:
            check_class_name(self.name)
        check_kind(self.name, self.kind)
        if not self.title:
            object.__setattr__(self, "title", _TITLES.get(self.name, self.name))
        if not self.colour:
            object.__setattr__(self, "colour", _default_colour(self.name))
        check_title(self.name, self.title)
        check_colour(self.name, self.colour)

    @property
    def own_title(self) -> str:
        """The title where it states more than the name, else ""; to be stated beside the name."""
        return "" if self.title == self.name else self.title


def default_class(name: str) -> DefectClass:
    """Return a class of which only the name is known.

    For classes that a user creates by name, and for files written before classes had kinds.

    Parameters
    ----------
    name : str
        Name of the class, or ``unknown``.

    Returns
    -------
    DefectClass
        Kind, title and colour of the public data sets; for other names a point defect.

    Raises
    ------
    LabelError
        The name cannot be part of a file name.
    """
    return DefectClass(name, default_kind(name))


def default_kind(name: str) -> Kind:
    """Return the kind of a class of which only the name is known; see `default_class`.

    Parameters
    ----------
    name : str
        Name of the class, or ``unknown``.

    Returns
    -------
    {"bulk", "point", "line", "area"}
        "line" for the faults and boundaries of the public data sets.
    """
    if name == BULK:
        return "bulk"
    if name == UNKNOWN:
        return "area"
    return "line" if name in _LINES else "point"


def complete_classes(
    names: Iterable[str], given: Iterable[DefectClass] = ()
) -> tuple[DefectClass, ...]:
    """Return one class per name: the given one of that name, else the default.

    A default has a colour that no other class of the names has.

    Parameters
    ----------
    names : iterable of str
        Names of classes, in the wanted order.
    given : iterable of DefectClass, optional
        Classes whose data is known; those of other names are left out.

    Returns
    -------
    tuple of DefectClass
        In the order of the names.
    """
    known, names = {each.name: each for each in given}, tuple(names)
    defaults = {name: default_class(name) for name in names if name not in known}
    present = [known[name] for name in names if name in known]
    coloured = distinct_classes((*present, *defaults.values()), fixed=len(present))
    found = {each.name: each for each in coloured}
    return tuple(found[name] for name in names)


def distinct_classes(classes: Iterable[DefectClass], fixed: int = 0) -> tuple[DefectClass, ...]:
    """Return classes with a colour each, where the package has chosen the colours.

    Two classes may have one colour by the hashes of their names, or where they come from two
    projects.

    Parameters
    ----------
    classes : iterable of DefectClass
        Classes that are shown together.
    fixed : int
        Number of the first ones that keep their colours in any case.

    Returns
    -------
    tuple of DefectClass
        In the same order. The first class of a colour keeps it, and so do all whose colour is
        none of the package's own, or who are predefined.
    """
    classes, found = tuple(classes), list[DefectClass]()
    used = {each.colour.lower() for each in classes if _is_settled(each)}
    for number, each in enumerate(classes):
        colour = each.colour
        if number >= fixed and not _is_settled(each) and colour.lower() in used:
            colour = distinct_colour(each.name, (*used, *(e.colour for e in classes)))
        used.add(colour.lower())
        found.append(each if colour == each.colour else replace(each, colour=colour))
    return tuple(found)


def _is_settled(entry: DefectClass) -> bool:
    """Return whether the colour of a class is predefined or was chosen by a person."""
    return entry.name in _COLOURS or entry.colour.lower() not in _FURTHER_COLOURS


def class_table(classes: Iterable[DefectClass]) -> Mapping[str, DefectClass]:
    """Return classes by name, with ``unknown`` among them.

    Parameters
    ----------
    classes : iterable of DefectClass
        Classes of a data set, model or result.

    Returns
    -------
    mapping of str to DefectClass
        ``unknown`` is the last one.
    """
    return {each.name: each for each in classes} | {UNKNOWN: default_class(UNKNOWN)}


def colours_of(classes: Iterable[DefectClass]) -> dict[str, str]:
    """Return the colour of every class and of ``unknown`` by name.

    Parameters
    ----------
    classes : iterable of DefectClass
        Classes of a data set, model or result.

    Returns
    -------
    dict of str to str
        ``#rrggbb`` each.
    """
    return {name: each.colour for name, each in class_table(classes).items()}


def check_kind(name: str, kind: str) -> None:
    """Check the kind of a class.

    Parameters
    ----------
    name : str
        Name of the class, for the message.
    kind : str
        "bulk" for Bulk, "point", "line" or "area" for every other class.

    Raises
    ------
    LabelError
        The kind is unknown or does not suit the name.
    """
    if name == BULK:
        if kind != "bulk":
            raise LabelError(f"class {name}: its kind is bulk and cannot be {kind!r}")
    elif kind == "bulk" or kind not in get_args(Kind):
        raise LabelError(f"class {name}: kind {kind!r} must be point, line or area")


def check_title(name: str, title: str) -> None:
    """Check the title of a class.

    Parameters
    ----------
    name : str
        Name of the class, for the message.
    title : str
        Printable text of one line.

    Raises
    ------
    LabelError
        The title is blank, too long or has control characters.
    """
    fits = isinstance(title, str) and title.strip() and len(title) <= _MAX_TITLE_LENGTH
    if not (fits and title.isprintable()):
        raise LabelError(f"class {name}: give a title of 1 to {_MAX_TITLE_LENGTH} characters")


def check_colour(name: str, colour: str) -> None:
    """Check the colour of a class.

    Parameters
    ----------
    name : str
        Name of the class, for the message.
    colour : str
        ``#rrggbb``.

    Raises
    ------
    LabelError
        The colour has another form.
    """
    if not (isinstance(colour, str) and _COLOUR.fullmatch(colour)):
        raise LabelError(f"class {name}: colour {colour!r} must look like #e69f00")


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
    is_text = isinstance(name, str) and bool(name) and name == name.strip()
    if not is_text or len(name) > _MAX_NAME_LENGTH:
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


def distinct_colour(name: str, used: Iterable[str]) -> str:
    """Return a colour for a new class that looks unlike those of the other classes.

    Parameters
    ----------
    name : str
        Name of the new class.
    used : iterable of str
        Colours of the other classes.

    Returns
    -------
    str
        The default colour of the name if it is predefined or unlike all of them, else the first one
        that is; where none is left, the most different one of a colour wheel.
    """
    taken, usual = {colour.lower() for colour in used}, _default_colour(name)
    if name in _COLOURS:
        return usual
    for colour in (usual, *_SPARE_COLOURS):
        if all(difference(colour, each) >= _LEAST_DIFFERENCE for each in taken):
            return colour
    return most_different(taken)


def _default_colour(name: str) -> str:
    """Return the colour of a predefined class, else one chosen by a hash of the name."""
    if name in _COLOURS:
        return _COLOURS[name]
    digest = hashlib.sha256(name.encode()).digest()
    return _FURTHER_COLOURS[digest[0] % len(_FURTHER_COLOURS)]
