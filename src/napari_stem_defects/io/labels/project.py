"""A label project: a folder that holds labels, classes and the pixels they belong to.

::

    <name>/labels.jsonl            the journal, see `label_journal`
    <name>/images/<sha256>.npy     pixels of a single image, float32, NaN where invalid
    <name>/images/<sha256>-<n>.npy the same for frame n of a stack

Pixels are written before the line that names them, so a project is self-contained: it survives
moved, renamed and deleted originals. Every change is on the disk when its method returns.
"""

from __future__ import annotations

import getpass
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.labels.journal import JOURNAL_NAME, LabelJournal
from napari_stem_defects.io.labels.pixels import load_pixels, pixel_hash, store_pixels
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.labels.label import Label, LabelClass, LabelledFrame, LabelSource, Point
from napari_stem_defects.labels.state import (
    Event,
    LabelState,
    RemoveLabel,
    UnknownEventError,
    from_record,
    to_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph

_COMPACT_ABOVE = 20_000
"""Superseded records that make closing rewrite the journal: where reopening starts to take long."""


@dataclass(frozen=True)
class _Step:
    """One change as the user sees it: what it did and what undoes it."""

    forward: tuple[Event, ...]
    backward: tuple[Event, ...]


def is_label_project(path: str | Path) -> bool:
    """Say whether a path is a label project's folder."""
    return (Path(path) / JOURNAL_NAME).is_file()


class LabelProject:
    """Labels on micrographs, saved as they are made.

    Made by `create` or `open`, used as a context manager or closed with `close`. One process
    writes; whoever opens the project meanwhile gets it read-only. Methods that change something
    raise `LabelError` where the wish makes no sense or the project is read-only, `OutputError`
    where the disk refuses; the project is then as before.

    Attributes
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path, journal: LabelJournal) -> None:
        self.path = path
        self._journal = journal
        self._book = LabelState()
        self._notes: list[str] = []
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._stacks: dict[str, Micrograph] = {}
        self._replay()

    @classmethod
    def create(cls, path: str | Path, classes: Iterable[str] = ()) -> Self:
        """Make a new project in a folder that does not exist or is empty."""
        folder = Path(path)
        if folder.exists() and not _is_empty(folder):
            raise LabelError(one_line(folder, "exists and is not empty", "choose a new folder"))
        book = LabelState()
        for name in classes:
            book.apply_all(book.adding_class(name))
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            fault = f"cannot be made ({error.strerror})"
            raise OutputError(one_line(folder, fault, "choose another folder")) from error
        LabelJournal.create(folder, [to_record(event) for event in book.events()])
        return cls.open(folder)

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Open a project; see `read_only` and `warnings` for what was found.

        Parameters
        ----------
        path : path
            The project's folder.
        read_only : bool
            Only look, and leave others free to write: for training and export.
        """
        folder = Path(path)
        return cls(folder, LabelJournal(folder, read_only=read_only))

    def __enter__(self) -> Self:
        """Return the project itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the project."""
        self.close()

    def close(self) -> None:
        """Let others write. Nothing is saved here: everything is saved already."""
        try:
            if not (self.read_only or self.warnings) and self._superseded() > _COMPACT_ABOVE:
                self.compact()
        finally:
            self._journal.close()

    # What there is

    @property
    def read_only(self) -> bool:
        """Whether changes are refused; `warnings` says why."""
        return self._journal.read_only

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about the project's state, one sentence each."""
        return (*self._journal.warnings, *self._notes)

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes with colours and number keys, by key."""
        return tuple(self._book.sorted_classes())

    @property
    def frames(self) -> tuple[LabelledFrame, ...]:
        """The frames that the project keeps the pixels of, in the order they came."""
        return tuple(self._book.frames.values())

    def labels(self, image: str | None = None, frame: int | None = None) -> tuple[Label, ...]:
        """Return the labels, of one image and one of its frames if asked for."""
        return tuple(
            label
            for label in self._book.labels.values()
            if image in (None, label.image) and frame in (None, label.frame)
        )

    def counts(self) -> dict[str, int]:
        """Return the number of labels of every class, unused ones included."""
        return self._book.counts()

    def by_frame(self) -> Iterator[tuple[Micrograph, tuple[Label, ...]]]:
        """Yield every labelled frame, as a single image, with its labels: all training needs."""
        grouped: dict[tuple[str, int], list[Label]] = {}
        for label in self._book.labels.values():
            grouped.setdefault((label.image, label.frame), []).append(label)
        for (image, frame), labels in grouped.items():
            yield self.micrograph(image, frame), tuple(labels)

    def micrograph(self, image: str, frame: int = 0) -> Micrograph:
        """Return one stored frame as a single image, with its calibration.

        Raises
        ------
        LabelError
            If the project holds no such frame, or its file is missing or damaged.
        """
        entry = self._book.frames.get((image, frame))
        if entry is None:
            raise LabelError(f"{self.path}: no pixels of image {image[:12]}, frame {frame}")
        return load_pixels(self.path, entry)

    def pixels(self, image: str, frame: int = 0) -> NDArray[np.float32]:
        """Return the pixels of one stored frame, float32, shape (Y, X)."""
        return self.micrograph(image, frame).pixels

    def check_writable(self) -> None:
        """Raise `LabelError`, with the reason, where nothing can be changed."""
        self._journal.check_writable()

    # Images and labels

    def add_image(self, micrograph: Micrograph) -> str:
        """Make an image known and return its sha256, which labels name it by.

        A single image is stored at once, a frame of a stack with its first label. An image that
        is known already gets missing pixels back, and a newly found calibration. A read-only
        project stores nothing.
        """
        if not micrograph.sha256:
            micrograph = replace(micrograph, sha256=pixel_hash(micrograph.pixels))
        image, wanted = micrograph.sha256, [0]
        if self.read_only:
            return image
        if micrograph.is_stack:
            self._stacks[image] = micrograph
            labelled = {label.frame for label in self.labels(image)}
            wanted = sorted(labelled | {f for sha256, f in self._book.frames if sha256 == image})
        stored = [self._store(micrograph, frame) for frame in wanted]
        self._commit([e for e in stored if e != self._book.frames.get((image, e.frame))])
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
        """Label one point of a known image; a class the project lacks is added to it."""
        return self.add_many([Point(image, y, x, class_name, frame)], source=source)[0]

    def add_many(
        self, points: Iterable[Point], *, source: LabelSource = "hand", weak: bool = False
    ) -> tuple[Label, ...]:
        """Label points as one step for `undo` and with one wait for the disk."""
        points = list(points)
        frames = self._frames_of(points)
        classes = self._book.adding_missing_classes(point.class_name for point in points)
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
        new_frames = [f for key, f in frames.items() if key not in self._book.frames]
        self._commit([*new_frames, *classes, *labels])
        return tuple(labels)

    def update(self, labels: Iterable[Label]) -> tuple[Label, ...]:
        """Put changed labels in the place of those with the same ids, as one step for `undo`."""
        author, now = _author(), _now()
        changed = [replace(label, author=author, at=now) for label in labels]
        for label in changed:
            self._book.known_label(label.id)
            _check_inside(label, self._frame(label.image, label.frame))
        classes = self._book.adding_missing_classes(label.class_name for label in changed)
        self._commit([*classes, *changed])
        return tuple(changed)

    def move(self, label_id: str, y: float, x: float) -> Label:
        """Put a label elsewhere in its frame; it then marks the very spot."""
        label = self._book.known_label(label_id)
        return self.update([replace(label, y=float(y), x=float(x), weak=False)])[0]

    def reclass(self, label_id: str, class_name: str) -> Label:
        """Give a label another class; one the project lacks is added to it."""
        return self.update([replace(self._book.known_label(label_id), class_name=class_name)])[0]

    def remove(self, *label_ids: str) -> None:
        """Remove labels, as one step for `undo`."""
        self._commit([RemoveLabel(self._book.known_label(each).id) for each in label_ids])

    # Classes

    def add_class(self, name: str, colour: str | None = None, key: int | None = None) -> LabelClass:
        """Add a class; by default in its usual colour and on the lowest free number key."""
        self._commit(self._book.adding_class(name, colour, key))
        return self._book.classes[name]

    def rename_class(self, name: str, to: str) -> None:
        """Call a class and its labels something new."""
        self._commit(self._book.renaming_class(name, to))

    def recolour_class(self, name: str, colour: str) -> None:
        """Give a class another colour, ``#rrggbb``."""
        self._commit(self._book.recolouring_class(name, colour))

    def merge_classes(self, names: Iterable[str], into: str) -> None:
        """Turn the labels of several classes into those of one; the emptied classes go."""
        self._commit(self._book.merging_classes(names, into))

    def remove_class(self, name: str) -> None:
        """Remove a class that has no labels."""
        self._commit(self._book.removing_class(name))

    # History

    def undo(self) -> bool:
        """Take the last step since opening back, by new records; False where there is none."""
        if not self._done:
            return False
        self._write(self._done[-1].backward)
        self._undone.append(self._done.pop())
        return True

    def redo(self) -> bool:
        """Do the step that was undone last again; False where there is none."""
        if not self._undone:
            return False
        self._write(self._undone[-1].forward)
        self._done.append(self._undone.pop())
        return True

    def compact(self) -> None:
        """Rewrite the journal without superseded records, in one atomic step.

        Who changed what when is lost, the labels and their authors are not.
        """
        self._journal.rewrite([to_record(event) for event in self._book.events()])

    def _replay(self) -> None:
        odd = 0
        for record in self._journal.contents.records:
            try:
                self._book.apply(from_record(record))
            except UnknownEventError:
                if not self.read_only:
                    self._journal.become_read_only("a newer version wrote it")
            except LabelError:
                odd += 1
        if odd:
            self._notes.append(f"{self.path.name}: {odd} records make no sense and were skipped")

    def _commit(self, events: Sequence[Event]) -> None:
        if not events:
            return
        backward = self._write(events)
        if backward:
            self._done.append(_Step(tuple(events), backward))
            self._undone.clear()

    def _write(self, events: Sequence[Event]) -> tuple[Event, ...]:
        self._journal.append([to_record(event) for event in events])
        return self._book.apply_all(events)

    def _superseded(self) -> int:
        return self._journal.count - len(self._book.events())

    def _frames_of(self, points: Iterable[Point]) -> dict[tuple[str, int], LabelledFrame]:
        keys = dict.fromkeys((point.image, point.frame) for point in points)
        return {key: self._frame(*key) for key in keys}

    def _frame(self, image: str, frame: int) -> LabelledFrame:
        """Return a frame's entry; a frame of a stack added since opening is stored first."""
        if known := self._book.frames.get((image, frame)):
            return known
        if image not in self._stacks or self.read_only:
            raise LabelError(f"{self.path}: image {image[:12]} is not in it; add the image first")
        return self._store(self._stacks[image], frame)

    def _store(self, micrograph: Micrograph, frame: int) -> LabelledFrame:
        known = self._book.frames.get((micrograph.sha256, frame))
        return store_pixels(self.path, micrograph, frame, known)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and all(entry.name.startswith(".") for entry in folder.iterdir())


def _check_inside(label: Label, frame: LabelledFrame) -> None:
    if not frame.contains(label.y, label.x):
        raise LabelError(
            f"{frame.name}: {label.y:g}, {label.x:g} lies outside its"
            f" {frame.height} x {frame.width} px; give a point inside"
        )


def _author() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container without a user table
        return "unknown"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
