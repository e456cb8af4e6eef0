"""Saving, undo and redo of the changes of a label project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.io.labels.project_reader import LabelProjectReader
from napari_stem_defects.labels.events import LabelEvent, to_record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.io.labels.journal import LabelJournal

_COMPACT_ABOVE = 20_000
"""Superseded records above which `close` rewrites the journal; more make reopening slow."""


@dataclass(frozen=True)
class _Step:
    """One change for undo and redo: its events and those that undo it."""

    forward: tuple[LabelEvent, ...]
    backward: tuple[LabelEvent, ...]


class LabelProjectHistory(LabelProjectReader):
    """A label project that can save, undo and redo changes; base class of `LabelProject`.

    Parameters
    ----------
    path : Path
        The folder of the project.
    journal : LabelJournal
        Its open journal.
    """

    def __init__(self, path: Path, journal: LabelJournal) -> None:
        super().__init__(path, journal)
        self._done: list[_Step] = []
        self._undone: list[_Step] = []

    def close(self) -> None:
        """Release the lock, so that other processes can write. All changes are saved already."""
        try:
            superseded = self._journal.count - len(self._state.events())
            if not (self.read_only or self.warnings) and superseded > _COMPACT_ABOVE:
                self.compact()
        finally:
            super().close()

    @property
    def can_undo(self) -> bool:
        """Whether `undo` has a change to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether `redo` has a change to redo."""
        return bool(self._undone)

    def undo(self) -> bool:
        """Undo the last change since the project was opened, by appending records.

        Returns
        -------
        bool
            False if there is nothing to undo.
        """
        if not self._done:
            return False
        self._write(self._done[-1].backward)
        self._undone.append(self._done.pop())
        return True

    def redo(self) -> bool:
        """Redo the change that was undone last.

        Returns
        -------
        bool
            False if there is nothing to redo.
        """
        if not self._undone:
            return False
        self._write(self._undone[-1].forward)
        self._done.append(self._undone.pop())
        return True

    def compact(self) -> None:
        """Rewrite the journal without superseded records, in one atomic step.

        The history of changes is lost; the labels and their authors are kept.
        """
        self._journal.rewrite([to_record(event) for event in self._state.events()])

    def _commit(self, events: Sequence[LabelEvent]) -> None:
        if not events:
            return
        backward = self._write(events)
        if backward:
            self._done.append(_Step(tuple(events), backward))
            self._undone.clear()

    def _write(self, events: Sequence[LabelEvent]) -> tuple[LabelEvent, ...]:
        self._journal.append([to_record(event) for event in events])
        return self._state.apply_all(events)
