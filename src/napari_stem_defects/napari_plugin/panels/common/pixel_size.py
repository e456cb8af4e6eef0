"""What a pixel of the chosen image measures, and what that means for a model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.napari_plugin.panels.common.job_state import Latest, Submit
from napari_stem_defects.workers.messages import Job

if TYPE_CHECKING:
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.lattice.scale import (
        ScaleMatch,
    )
    from napari_stem_defects.networks.spec import EnsembleSpec


class PixelSize:
    """Explains how an image is brought to a model's pixel size.

    Parameters
    ----------
    submit : callable
        Hands jobs to the worker for quick work; finding a lattice takes a moment.
    """

    changed = Signal()

    def __init__(self, submit: Submit) -> None:
        self._ask = Latest(submit, self._on_scale, self._on_failure)
        self.typed_nm: float | None = None
        """Pixel size typed by the user; goes before the layer's own."""
        self.proposed_nm: float | None = None
        """Pixel size found from the lattice of an uncalibrated image."""
        self.statement = ""

    def applied_to(self, frame: FrameInput) -> FrameInput:
        """Return the frame with the typed pixel size, where there is one."""
        if self.typed_nm is None:
            return frame
        return replace(frame, pixel_size_nm=self.typed_nm, pixel_size_source="user")

    def consider(self, frame: FrameInput, spec: EnsembleSpec) -> None:
        """Find out what a model would do with a frame; `changed` follows."""
        arguments = {"frame": self.applied_to(frame), "spec": spec}
        task = "napari_stem_defects.jobs.tasks:explain_scale"
        self._ask.ask(Job(task, arguments, subject=frame.name))

    def forget(self) -> None:
        """Say nothing: there is no image or no model."""
        self._ask.forget()
        self._tell("", None)

    def _on_scale(self, scale: ScaleMatch) -> None:
        found = scale.micrograph
        from_lattice = found.pixel_size_source == "lattice"
        self._tell(scale.statement, found.pixel_size_nm if from_lattice else None)

    def _on_failure(self, message: str) -> None:
        self._tell(message, None)

    def _tell(self, statement: str, proposed_nm: float | None) -> None:
        self.statement, self.proposed_nm = statement, proposed_nm
        self.changed.emit()
