"""Events of a label project and their records in the journal.

Every change of a project is a sequence of events (event sourcing). An item (`Label`,
`LabelClass`, `LabelledFrame`) is itself the event that adds or replaces it, which makes replay
robust: a lost event affects only its own item.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base import defect_classes
from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.label import Label, LabelClass, LabelledFrame

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RemoveLabel:
    """Removes the label with this id."""

    id: str


@dataclass(frozen=True, slots=True)
class DropClass:
    """Removes the class; ignored if it has labels."""

    name: str


@dataclass(frozen=True, slots=True)
class RenameClass:
    """Renames the class and its labels; if class ``to`` exists, merges them into it."""

    name: str
    to: str


LabelEvent = Label | LabelClass | LabelledFrame | RemoveLabel | DropClass | RenameClass

_OPS: dict[str, type[LabelEvent]] = {
    "label": Label,
    "class": LabelClass,
    "frame": LabelledFrame,
    "remove": RemoveLabel,
    "drop_class": DropClass,
    "rename_class": RenameClass,
}
_OP_BY_TYPE = {kind: op for op, kind in _OPS.items()}


class UnknownEventError(LabelError):
    """The record has an operation that this version does not know."""


def to_record(event: LabelEvent) -> dict[str, Any]:
    """Convert an event to a record of the journal.

    Parameters
    ----------
    event : LabelEvent
        Any event.

    Returns
    -------
    dict
        JSON-safe; ``op`` names the operation, the other keys are the fields of the event.
    """
    values = {f.name: getattr(event, f.name) for f in fields(event)}
    return {"op": _OP_BY_TYPE[type(event)]} | values


def from_record(record: Mapping[str, Any]) -> LabelEvent:
    """Convert a record of the journal to its event.

    Parameters
    ----------
    record : mapping
        As returned by `to_record`.

    Returns
    -------
    LabelEvent
        The event.

    Raises
    ------
    UnknownEventError
        The operation is unknown: a newer version wrote the record.
    LabelError
        The record has invalid values.
    """
    values = dict(record)
    kind = _OPS.get(str(values.pop("op", None)))
    if kind is LabelClass and "kind" not in values:
        values = _with_default_kind(values)
    if kind is None:
        raise UnknownEventError(f"unknown record {record.get('op')!r}; update this program")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise LabelError(f"a {record['op']!r} record is invalid: {error}") from error


def _with_default_kind(values: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a class of a journal written before classes had kinds and titles."""
    known = defect_classes.default_class(str(values.get("name")))
    return {**values, "kind": known.kind, "title": known.title}
