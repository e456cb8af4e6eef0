"""What the model list can do besides being chosen from: import, export, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.library import remove_model
from napari_stem_defects.napari_plugin.panels.common.shared_state import Library, library
from napari_stem_defects.workers.messages import Event, Failed, Finished, Job

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.napari_plugin.panels.common.job_state import Submit

_TASKS = "napari_stem_defects.jobs.tasks"


class LibraryActions:
    """Changes the model library and says so.

    Parameters
    ----------
    long, quick : callable
        Hand jobs to the worker for long and for quick work: to prove a model takes torch.
    known : Library
        Tells all windows that the library has changed.
    """

    said = Signal(str)
    failed = Signal(str)

    def __init__(self, long: Submit, quick: Submit, known: Library = library) -> None:
        self._long, self._quick, self._library = long, quick, known

    def import_model(self, path: Path) -> None:
        """Copy a model file into the user's library, once it has proved that it works."""

        def imported(entry: ModelEntry) -> None:
            self._library.changed.emit(entry.name)
            self.said.emit(f"{entry.name} is in your library")

        self._ask(self._long, "import_model", {"path": path}, path.name, imported)

    def export_model(self, entry: ModelEntry, target: Path) -> None:
        """Copy a model file and its card out of the library."""

        def exported(path: Path) -> None:
            self.said.emit(f"{entry.name} is written to {path}")

        arguments = {"path": entry.path, "target": target}
        self._ask(self._quick, "export_model", arguments, entry.name, exported)

    def remove(self, entry: ModelEntry) -> None:
        """Remove one of the user's own models from the library, its card and report included."""
        try:
            remove_model(entry.path)
        except InputError as error:
            self.failed.emit(str(error))
            return
        self._library.changed.emit("")
        self.said.emit(f"{entry.name} is removed from your library")

    def _ask(
        self,
        submit: Submit,
        task: str,
        arguments: Mapping[str, Any],
        subject: str,
        on_result: Callable[[Any], None],
    ) -> None:
        def on_event(event: Event) -> None:
            if isinstance(event, Finished):
                on_result(event.result)
            elif isinstance(event, Failed):
                self.failed.emit(event.message)

        submit(Job(f"{_TASKS}:{task}", arguments, subject=subject), on_event)
