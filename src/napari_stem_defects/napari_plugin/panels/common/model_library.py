"""Actions on the model library: import, export and remove models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.library import remove_model
from napari_stem_defects.napari_plugin.panels.common.shared_state import (
    LibraryEvents,
    library_events,
)
from napari_stem_defects.workers.messages import Failed, Finished, Job, JobEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.napari_plugin.panels.common.job_state import Submit

_TASKS = "napari_stem_defects.jobs.tasks"


class LibraryActions:
    """Imports, exports and removes models, and announces the changes to all panels.

    Parameters
    ----------
    long, quick : callable
        Submit jobs to the worker for long and for quick work; verifying a model needs torch,
        which only the worker for long work has loaded.
    events : LibraryEvents
        Announces changes of the library.
    """

    succeeded = Signal(str)
    """One line about what was done."""
    failed = Signal(str)
    """One line about what went wrong."""

    def __init__(self, long: Submit, quick: Submit, events: LibraryEvents = library_events) -> None:
        self._long, self._quick, self._events = long, quick, events

    def import_model(self, path: Path) -> None:
        """Verify a model file and copy it into the user's library."""

        def imported(entry: ModelEntry) -> None:
            self._events.changed.emit(entry.name)
            self.succeeded.emit(f"{entry.name} was added to your library")

        self._submit(self._long, "import_model", {"path": path}, path.name, imported)

    def export_model(self, entry: ModelEntry, target: Path) -> None:
        """Copy a model file and its card out of the library."""

        def exported(path: Path) -> None:
            self.succeeded.emit(f"{entry.name} was written to {path}")

        arguments = {"path": entry.path, "target": target}
        self._submit(self._quick, "export_model", arguments, entry.name, exported)

    def remove(self, entry: ModelEntry) -> None:
        """Remove a model of the user from the library, with its card and report."""
        try:
            remove_model(entry.path)
        except InputError as error:
            self.failed.emit(str(error))
            return
        self._events.changed.emit("")
        self.succeeded.emit(f"{entry.name} was removed from your library")

    def _submit(
        self,
        submit: Submit,
        task: str,
        arguments: Mapping[str, Any],
        subject: str,
        on_result: Callable[[Any], None],
    ) -> None:
        def on_event(event: JobEvent) -> None:
            if isinstance(event, Finished):
                on_result(event.result)
            elif isinstance(event, Failed):
                self.failed.emit(event.message)

        submit(Job(f"{_TASKS}:{task}", arguments, subject=subject), on_event)
