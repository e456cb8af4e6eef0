"""What a person corrects in a result, and the labels that this becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psygnal import Signal

from napari_stem_defects.base.defect_classes import kind_of
from napari_stem_defects.jobs.corrections import Correction, pixels_of, probability_in
from napari_stem_defects.napari_plugin.panels.common.label_sampling import places_in
from napari_stem_defects.napari_plugin.panels.common.shared_state import OpenLabels, open_labels

if TYPE_CHECKING:
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.postprocessing.results import Region


class _Entry(NamedTuple):
    """A correction, the label places it stands for, and the labels made of them so far."""

    correction: Correction
    image: Micrograph
    places: tuple[tuple[float, float], ...]
    labels: list[str]


class Corrections:
    """Keeps corrections in order and turns them into labels of the open project.

    Those made while no project is open wait for the next one that opens.

    Parameters
    ----------
    project : OpenLabels
        Which label project is open.
    """

    changed = Signal()

    def __init__(self, project: OpenLabels = open_labels) -> None:
        self._project = project
        self._entries: list[_Entry] = []

    @property
    def made(self) -> tuple[Correction, ...]:
        """All corrections, the first one first."""
        return tuple(entry.correction for entry in self._entries)

    def statement(self) -> str:
        """Say what became of the corrections."""
        if not self._entries:
            return ""
        waiting = sum(not entry.labels for entry in self._entries)
        labels = sum(len(entry.labels) for entry in self._entries)
        text = f"{len(self._entries)} corrected, {labels} labels made."
        if waiting:
            text += f" {waiting} wait: open a project in Label patches to keep them as labels."
        return text

    def forget(self) -> None:
        """Start anew, for another result; labels stay where they are."""
        self._entries = []
        self.changed.emit()

    def add(self, result: FrameResult, region: Region, right: str, image: Micrograph) -> None:
        """Say that a region is really of another class, or "Bulk": no defect.

        Parameters
        ----------
        result : FrameResult
            The result the region is of.
        image : Micrograph
            The image, all its frames.
        """
        weights = probability_in(result, region)
        spread = places_in(pixels_of(result, region), weights)
        peak = spread[0]
        places = [(region.y_px, region.x_px)] if kind_of(region.class_name) == "point" else spread
        correction = Correction(result.frame, int(peak[0]), int(peak[1]), region.class_name, right)
        self._entries.append(_Entry(correction, image, tuple(places), []))
        self.flush()

    def take_back(self) -> None:
        """Undo the last correction, its labels included."""
        if not self._entries:
            return
        entry = self._entries.pop()
        if entry.labels and self._project.model is not None:
            self._project.model.remove(*entry.labels)
        self.changed.emit()

    def flush(self) -> None:
        """Make the labels that wait, if a project is open."""
        model = self._project.model
        for entry in self._entries:
            if model is not None and not entry.labels:
                correction = entry.correction
                labels = model.label_all(
                    entry.image, correction.frame, entry.places, correction.right
                )
                entry.labels.extend(labels)
        self.changed.emit()
