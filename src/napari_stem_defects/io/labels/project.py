"""Label project: a folder with labels, classes and the pixels of the labelled frames.

::

    <name>/labels.jsonl            the journal, see `io.labels.journal`
    <name>/images/<sha256>.npy     pixels of a single image, float32, NaN where invalid
    <name>/images/<sha256>-<n>.npy the same for frame n of a stack

Pixels are written before the record that refers to them. A project is therefore self-contained:
the original files may be moved, renamed or deleted. Every change is on the disk when its method
returns.
"""

from __future__ import annotations

import getpass
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.labels.journal import JOURNAL_NAME, LabelJournal
from napari_stem_defects.io.labels.pixels import pixel_hash, store_pixels
from napari_stem_defects.io.labels.project_classes import LabelProjectClasses
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.labels.events import RemoveLabel, to_record
from napari_stem_defects.labels.label import Label, LabelledFrame, LabelSource, NewLabel
from napari_stem_defects.labels.state import LabelState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from napari_stem_defects.base.defect_classes import DefectClass, Kind
    from napari_stem_defects.base.micrograph import Micrograph


def is_label_project(path: str | Path) -> bool:
    """Return whether a folder is a label project.

    Parameters
    ----------
    path : str or Path
        Any path.

    Returns
    -------
    bool
        True if the folder holds a journal.
    """
    return (Path(path) / JOURNAL_NAME).is_file()


