"""View model of the pixel size: typed by the user, from the layer, or from the lattice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.jobs.registry import EXPLAIN_SCALE, ExplainScaleArguments
from napari_stem_defects.napari_plugin.panels.common.job_state import LatestJob, Submit

if TYPE_CHECKING:
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.lattice.scale import ScaleMatch
    from napari_stem_defects.networks.spec import EnsembleSpec


class PixelSizeViewModel:
    """Pixel size of the selected image, and how the image is resampled to that of the model.

    Parameters
    ----------
    submit : callable
        Submits jobs to the workers; lattice detection takes a moment.

    Attributes
    ----------
    typed_nm : float or None
        Pixel size typed by the user; it has priority over the calibration of the layer.
    proposed_nm : float or None
        Pixel size found from the lattice of an uncalibrated image.
    statement : str
        How the image is resampled, in one line for the user.
    """

    changed = Signal()
    """The statement or the proposed pixel size has changed."""

    def __init__(self, submit: Submit) -> None:
        self._scale_job = LatestJob(submit, self._on_scale, self._on_failure)
        self.typed_nm: float | None = None
        self.proposed_nm: float | None = None
        self.statement = ""

    def with_typed(self, frame: FrameInput) -> FrameInput:
        """Return a frame with the typed pixel size; unchanged if none was typed."""
        if self.typed_nm is None:
            return frame
        return replace(frame, pixel_size_nm=self.typed_nm, pixel_size_source="user")

    def explain(self, frame: FrameInput, spec: EnsembleSpec) -> None:
        """Update the statement for a frame and a model; `changed` follows."""
        arguments = ExplainScaleArguments(self.with_typed(frame), spec)
        self._scale_job.request(EXPLAIN_SCALE.job(arguments, subject=frame.name))

    def clear(self) -> None:
        """Clear the statement, because there is no image or no model."""
        self._scale_job.discard()
        self._set("", None)

    def _on_scale(self, scale: ScaleMatch) -> None:
        found = scale.micrograph
        from_lattice = found.pixel_size_source == "lattice"
        self._set(scale.statement, found.pixel_size_nm if from_lattice else None)

    def _on_failure(self, message: str) -> None:
        self._set(message, None)

    def _set(self, statement: str, proposed_nm: float | None) -> None:
        self.statement, self.proposed_nm = statement, proposed_nm
        self.changed.emit()
