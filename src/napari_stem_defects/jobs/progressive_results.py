"""Partial results of a detection that is running, each finer or larger than the one before.

The sliding window gives a coarse result after a sixteenth of the windows; dense inference gives
the part of the image that is done. Post-processing takes a while for a large image. Partial
results are therefore computed only as long as all of them together take at most `SHARE` of the
time of the scan.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.progress import Progress, ProgressCallback
from napari_stem_defects.detection.frame_result import FrameResult, PartialResultProgress
from napari_stem_defects.inference.strategy import CoarseMapProgress
from napari_stem_defects.lattice.scale import (
    match_scale,
    scale_positions,
)
from napari_stem_defects.postprocessing.interpolation import upsample
from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.detection.cutout import Cutout
    from napari_stem_defects.inference.predict import PartialProbabilities
    from napari_stem_defects.networks.spec import EnsembleSpec

SHARE = 0.08


@dataclass
class ProgressiveResults:
    """Computes partial results from the predictions of a scan that is running.

    Attributes
    ----------
    send_progress : callable
        Called with every progress; partial results come as `PartialResultProgress`.
    cutout : Cutout
    spec : EnsembleSpec
    frame : int
    parameters : mapping
        Parameters stored with the results, which include ``thresholds`` for all classes.
    provenance : mapping
        See `FrameResult`.
    """

    send_progress: ProgressCallback
    cutout: Cutout
    spec: EnsembleSpec
    frame: int
    parameters: Mapping[str, Any]
    provenance: Mapping[str, Any]
    _started: float = field(default_factory=lambda: time.monotonic())
    _spent_s: float = 0.0
    _each_s: float = 0.0
    _has_coarse: bool = False

    def report(self, progress: Progress) -> None:
        """Pass a report on; predictions on the coarse grid become a result."""
        if isinstance(progress, CoarseMapProgress):
            self._show(progress, progress.probability, progress.y, progress.x)
            self._has_coarse = True
            self._spent_s = 0.0  # it was always there; only what follows is on top
        else:
            self.send_progress(progress)

    def watch(self, so_far: PartialProbabilities) -> None:
        """Send the predictions so far as a result, unless that exceeds the share of time."""
        done, total = int(np.count_nonzero(so_far.predicted)), so_far.predicted.size
        elapsed = time.monotonic() - self._started
        if self._each_s + self._spent_s >= SHARE * elapsed or done == total:
            return
        y, x = so_far.grid
        progress = Progress("scanning", done, total)
        if self._has_coarse:
            self._show(progress, _filled(so_far), y, x)
        else:
            self._show(progress, so_far.probability.copy(), y, x, so_far.predicted.copy())

    def _show(
        self,
        progress: Progress,
        probability: NDArray[np.float32],
        y: NDArray[np.int64],
        x: NDArray[np.int64],
        valid: NDArray[np.bool_] | None = None,
    ) -> None:
        began = time.monotonic()
        result = self._result(probability, y, x, valid)
        self.send_progress(
            PartialResultProgress(progress.stage, progress.done, progress.total, result=result)
        )
        self._each_s = time.monotonic() - began
        self._spent_s += self._each_s

    def _result(
        self,
        probability: NDArray[np.float32],
        y: NDArray[np.int64],
        x: NDArray[np.int64],
        valid: NDArray[np.bool_] | None,
    ) -> FrameResult:
        """Return the result of predictions (C, gy, gx) at centres in px of the model."""
        if valid is None:
            valid = np.ones(probability.shape[1:], bool)
        factor = match_scale(self.cutout.part, self.spec.target_scale).factor
        rows, columns = (scale_positions(at, 1 / factor).astype(np.float32) for at in (y, x))
        found = ProbabilityMap(
            probability, rows, columns, self.spec.classes, valid, self.spec.class_data
        )
        parameters = {**self.parameters, "resampling_factor": factor, "finished": False}
        whole = self.cutout.whole
        result = FrameResult.from_probability(
            self.cutout.in_whole(found), whole, self.frame, parameters
        )
        return replace(result, provenance=self.provenance)


def _filled(so_far: PartialProbabilities) -> NDArray[np.float32]:
    """Return predictions (C, gy, gx), missing ones interpolated from the coarse grid."""
    # Imported here because it brings torch, which only the worker for long work needs.
    from napari_stem_defects.inference.sliding_window import COARSE_STEP

    height, width = so_far.predicted.shape
    rows, columns = (
        np.arange(0, length, COARSE_STEP, dtype=np.float32) for length in (height, width)
    )
    drawn = [
        upsample(values[::COARSE_STEP, ::COARSE_STEP], rows, columns, (height, width))
        for values in so_far.probability
    ]
    return np.where(so_far.predicted, so_far.probability, drawn).astype(np.float32)
