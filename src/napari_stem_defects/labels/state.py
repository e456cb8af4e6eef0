"""The state of a label project, and the events that lead to it.

Every change of a project is a sequence of events. An item (`Label`, `LabelClass`,
`LabelledFrame`) is itself an event, "this is so from now on", which makes replay forgiving: a
lost event spoils nothing but what it said. Applying an event returns the events that undo it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import (
    check_class_name,
)
from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.label import (
    KEYS,
    Label,
    LabelClass,
    LabelledFrame,
    default_class,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class RemoveLabel:
    """The label is gone."""

    id: str


@dataclass(frozen=True, slots=True)
class DropClass:
    """The class, which no label uses, is gone."""

    name: str


@dataclass(frozen=True, slots=True)
class RenameClass:
    """The class and its labels are called ``to``; where that exists, the two become one."""

    name: str
    to: str


Event = Label | LabelClass | LabelledFrame | RemoveLabel | DropClass | RenameClass

_OPS: dict[str, type[Event]] = {
    "label": Label,
    "class": LabelClass,
    "frame": LabelledFrame,
    "remove": RemoveLabel,
    "drop_class": DropClass,
    "rename_class": RenameClass,
}
_OP_OF = {kind: op for op, kind in _OPS.items()}


class UnknownEventError(LabelError):
    """The record is of a kind that only a newer version knows."""


def to_record(event: Event) -> dict[str, Any]:
    """Return the event as plain data, ready for JSON."""
    return {"op": _OP_OF[type(event)]} | {f.name: getattr(event, f.name) for f in fields(event)}


def from_record(record: Mapping[str, Any]) -> Event:
    """Return the event that a record stands for.

    Raises
    ------
    UnknownEventError
        If a newer version wrote it.
    LabelError
        If its content makes no sense.
    """
    values = dict(record)
    kind = _OPS.get(str(values.pop("op", None)))
    if kind is None:
        raise UnknownEventError(f"unknown record {record.get('op')!r}; update this program")
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise LabelError(f"a {record['op']!r} record makes no sense: {error}") from error


class LabelState:
    """Labels, classes and frames as the events so far leave them.

    The three tables are read by everybody and changed by `apply` alone. The other methods plan:
    they check a wish against the tables and return the events that fulfil it.
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.labels: dict[str, Label] = {}
        self.classes: dict[str, LabelClass] = {}
        self.frames: dict[tuple[str, int], LabelledFrame] = {}
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> tuple[Event, ...]:
        """Take one event in and return the events that undo it; () where there is nothing to."""
        match event:
            case Label():
                return self._put(event)
            case LabelClass():
                old_class = self.classes.get(event.name)
                self.classes[event.name] = event
                return (old_class or DropClass(event.name),)
            case LabelledFrame():
                self.frames[event.sha256, event.frame] = event
                return ()
            case RemoveLabel():
                gone = self.labels.pop(event.id, None)
                return (gone,) if gone else ()
            case DropClass():
                return self._drop(event.name)
            case RenameClass():
                return self._rename(event.name, event.to)

    def apply_all(self, events: Sequence[Event]) -> tuple[Event, ...]:
        """Take events in, in order, and return what undoes them all, in the order to apply it."""
        undo = [self.apply(event) for event in events]
        return tuple(event for inverse in reversed(undo) for event in inverse)

    def events(self) -> list[Event]:
        """Return the fewest events that lead to this state."""
        return [*self.classes.values(), *self.frames.values(), *self.labels.values()]

    def counts(self) -> dict[str, int]:
        """Return the number of labels of every class, unused ones included."""
        found = Counter(label.class_name for label in self.labels.values())
        return {entry.name: found[entry.name] for entry in self.sorted_classes()}

    def sorted_classes(self) -> list[LabelClass]:
        """Return the classes by number key, then by name."""
        return sorted(self.classes.values(), key=lambda c: (c.key or KEYS.stop, c.name))

    def adding_class(
        self, name: str, colour: str | None = None, key: int | None = None
    ) -> list[Event]:
        """Plan a new class; without a key it gets the lowest free one, if any."""
        if name in self.classes:
            raise LabelError(f"class {name!r} exists already; choose another name")
        taken = {entry.key: entry.name for entry in self.classes.values()}
        if key is not None and key in taken:
            raise LabelError(f"key {key} selects {taken[key]!r}; choose another for {name!r}")
        entry = default_class(name, key or next(self._free_keys(), None))
        return [entry if colour is None else replace(entry, colour=colour)]

    def adding_missing_classes(self, names: Iterable[str]) -> list[Event]:
        """Plan those of the classes that the table lacks."""
        keys = self._free_keys()
        missing = [name for name in dict.fromkeys(names) if name not in self.classes]
        return [default_class(name, next(keys, None)) for name in missing]

    def renaming_class(self, name: str, to: str) -> list[Event]:
        """Plan another name for a class and its labels."""
        self.known_class(name)
        if to in self.classes:
            raise LabelError(f"class {to!r} exists already; merge {name!r} into it instead")
        return [RenameClass(name, check_class_name(to))]

    def merging_classes(self, names: Iterable[str], into: str) -> list[Event]:
        """Plan that the labels of ``names`` belong to ``into`` and the emptied classes go."""
        self.known_class(into)
        merged = [self.known_class(name).name for name in names if name != into]
        return [RenameClass(name, into) for name in dict.fromkeys(merged)]

    def recolouring_class(self, name: str, colour: str) -> list[Event]:
        """Plan another colour, ``#rrggbb``, for a class."""
        return [replace(self.known_class(name), colour=colour)]

    def removing_class(self, name: str) -> list[Event]:
        """Plan that a class without labels goes."""
        self.known_class(name)
        if used := self.counts()[name]:
            raise LabelError(f"class {name!r} has {used} labels; merge it into another instead")
        return [DropClass(name)]

    def known_class(self, name: str) -> LabelClass:
        """Return a class of the table, or raise `LabelError`."""
        if name not in self.classes:
            raise LabelError(f"there is no class {name!r}; choose from {', '.join(self.classes)}")
        return self.classes[name]

    def known_label(self, label_id: str) -> Label:
        """Return a label by its id, or raise `LabelError`."""
        if label_id not in self.labels:
            raise LabelError(f"there is no label {label_id!r}; it may have been removed")
        return self.labels[label_id]

    def _free_keys(self) -> Iterator[int]:
        taken = {entry.key for entry in self.classes.values()}
        return (key for key in KEYS if key not in taken)

    def _of_class(self, name: str) -> list[Label]:
        return [label for label in self.labels.values() if label.class_name == name]

    def _put(self, label: Label) -> tuple[Event, ...]:
        undo: tuple[Event, ...] = (self.labels.get(label.id) or RemoveLabel(label.id),)
        self.labels[label.id] = label
        if label.class_name in self.classes:
            return undo
        self.classes[label.class_name] = default_class(label.class_name)
        return (*undo, DropClass(label.class_name))

    def _drop(self, name: str) -> tuple[Event, ...]:
        if name not in self.classes or self._of_class(name):
            return ()
        return (self.classes.pop(name),)

    def _rename(self, name: str, to: str) -> tuple[Event, ...]:
        if name not in self.classes or name == to:
            return ()
        old_class, old_labels = self.classes.pop(name), self._of_class(name)
        merged = to in self.classes
        self.classes.setdefault(to, replace(old_class, name=to))
        for label in old_labels:
            self.labels[label.id] = replace(label, class_name=to)
        return (old_class, *old_labels) if merged else (RenameClass(to, name),)
