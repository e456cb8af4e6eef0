"""Actions on the model library: import, export and remove models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.models.library import remove_model
from napari_stem_defects.jobs.registry import (
    EXPORT_MODEL,
    IMPORT_MODEL,
    ExportModelArguments,
    ImportModelArguments,
)
from napari_stem_defects.napari_plugin.panels.common.shared_state import (
    LibraryEvents,
    library_events,
)
from napari_stem_defects.workers.messages import Failed, Finished, Job, JobEvent, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.napari_plugin.panels.common.job_state import Submit

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,59}")


def model_path(name: str) -> Path:
    """Return the file of a model of this name in the user's library."""
    return library_module.user_folder() / f"{name}.safetensors"


def find_name_fault(name: str) -> str:
    """Return why a new model of the user's library cannot have this name; "" if it can."""
    if not _NAME.fullmatch(name):
        return f"model name {name!r}: use letters, digits, spaces, dots and hyphens"
    if model_path(name).exists():
        return f"your library already has a model {name!r}; choose another name"
    return ""


class LibraryActions:
    """Imports, exports and removes models, and announces the changes to all panels.

    Parameters
    ----------
    submit : callable
        Submits jobs to the workers.
    events : LibraryEvents
        Announces changes of the library.
    """

    succeeded = Signal(str)
    """One line about what was done."""
    failed = Signal(str)
    """One line about what went wrong."""

    def __init__(self, submit: Submit, events: LibraryEvents = library_events) -> None:
        self._submit, self._events = submit, events

    def import_model(self, path: Path) -> None:
        """Verify a model file and copy it into the user's library."""

        def imported(entry: ModelEntry) -> None:
            self._events.changed.emit(entry.name)
            self.succeeded.emit(f"{entry.name} was added to your library")

        self._run(IMPORT_MODEL.job(ImportModelArguments(path), subject=path.name), imported)

    def export_model(self, entry: ModelEntry, target: Path) -> None:
        """Copy a model file and its card out of the library."""

        def exported(path: Path) -> None:
            self.succeeded.emit(f"{entry.name} was written to {path}")

        arguments = ExportModelArguments(entry.path, target)
        self._run(EXPORT_MODEL.job(arguments, subject=entry.name), exported)

    def remove(self, entry: ModelEntry) -> None:
        """Remove a model of the user from the library, with its card and report."""
        try:
            remove_model(entry.path)
        except InputError as error:
            self.failed.emit(str(error))
            return
        self._events.changed.emit("")
        self.succeeded.emit(f"{entry.name} was removed from your library")

    def _run(self, job: Job[Result], on_result: Callable[[Result], None]) -> None:
        def on_event(event: JobEvent) -> None:
            if isinstance(event, Finished):
                on_result(event.result)
            elif isinstance(event, Failed):
                self.failed.emit(event.message)

        self._submit(job, on_event)
