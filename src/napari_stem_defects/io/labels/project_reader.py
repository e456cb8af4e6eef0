"""Read access to a label project: labels, classes and stored frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from napari_stem_defects.base.late_import import function_of
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.journal import LabelJournal
from napari_stem_defects.io.labels.pixels import load_pixels
from napari_stem_defects.labels.events import UnknownEventError, from_record
from napari_stem_defects.labels.state import LabelState

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.labels.label import Label, LabelClass, LabelledFrame


_VIEW = "reporting.notebook.labels_view"


class LabelProjectReader:
    """What can be read from an open label project; base class of `LabelProject`.

    Parameters
    ----------
    path : Path
        The folder of the project.
    journal : LabelJournal
        Its open journal, which is replayed.

    Attributes
    ----------
    path : Path
        The folder of the project.
    """

    def __init__(self, path: Path, journal: LabelJournal) -> None:
        self.path = path
        self._journal = journal
        self._state = LabelState()
        self._notes: list[str] = []
        self._replay()

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Open a project.

        Parameters
        ----------
        path : str or Path
            The folder of the project.
        read_only : bool
            Take no lock, so that other processes can write; suits training and export.

        Returns
        -------
        LabelProject
            The project. It is read-only if requested, if another process has it open, if the
            folder is write-protected, or if a newer version wrote it; see `read_only` and
            `warnings`.

        Raises
        ------
        LabelError
            The folder holds no label project, or its journal cannot be read.

        Examples
        --------
        >>> with LabelProject.open("my_labels", read_only=True) as project:  # doctest: +SKIP
        ...     print(project.counts())
        {'Bulk': 120, 'SF1': 48}
        """
        folder = Path(path)
        return cls(folder, LabelJournal(folder, read_only=read_only))

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in self.counts().items())
        frames = f"{len(self.frames)} frame{'' if len(self.frames) == 1 else 's'}"
        state = ", read-only" if self.read_only else ""
        return f"LabelProject({self.path.name!r}, {frames}, {counts or 'no labels'}{state})"

    def _repr_html_(self) -> str:
        return str(function_of(_VIEW, "html")(self))

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
        """Release the lock, so that other processes can write."""
        self._journal.close()

    @property
    def read_only(self) -> bool:
        """Whether changes are refused; `warnings` gives the reason."""
        return self._journal.read_only

    @property
    def warnings(self) -> tuple[str, ...]:
        """Problems found while opening the project, one sentence each."""
        return (*self._journal.warnings, *self._notes)

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes with colours and number keys, sorted by key."""
        return tuple(self._state.sorted_classes())

    @property
    def frames(self) -> tuple[LabelledFrame, ...]:
        """The frames whose pixels are stored in the project, in the order they were added."""
        return tuple(self._state.frames.values())

    def labels(self, image: str | None = None, frame: int | None = None) -> tuple[Label, ...]:
        """Return labels.

        Parameters
        ----------
        image : str, optional
            SHA-256 of a micrograph; all micrographs if omitted.
        frame : int, optional
            Index of a frame; all frames if omitted.

        Returns
        -------
        tuple of Label
            In the order they were added.
        """
        return tuple(
            label
            for label in self._state.labels.values()
            if image in (None, label.image) and frame in (None, label.frame)
        )

    def counts(self) -> dict[str, int]:
        """Count the labels of every class.

        Returns
        -------
        dict of str to int
            By class name, sorted by number key; 0 for unused classes.
        """
        return self._state.counts()

    def by_frame(self) -> Iterator[tuple[Micrograph, tuple[Label, ...]]]:
        """Iterate over the labelled frames.

        Yields
        ------
        micrograph : Micrograph
            The frame as a single image.
        labels : tuple of Label
            Its labels.

        Raises
        ------
        LabelError
            The stored pixels of a frame are missing or damaged.
        """
        grouped: dict[tuple[str, int], list[Label]] = {}
        for label in self._state.labels.values():
            grouped.setdefault((label.image, label.frame), []).append(label)
        for (image, frame), labels in grouped.items():
            yield self.micrograph(image, frame), tuple(labels)

    def micrograph(self, image: str, frame: int = 0) -> Micrograph:
        """Read a stored frame as a single image with its pixel size.

        Parameters
        ----------
        image : str
            SHA-256 of the micrograph.
        frame : int
            Index of the frame, 0 for a single image.

        Returns
        -------
        Micrograph
            The frame, shape (Y, X).

        Raises
        ------
        LabelError
            The project does not hold the frame, or its pixel file is missing or damaged.
        """
        entry = self._state.frames.get((image, frame))
        if entry is None:
            raise LabelError(f"{self.path}: no pixels of image {image[:12]}, frame {frame}")
        return load_pixels(self.path, entry)

    def pixels(self, image: str, frame: int = 0) -> NDArray[np.float32]:
        """Read the pixels of a stored frame.

        Parameters
        ----------
        image : str
            SHA-256 of the micrograph.
        frame : int
            Index of the frame, 0 for a single image.

        Returns
        -------
        ndarray of float32, shape (Y, X)
            Intensities; invalid pixels hold the median of the frame.

        Raises
        ------
        LabelError
            The project does not hold the frame, or its pixel file is missing or damaged.
        """
        return self.micrograph(image, frame).pixels

    def check_writable(self) -> None:
        """Check that the project can be changed.

        Raises
        ------
        LabelError
            The project is read-only or closed; the message gives the reason.
        OutputError
            The project is gone, for instance with its drive.
        """
        self._journal.check_writable()

    def _replay(self) -> None:
        invalid = 0
        for record in self._journal.contents.records:
            try:
                self._state.apply(from_record(record))
            except UnknownEventError:
                if not self.read_only:
                    self._journal.become_read_only("a newer version wrote it")
            except LabelError:
                invalid += 1
        if invalid:
            self._notes.append(f"{self.path.name}: {invalid} invalid records were skipped")
