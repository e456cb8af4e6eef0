"""Manual corrections of a result, and the labels made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psygnal import Signal

from napari_stem_defects.jobs.corrections import Correction, pixels_of, probability_in
from napari_stem_defects.labels.label_sampling import sample_positions
from napari_stem_defects.napari_plugin.panels.common.shared_state import OpenLabels, open_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.postprocessing.results import Region


class _Entry(NamedTuple):
    """A correction, and the ids of the labels made from it.

    ``frame`` is that of ``image``, which is None where no labels are made: the correction was
    stored with opened results, or their image is not found.
    """

    correction: Correction
    right: DefectClass | None
    image: Micrograph | None
    frame: int
    positions: tuple[tuple[float, float], ...]
    labels: list[str]


class Corrections:
    """Keeps corrections in order and adds them as labels to the open project.

    Corrections made while no project is open are added when the next one opens.

    Parameters
    ----------
    project : OpenLabels
        The label project that is open.
    """

    changed = Signal()
    """Corrections or their labels have changed."""

    def __init__(self, project: OpenLabels = open_labels) -> None:
        self._project = project
        self._entries: list[_Entry] = []

    @property
    def made(self) -> tuple[Correction, ...]:
        """All corrections, in the order they were made."""
        return tuple(entry.correction for entry in self._entries)

    def statement(self) -> str:
        """Return the number of corrections and labels in words; "" without corrections."""
        if not self._entries:
            return ""
        waiting = sum(not entry.labels and entry.image is not None for entry in self._entries)
        labels = sum(len(entry.labels) for entry in self._entries)
        made = "" if not labels else ", 1 label made" if labels == 1 else f", {labels} labels made"
        text = f"{len(self._entries)} corrected{made}."
        if waiting:
            wait = "1 waits" if waiting == 1 else f"{waiting} wait"
            text += f" {wait}: open a project in Label patches to add them as labels."
        return text

    def clear(self) -> None:
        """Remove all corrections, for another result; their labels are kept."""
        self._entries = []
        self.changed.emit()

    def restore(self, stored: Sequence[Correction]) -> None:
        """Continue with the corrections stored with results; they make no labels again."""
        self._entries = [_Entry(each, None, None, each.frame, (), []) for each in stored]
        self.changed.emit()

    def add(
        self,
        result: FrameResult,
        region: Region,
        right: str,
        image: Micrograph | None,
        frame: int | None = None,
    ) -> None:
        """Correct the class of a region.

        Parameters
        ----------
        result : FrameResult
            The result that contains the region.
        region : Region
        right : str
            Its correct class; "Bulk" if it is no defect.
        image : Micrograph or None
            The image with all its frames; without it, no labels are made.
        frame : int, optional
            The frame of that image; by default that of the result.
        """
        weights = probability_in(result, region)
        positions = sample_positions(pixels_of(result, region), weights)
        peak = positions[0]
        if region.kind == "point":
            positions = [(region.y_px, region.x_px)]
        correction = Correction(result.frame, int(peak[0]), int(peak[1]), region.class_name, right)
        known = result.map.class_table.get(right)
        frame = result.frame if frame is None else frame
        self._entries.append(_Entry(correction, known, image, frame, tuple(positions), []))
        self.add_waiting_labels()

    def undo(self) -> None:
        """Undo the last correction and remove its labels."""
        if not self._entries:
            return
        entry = self._entries.pop()
        if entry.labels and self._project.editor is not None:
            self._project.editor.remove(*entry.labels)
        self.changed.emit()

    def add_waiting_labels(self) -> None:
        """Add the labels that wait, if a project is open."""
        editor = self._project.editor
        for entry in self._entries:
            if editor is not None and not entry.labels and entry.image is not None:
                labels = editor.add_labels(
                    entry.image,
                    entry.frame,
                    entry.positions,
                    entry.correction.right,
                    known=entry.right,
                )
                entry.labels.extend(labels)
        self.changed.emit()
