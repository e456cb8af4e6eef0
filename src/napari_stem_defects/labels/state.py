"""State of a label project, replayed from its events.

Applying an event returns the events that undo it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_stem_defects.base.defect_classes import (
    check_class_name,
    complete_classes,
    default_kind,
    distinct_classes,
    distinct_colour,
)
from napari_stem_defects.base.natural_order import natural_key
from napari_stem_defects.errors import LabelError
from napari_stem_defects.labels.events import (
    DropClass,
    LabelEvent,
    RemoveLabel,
    RenameClass,
)
from napari_stem_defects.labels.label import (
    KEYS,
    Label,
    LabelClass,
    LabelledFrame,
    default_class,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from napari_stem_defects.base.defect_classes import DefectClass, Kind


class LabelState:
    """Labels, classes and frames after a sequence of events.

    The three tables may be read freely and are changed by `apply` only. The methods ``plan_...``
    change nothing: they check a request and return the events that carry it out.

    Parameters
    ----------
    events : iterable of LabelEvent
        Applied in order.

    Attributes
    ----------
    labels : dict of str to Label
        By id.
    classes : dict of str to LabelClass
        By name.
    frames : dict of (str, int) to LabelledFrame
        By SHA-256 of the micrograph and index of the frame.
    """

    def __init__(self, events: Iterable[LabelEvent] = ()) -> None:
        self.labels: dict[str, Label] = {}
        self.classes: dict[str, LabelClass] = {}
        self.frames: dict[tuple[str, int], LabelledFrame] = {}
        for event in events:
            self.apply(event)

    def apply(self, event: LabelEvent) -> tuple[LabelEvent, ...]:
        """Apply one event.

        Parameters
        ----------
        event : LabelEvent
            The event.

        Returns
        -------
        tuple of LabelEvent
            The events that undo it; empty if nothing changed or for a frame, which is kept.
        """
        match event:
            case Label():
                return self._set_label(event)
            case LabelClass():
                old_class = self.classes.get(event.name)
                self.classes[event.name] = event
                return (old_class or DropClass(event.name),)
            case LabelledFrame():
                self.frames[event.sha256, event.frame] = event
                return ()
            case RemoveLabel():
                removed = self.labels.pop(event.id, None)
                return (removed,) if removed else ()
            case DropClass():
                return self._drop(event.name)
            case RenameClass():
                return self._rename(event.name, event.to)

    def apply_all(self, events: Sequence[LabelEvent]) -> tuple[LabelEvent, ...]:
        """Apply events in order.

        Parameters
        ----------
        events : sequence of LabelEvent
            The events.

        Returns
        -------
        tuple of LabelEvent
            The events that undo all of them, in the order in which to apply them.
        """
        undo = [self.apply(event) for event in events]
        return tuple(event for inverse in reversed(undo) for event in inverse)

    def events(self) -> list[LabelEvent]:
        """Return the shortest list of events that leads to this state."""
        return [*self.classes.values(), *self.frames.values(), *self.labels.values()]

    def counts(self) -> dict[str, int]:
        """Return the number of labels of every class, unused classes included."""
        found = Counter(label.class_name for label in self.labels.values())
        return {entry.name: found[entry.name] for entry in self.sorted_classes()}

    def sorted_classes(self) -> list[LabelClass]:
        """Return the classes sorted by number key, then by name in natural order."""
        return sorted(
            self.classes.values(), key=lambda c: (c.key or KEYS.stop, natural_key(c.name))
        )

    def plan_class(
        self,
        name: str,
        colour: str | None = None,
        key: int | None = None,
        *,
        kind: Kind | None = None,
        title: str | None = None,
    ) -> list[LabelEvent]:
        """Plan a new class.

        Parameters
        ----------
        name : str
            Its name.
        colour : str, optional
            ``#rrggbb``; if omitted the default colour of the class, or another one if a class has
            that.
        key : int, optional
            Number key (1-9); the lowest free key, if any, if omitted.
        kind : {"point", "line", "area"}, optional
            The default kind of the class if omitted.
        title : str, optional
            The default title of the class if omitted.

        Returns
        -------
        list of LabelEvent
            The events.

        Raises
        ------
        LabelError
            The class exists, the key is taken, or a value is invalid.
        """
        if name in self.classes:
            raise LabelError(f"class {name!r} exists already; choose another name")
        taken = {entry.key: entry.name for entry in self.classes.values()}
        if key is not None and key in taken:
            raise LabelError(f"key {key} selects {taken[key]!r}; choose another for {name!r}")
        entry = default_class(name, key or next(self._free_keys(), None))
        colour = colour or distinct_colour(name, (e.colour for e in self.classes.values()))
        return [_changed(entry, kind=kind, title=title, colour=colour)]

    def plan_missing_classes(
        self,
        names: Iterable[str],
        kinds: Mapping[str, Kind] | None = None,
        given: Iterable[DefectClass] = (),
    ) -> list[LabelEvent]:
        """Plan the classes that do not exist yet.

        Parameters
        ----------
        names : iterable of str
            Names of classes; existing ones are skipped.
        kinds : mapping of str to {"point", "line", "area"}, optional
            Kinds of classes; an existing one of another kind is changed. The others get their
            default kinds.
        given : iterable of DefectClass, optional
            Kinds, titles and colours of new classes, instead of the defaults of their names.

        Returns
        -------
        list of LabelEvent
            One event per new or changed class.

        Raises
        ------
        LabelError
            A name is invalid.
        """
        names, keys, kinds = tuple(dict.fromkeys(names)), self._free_keys(), kinds or {}
        known = {entry.name: entry.defect_class for entry in self.classes.values()}
        new = complete_classes((name for name in names if name not in known), given)
        new = distinct_classes((*known.values(), *new), fixed=len(known))[len(known) :]
        present = (self.classes[name] for name in names if name in known)
        entries = [*present, *(_with_key(each, next(keys, None)) for each in new)]
        changed = (_changed(entry, kind=kinds.get(entry.name)) for entry in entries)
        return [entry for entry in changed if entry != self.classes.get(entry.name)]

    def plan_rename(self, name: str, to: str) -> list[LabelEvent]:
        """Plan a new name for a class and its labels.

        Parameters
        ----------
        name, to : str
            Present and new name.

        Returns
        -------
        list of LabelEvent
            The events.

        Raises
        ------
        LabelError
            Class ``name`` does not exist, class ``to`` exists, or the new name is invalid.
        """
        self.get_class(name)
        if to in self.classes:
            raise LabelError(f"class {to!r} exists already; merge {name!r} into it instead")
        return [RenameClass(name, check_class_name(to))]

    def plan_merge(self, names: Iterable[str], into: str) -> list[LabelEvent]:
        """Plan to move the labels of several classes into one and remove the empty classes.

        Parameters
        ----------
        names : iterable of str
            Classes to merge.
        into : str
            Class that gets the labels.

        Returns
        -------
        list of LabelEvent
            The events.

        Raises
        ------
        LabelError
            A class does not exist.
        """
        self.get_class(into)
        merged = [self.get_class(name).name for name in names if name != into]
        return [RenameClass(name, into) for name in dict.fromkeys(merged)]

    def plan_change(
        self,
        name: str,
        *,
        kind: Kind | None = None,
        title: str | None = None,
        colour: str | None = None,
    ) -> list[LabelEvent]:
        """Plan another kind, title or colour of a class.

        Parameters
        ----------
        name : str
            The class.
        kind : {"point", "line", "area"}, optional
            Its new kind.
        title : str, optional
            Its new title; "" for its name.
        colour : str, optional
            ``#rrggbb``.

        Returns
        -------
        list of LabelEvent
            The events; none where nothing changes.

        Raises
        ------
        LabelError
            The class does not exist or a value is invalid.
        """
        known = self.get_class(name)
        entry = _changed(known, kind=kind, title=title, colour=colour)
        return [entry] if entry != known else []

    def plan_removal(self, name: str) -> list[LabelEvent]:
        """Plan to remove a class without labels.

        Parameters
        ----------
        name : str
            The class.

        Returns
        -------
        list of LabelEvent
            The events.

        Raises
        ------
        LabelError
            The class does not exist or has labels.
        """
        self.get_class(name)
        if used := self.counts()[name]:
            raise LabelError(f"class {name!r} has {used} labels; merge it into another instead")
        return [DropClass(name)]

    def get_class(self, name: str) -> LabelClass:
        """Return a class by name; raises `LabelError` if it does not exist."""
        if name not in self.classes:
            raise LabelError(f"there is no class {name!r}; choose from {', '.join(self.classes)}")
        return self.classes[name]

    def get_label(self, label_id: str) -> Label:
        """Return a label by id; raises `LabelError` if it does not exist."""
        if label_id not in self.labels:
            raise LabelError(f"there is no label {label_id!r}; it may have been removed")
        return self.labels[label_id]

    def _free_keys(self) -> Iterator[int]:
        taken = {entry.key for entry in self.classes.values()}
        return (key for key in KEYS if key not in taken)

    def _labels_of_class(self, name: str) -> list[Label]:
        return [label for label in self.labels.values() if label.class_name == name]

    def _set_label(self, label: Label) -> tuple[LabelEvent, ...]:
        undo: tuple[LabelEvent, ...] = (self.labels.get(label.id) or RemoveLabel(label.id),)
        self.labels[label.id] = label
        if label.class_name in self.classes:
            return undo
        self.classes[label.class_name] = default_class(label.class_name)
        return (*undo, DropClass(label.class_name))

    def _drop(self, name: str) -> tuple[LabelEvent, ...]:
        if name not in self.classes or self._labels_of_class(name):
            return ()
        return (self.classes.pop(name),)

    def _rename(self, name: str, to: str) -> tuple[LabelEvent, ...]:
        if name not in self.classes or name == to:
            return ()
        old_class, old_labels = self.classes.pop(name), self._labels_of_class(name)
        merged = to in self.classes
        renamed = _renamed(old_class, to)
        self.classes.setdefault(to, renamed)
        for label in old_labels:
            self.labels[label.id] = replace(label, class_name=to)
        if merged:
            return (old_class, *old_labels)
        kept = _renamed(renamed, name) == old_class
        return (RenameClass(to, name),) if kept else (RenameClass(to, name), old_class)


def _with_key(entry: DefectClass, key: int | None) -> LabelClass:
    return LabelClass(entry.name, entry.colour, key, entry.kind, entry.title)


def _changed(
    entry: LabelClass, *, kind: Kind | None, title: str | None = None, colour: str | None = None
) -> LabelClass:
    """Return a class with other values; None keeps a value."""
    return replace(
        entry,
        kind=entry.kind if kind is None else kind,
        title=entry.title if title is None else title,
        colour=entry.colour if colour is None else colour,
    )


def _renamed(entry: LabelClass, to: str) -> LabelClass:
    """Return a class under another name; a title that came from the old name is not kept."""
    own_title = entry.title not in (entry.name, default_class(entry.name).title)
    changes_bulk = "bulk" in (entry.kind, default_kind(to))
    return replace(
        entry,
        name=to,
        title=entry.title if own_title else default_class(to).title,
        kind=default_kind(to) if changes_bulk else entry.kind,
    )