class LabelProject(LabelProjectClasses):
    """Labels on micrographs; every change is saved immediately.

    Use `create` or `open`, and a ``with`` block or `close`. One process can write; others that
    open the project meanwhile get it read-only. Every method that changes the project raises
    `LabelError` if the request is invalid or the project is read-only, and `OutputError` if the
    disk is full or not writable; the project is then unchanged.

    Attributes
    ----------
    path : Path
        The folder of the project.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_stem_defects as sd
    >>> micrograph = sd.Micrograph(np.zeros((100, 100), np.float32), "lamella")
    >>> with sd.LabelProject.create("my_labels", ["Bulk", "SF1"]) as project:
    ...     image = project.add_image(micrograph)
    ...     label = project.add(image, 20, 30.5, "SF1")
    ...     project.counts()
    {'Bulk': 0, 'SF1': 1}
    """

    def __init__(self, path: Path, journal: LabelJournal) -> None:
        super().__init__(path, journal)
        self._stacks: dict[str, Micrograph] = {}

    @classmethod
    def create(cls, path: str | Path, classes: Iterable[str] = ()) -> Self:
        """Create a project in a new or empty folder and open it.

        Parameters
        ----------
        path : str or Path
            The folder.
        classes : iterable of str
            Names of the first classes; more are added with their first label.

        Returns
        -------
        LabelProject
            The open project.

        Raises
        ------
        LabelError
            The folder is not empty or a class name is invalid.
        OutputError
            The folder cannot be created.
        """
        folder = Path(path)
        if folder.exists() and not _is_empty(folder):
            raise LabelError(one_line(folder, "exists and is not empty", "choose a new folder"))
        state = LabelState()
        for name in classes:
            state.apply_all(state.plan_class(name))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fault = f"cannot be created ({error.strerror})"
            raise OutputError(one_line(folder, fault, "choose another folder")) from error
        LabelJournal.create(folder, [to_record(event) for event in state.events()])
        return cls.open(folder)

    def add_image(self, micrograph: Micrograph) -> str:
        """Add an image, so that it can be labelled.

        The pixels of a single image are stored immediately, those of a frame of a stack with its
        first label. Adding an image again restores missing pixels and updates its pixel size. A
        read-only project stores nothing.

        Parameters
        ----------
        micrograph : Micrograph
            An image or a stack.

        Returns
        -------
        str
            SHA-256 of the image; labels refer to it.
        """
        if not micrograph.sha256:
            micrograph = replace(micrograph, sha256=pixel_hash(micrograph.pixels))
        image, wanted = micrograph.sha256, [0]
        if self.read_only:
            return image
        if micrograph.is_stack:
            self._stacks[image] = micrograph
            labelled = {label.frame for label in self.labels(image)}
            wanted = sorted(labelled | {f for sha256, f in self._state.frames if sha256 == image})
        stored = [self._store(micrograph, frame) for frame in wanted]
        self._commit([e for e in stored if e != self._state.frames.get((image, e.frame))])
        return image

    def add(
        self,
        image: str,
        y: float,
        x: float,
        class_name: str,
        *,
        frame: int = 0,
        source: LabelSource = "hand",
    ) -> Label:
        """Label one point.

        Parameters
        ----------
        image : str
            SHA-256 returned by `add_image`.
        y, x : float
            Position in px.
        class_name : str
            Class of the label; a new class is added to the project.
        frame : int
            Index of the frame, 0 for a single image.
        source : {"hand", "suggested", "simulated", "imported"}
            How the label was made.

        Returns
        -------
        Label
            The label.
        """
        return self.add_many([NewLabel(image, y, x, class_name, frame)], source=source)[0]

    def add_many(
        self,
        points: Iterable[NewLabel],
        *,
        source: LabelSource = "hand",
        weak: bool = False,
        kinds: Mapping[str, Kind] | None = None,
        classes: Iterable[DefectClass] = (),
    ) -> tuple[Label, ...]:
        """Label points, as one step for `undo` and with one write.

        Parameters
        ----------
        points : iterable of NewLabel
            Positions and classes; new classes are added to the project.
        source : {"hand", "suggested", "simulated", "imported"}
            How the labels were made.
        weak : bool
            True if the defects may lie anywhere in the windows around the points.
        kinds : mapping of str to {"point", "line", "area"}, optional
            Kinds of classes of the points; those of existing classes are changed. Other new
            classes get the default kinds of their names.
        classes : iterable of DefectClass, optional
            Kinds, titles and colours of new classes, instead of the defaults of their names.

        Returns
        -------
        tuple of Label
            The labels, in the given order.
        """
        points = list(points)
        keys = dict.fromkeys((point.image, point.frame) for point in points)
        frames = {key: self._frame(*key) for key in keys}
        names = (point.class_name for point in points)
        new_classes = self._state.plan_missing_classes(names, kinds, classes)
        author, now = _author(), _now()
        labels = [
            Label(
                id=uuid.uuid4().hex,
                image=point.image,
                frame=point.frame,
                y=float(point.y),
                x=float(point.x),
                class_name=point.class_name,
                author=author,
                at=now,
                source=source,
                weak=weak,
            )
            for point in points
        ]
        for label in labels:
            _check_inside(label, frames[label.image, label.frame])
        new_frames = [f for key, f in frames.items() if key not in self._state.frames]
        self._commit([*new_frames, *new_classes, *labels])
        return tuple(labels)

    def update(self, labels: Iterable[Label]) -> tuple[Label, ...]:
        """Replace the labels with the same ids, as one step for `undo`.

        Parameters
        ----------
        labels : iterable of Label
            Changed labels; author and time are set here.

        Returns
        -------
        tuple of Label
            The labels as saved.
        """
        author, now = _author(), _now()
        changed = [replace(label, author=author, at=now) for label in labels]
        for label in changed:
            self._state.get_label(label.id)
            _check_inside(label, self._frame(label.image, label.frame))
        classes = self._state.plan_missing_classes(label.class_name for label in changed)
        self._commit([*classes, *changed])
        return tuple(changed)

    def move(self, label_id: str, y: float, x: float) -> Label:
        """Move a label within its frame; it is then no longer weak.

        Parameters
        ----------
        label_id : str
            Id of the label.
        y, x : float
            New position in px.

        Returns
        -------
        Label
            The moved label.
        """
        label = self._state.get_label(label_id)
        return self.update([replace(label, y=float(y), x=float(x), weak=False)])[0]

    def change_class(self, label_id: str, class_name: str) -> Label:
        """Change the class of a label.

        Parameters
        ----------
        label_id : str
            Id of the label.
        class_name : str
            New class; it is added to the project if necessary.

        Returns
        -------
        Label
            The changed label.
        """
        return self.update([replace(self._state.get_label(label_id), class_name=class_name)])[0]

    def remove(self, *label_ids: str) -> None:
        """Remove labels, as one step for `undo`.

        Parameters
        ----------
        *label_ids : str
            Ids of the labels.
        """
        self._commit([RemoveLabel(self._state.get_label(each).id) for each in label_ids])

    def _frame(self, image: str, frame: int) -> LabelledFrame:
        """Return the entry of a frame; a new frame of a stack is stored first."""
        if known := self._state.frames.get((image, frame)):
            return known
        if image not in self._stacks or self.read_only:
            raise LabelError(f"{self.path}: image {image[:12]} is not in it; add the image first")
        return self._store(self._stacks[image], frame)

    def _store(self, micrograph: Micrograph, frame: int) -> LabelledFrame:
        # First, because pixels written for a project that was moved would make its folder again.
        self._journal.check_writable()
        known = self._state.frames.get((micrograph.sha256, frame))
        return store_pixels(self.path, micrograph, frame, known)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and all(entry.name.startswith(".") for entry in folder.iterdir())


def _check_inside(label: Label, frame: LabelledFrame) -> None:
    if not frame.contains(label.y, label.x):
        size = frame.pixel_size_nm
        raise LabelError(
            f"{frame.name}: y, x {list_in_both_units((label.y, label.x), size, ', ')} lies outside"
            f" its height and width, {list_in_both_units((frame.height, frame.width), size)};"
            " give a point inside"
        )


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a user table
        return "unknown"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
