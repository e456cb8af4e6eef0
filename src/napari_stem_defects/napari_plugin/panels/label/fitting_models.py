"""Which models of the library may suggest windows: those whose lattice fits the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_stem_defects.jobs.lattice_tasks import MEASURE_LATTICES, MeasureLatticesArguments
from napari_stem_defects.napari_plugin.panels.common.job_state import LatestJob, Submit

if TYPE_CHECKING:
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.lattice.measurement import LatticeMeasurement


class FittingModels:
    """Measures the lattice of the image shown and decides which models fit it.

    Parameters
    ----------
    submit : callable
        Submits jobs to the workers.
    """

    changed = Signal()
    """The lattice of another image is known, or is being measured."""

    def __init__(self, submit: Submit) -> None:
        self._newest = LatestJob(submit, self._on_measured, self._on_failure)
        self._measured: LatticeMeasurement | None = None
        self._pixel_size_nm: float | None = None
        self.is_known = False

    def measure(self, frame: FrameInput | None) -> None:
        """Measure the lattice of a frame; None where there is no image."""
        self._measured, self.is_known = None, False
        self._newest.discard()
        self.changed.emit()
        if frame is not None:
            self._pixel_size_nm = frame.pixel_size_nm
            arguments = MeasureLatticesArguments(frame)
            self._newest.request(MEASURE_LATTICES.job(arguments, subject=frame.name))

    def fits(self, entry: ModelEntry) -> bool:
        """Return whether a model may suggest windows in the image.

        Parameters
        ----------
        entry : ModelEntry

        Returns
        -------
        bool
            True also for models that state no lattice, which are the only ones while the lattice is
            being measured. False for models of the lattice residual, which suggest no windows.
        """
        geometry = entry.spec.lattice_geometry
        if entry.spec.sees_residual:
            return False  # the survey shows what these are unsure of
        if geometry is None:
            return True
        cell = None if self._measured is None else self._measured.cell
        return cell is not None and geometry.misfit(cell, self._pixel_size_nm) <= 1

    @property
    def statement(self) -> str:
        """Why no model is offered, if there is none."""
        return "no model fits this image" if self.is_known else "measuring the lattice…"

    def _on_measured(self, measured: LatticeMeasurement) -> None:
        self._measured, self.is_known = measured, True
        self.changed.emit()

    def _on_failure(self, _: str) -> None:
        self.is_known = True
        self.changed.emit()
