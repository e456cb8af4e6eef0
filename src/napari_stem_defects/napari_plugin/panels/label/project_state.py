"""State of the label project that is open, and its classes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_stem_defects.errors import InputError, LabelError
from napari_stem_defects.io.labels.automatic_project import (
    is_automatic,
    open_automatic,
    remove_automatic,
    save_project_as,
)
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.napari_plugin.panels.label.start_classes import (
    FIRST_CLASS,
    FIRST_CLASSES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.labels.label import LabelClass

NO_PROJECT = "no label project is open; click on the image to start one, or open one"
NO_LABELS = "there are no labels yet; click on the image to set some"
NO_IMAGE = "there is no image to label; open one"


class LabelProjectState:
    """A label project, the image being labelled, and the active class.

    Without a project, the first change on an image starts one by itself. Methods do not raise
    `InputError`: they emit `failed` with a message.

    Attributes
    ----------
    project : LabelProject or None
        The open project.
    image : Micrograph or None
        The image being labelled, with all its frames.
    active_class : str
        Class of the next labels; "" if the project has no classes.
    """

    project_changed = Signal()
    """Another project is open, or none, or images were added to it."""
    classes_changed = Signal()
    """Classes, their colours or their numbers of labels have changed."""
    labels_changed = Signal()
    """Labels of the frame shown, or the selection, have changed."""
    failed = Signal(str)
    """One line about what went wrong."""
    succeeded = Signal()
    """A change was made; what went wrong before is over."""

    def __init__(self) -> None:
        self.project: LabelProject | None = None
        self.image: Micrograph | None = None
        self.active_class = ""
        self._is_written = False

    # The project

    def create(self, folder: Path, classes: Iterable[str]) -> None:
        """Create a project in a new folder and open it."""
        with self._emit_failures():
            self._use_project(LabelProject.create(folder, classes))

    def open(self, folder: Path) -> None:
        """Open a project with all its labels."""
        warnings: tuple[str, ...] = ()
        with self._emit_failures():
            if not is_label_project(folder):
                raise LabelError(
                    f"{folder}: is not a label project; select the folder of the project"
                )
            self._use_project(LabelProject.open(folder))
            warnings = tuple(self._open_project().warnings)
        for warning in warnings:
            self.failed.emit(warning)

    def close(self) -> None:
        """Close the project; all changes are saved already."""
        if self.project is not None:
            self.project.close()
        self.project = None
        self._all_changed()

    def close_for_writing(self) -> Callable[[], None]:
        """Close the project so that a worker process can write to it.

        Returns
        -------
        callable
            Opens the project again.
        """
        folder = self._open_project().path
        self.close()
        self._is_written = True

        def reopen() -> None:
            self._is_written = False
            self.open(folder)

        return reopen

    @property
    def folder(self) -> Path | None:
        """The folder of the open project; None if none is open."""
        return None if self.project is None else self.project.path

    @property
    def is_automatic(self) -> bool:
        """Whether the open project started by itself, in the user's data folder."""
        return self.project is not None and is_automatic(self.project.path)

    def ensure_project(self) -> bool:
        """Start a project for the image shown if none is open; return whether one is open."""
        with self._emit_failures():
            self._project_to_change()
        return self.project is not None

    def save_as(self, folder: Path) -> None:
        """Copy the project to a new folder and go on there.

        A project that started by itself moves there.
        """
        with self._emit_failures():
            source, active = self._open_project().path, self.active_class
            save_project_as(source, folder)
            self.open(folder)
            if self.project is not None and self.project.path.resolve() == folder.resolve():
                remove_automatic(source)
                self.activate(active)

    # Classes

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """Classes of the project."""
        return () if self.project is None else self.project.classes

    @property
    def counts(self) -> dict[str, int]:
        """Number of labels of every class, over all images."""
        return {} if self.project is None else self.project.counts()

    @property
    def why_empty(self) -> str:
        """Why there are no labels to use, as one line for the user; "" if there are some."""
        if self.project is None:
            return NO_PROJECT
        return "" if any(self.counts.values()) else NO_LABELS

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return self.project is not None and self.project.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether there is a change that was undone, to redo."""
        return self.project is not None and self.project.can_redo

    @property
    def colours(self) -> dict[str, str]:
        """Colour of every class."""
        return {entry.name: entry.colour for entry in self.classes}

    @property
    def titles(self) -> dict[str, str]:
        """Title of every class."""
        return {entry.name: entry.title for entry in self.classes}

    def activate(self, class_name: str) -> None:
        """Make a class the active one."""
        self.active_class = class_name
        self.classes_changed.emit()

    def activate_key(self, key: int) -> None:
        """Make the class of a number key the active one."""
        for entry in self.classes:
            if entry.key == key:
                self.activate(entry.name)

    def add_class(self, name: str, kind: Kind | None = None) -> None:
        """Add a class, of the default kind of its name if none is given; make it active."""
        with self._emit_failures():
            self.active_class = self._project_to_change().add_class(name.strip(), kind=kind).name
        self._all_changed()

    def rename_class(self, name: str, to: str) -> None:
        """Rename a class; if the new name is that of another class, merge both."""
        with self._emit_failures():
            project = self._open_project()
            if to in self.colours:
                project.merge_classes([name], to)
            else:
                project.rename_class(name, to.strip())
            if self.active_class == name:
                self.active_class = to.strip()
        self._all_changed()

    def set_class(self, name: str, **changes: Any) -> None:
        """Change ``kind``, ``title`` or ``colour`` of a class; see `LabelProject.set_class`."""
        with self._emit_failures():
            self._open_project().set_class(name, **changes)
        self._all_changed()

    def remove_class(self, name: str) -> None:
        """Remove a class without labels."""
        with self._emit_failures():
            self._open_project().remove_class(name)
        self._all_changed()

    @contextmanager
    def _emit_failures(self) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            self.failed.emit(str(error))
        else:
            self.succeeded.emit()

    def _use_project(self, project: LabelProject) -> None:
        if self.project is not None:
            self.project.close()
        self.project = project
        self._reset()
        self._all_changed()

    def _reset(self) -> None:
        """Drop what belongs to the project that was open before."""

    def _open_project(self) -> LabelProject:
        if self.project is None:
            raise LabelError(NO_PROJECT)
        return self.project

    def _project_to_change(self) -> LabelProject:
        """Return the open project, or start one for the image shown."""
        if self._is_written:
            raise LabelError("the project is being written; wait until the import is done")
        if self.project is None:
            project = open_automatic(self._shown_image(), FIRST_CLASSES)
            earlier = project.labels()
            self.active_class = earlier[-1].class_name if earlier else FIRST_CLASS
            self._use_project(project)
        return self._open_project()

    def _shown_image(self) -> Micrograph:
        if self.image is None:
            raise LabelError(NO_IMAGE)
        return self.image

    def _labels_changed(self) -> None:
        self.labels_changed.emit()
        self.classes_changed.emit()

    def _all_changed(self) -> None:
        if self.active_class not in self.colours:
            self.active_class = next(iter(self.colours), "")
        self.project_changed.emit()
        self._labels_changed()
