"""What the window "Detect defects" knows and does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_stem_defects.base.defect_classes import kind_of
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.errors import InputError
from napari_stem_defects.napari_plugin.panels.common.job_state import Latest, Run, Submit
from napari_stem_defects.napari_plugin.panels.detect.corrections import Corrections
from napari_stem_defects.postprocessing.regions import (
    totals,
)
from napari_stem_defects.workers.messages import Job

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import Progress
    from napari_stem_defects.base.search_area import (
        SearchArea,
    )
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.postprocessing.results import (
        ClassTotal,
        Region,
    )

_TASKS = "napari_stem_defects.jobs.tasks"
# A worker that dies in the middle of a frame gets it again.
_ATTEMPTS = 3
_UNFINISHED = "cancelled; what is shown is not finished"


@dataclass(frozen=True)
class DetectRequest:
    """One press of Run.

    Attributes
    ----------
    name : str
        Name of the image.
    take : callable
        Returns a frame by its index when its turn comes; raises `InputError` where the image
        has gone.
    whole : callable
        Returns the whole image, all frames, for the result files.
    frames : sequence of int
        Which frames, in order.
    model : ModelEntry
    stride : int
        Step between windows in px of the model.
    device : str
        "auto", "cpu", "cuda" or "mps".
    area : Area or None
        The only part to search.
    searched : str
        What that is, in words.
    """

    name: str
    take: Callable[[int], FrameInput]
    whole: Callable[[], FrameInput]
    frames: Sequence[int]
    model: ModelEntry
    stride: int
    device: str = "auto"
    area: SearchArea | None = None
    searched: str = "all of the image"


class DetectModel:
    """Detects frame by frame, keeps the probabilities, applies thresholds to them at once.

    Parameters
    ----------
    long, quick : callable
        Hand jobs to the worker for long and for quick work.
    """

    started = Signal(DetectRequest)
    """A run begins; results of the one before are gone."""
    frame_found = Signal(FrameResult)
    """A frame has a result: coarse, final or with other thresholds."""
    thresholds_changed = Signal()

    def __init__(self, long: Submit, quick: Submit) -> None:
        self.run = Run(long)
        self.run.stepped.connect(self._on_step)
        self.run.changed.connect(self._on_run)
        self.exporting = Run(quick)
        self._fusing = Latest(quick, self._on_fused, self.run.fail)
        self.request: DetectRequest | None = None
        self.results: dict[int, FrameResult] = {}
        self.thresholds: dict[str, float] = {}
        self.corrections = Corrections()
        self._entry: ModelEntry | None = None
        self._image: Micrograph | None = None
        self._stale: set[int] = set()

    def use_model(self, entry: ModelEntry) -> None:
        """Take over a model's own thresholds; results of another model keep theirs."""
        if entry == self._entry:
            return
        self._entry, spec = entry, entry.spec
        self.thresholds = {name: spec.threshold(name) for name in spec.classes}
        if self.request is not None and self.request.model == entry:
            self._stale = set(self.results)
        self.thresholds_changed.emit()

    def start(self, request: DetectRequest) -> None:
        """Detect the frames asked for, one after the other."""
        self._fusing.forget()
        self.request, self._image = request, None
        self.corrections.forget()
        self.results.clear()
        self._stale.clear()
        self.started.emit(request)
        self._detect(0)

    def set_threshold(self, class_name: str, value: float, frame: int) -> None:
        """Change one threshold; the frame shown is fused again at once, others when shown."""
        self.thresholds[class_name] = value
        if class_name in self._limits():
            self._stale = set(self.results)
        self.refresh(frame)

    def refresh(self, frame: int) -> None:
        """Bring a frame's result up to the thresholds and corrections, if it is not."""
        if frame in self._stale:
            arguments = {
                "result": self.results[frame],
                "thresholds": self._limits(),
                "corrections": self.corrections.made,
            }
            self._fusing.ask(Job(f"{_TASKS}:fuse_again", arguments, subject="thresholds"))

    # What is where

    def probabilities_at(self, frame: int, y: float, x: float) -> dict[str, float] | None:
        """Return the probability of every class in the window nearest to a point.

        None where nothing was asked about that place.
        """
        result = self.results.get(frame)
        if result is None:
            return None
        height, width = result.numbered.shape[1:]
        if not (-0.5 <= y < height - 0.5 and -0.5 <= x < width - 0.5):
            return None
        if result.invalid is not None and result.invalid[round(y), round(x)]:
            return None
        row, column = abs(result.map.y - y).argmin(), abs(result.map.x - x).argmin()
        values = result.map.probability[:, row, column]
        return dict(zip(result.map.classes, map(float, values), strict=True))

    def region_at(self, frame: int, y: float, x: float) -> Region | None:
        """Return the region at a point; where several overlap, point defects go first."""
        result = self.results.get(frame)
        if result is None:
            return None
        row, column = round(y), round(x)
        height, width = result.numbered.shape[1:]
        if not (0 <= row < height and 0 <= column < width):
            return None
        numbers = dict(zip(result.names, result.numbered[:, row, column], strict=True))
        here = [each for each in result.regions if numbers[each.class_name] == each.region]
        return min(here, key=lambda r: (kind_of(r.class_name) != "point", r.area_px), default=None)

    # Corrections

    def correct(self, region: Region, right: str) -> None:
        """Say that a region is of another class, or "Bulk": no defect. It becomes a label."""
        result = self.results.get(region.frame)
        if result is None or self.request is None or right == region.class_name:
            return
        try:
            if self._image is None:
                self._image = self._whole(self.request).micrograph()
        except InputError as error:
            self.run.tell(str(error))
            return
        self.corrections.add(result, region, right, self._image)
        self._stale.add(region.frame)
        self.refresh(region.frame)

    def take_correction_back(self) -> None:
        """Undo the last correction."""
        if made := self.corrections.made:
            self.corrections.take_back()
            self._stale.add(made[-1].frame)
            self.refresh(made[-1].frame)

    def regions(self) -> list[Region]:
        """Return the regions of all frames."""
        return [region for result in self.results.values() for region in result.regions]

    def counts(self) -> dict[str, ClassTotal]:
        """Return count, area and length of every class over all frames."""
        first = next(iter(self.results.values()), None)
        return dict(totals(self.regions(), first.names)) if first else {}

    def summary(self) -> str:
        """Return what was found, in one line."""
        found = {name: total.count for name, total in self.counts().items() if total.count}
        where = "" if len(self.results) == 1 else f" in {len(self.results)} frames"
        listed = ", ".join(f"{count} {name}" for name, count in found.items())
        return f"{listed or 'no defects'}{where}"

    def export(self, folder: Path) -> None:
        """Write the result files of all frames, with the thresholds shown."""
        if self.request is None or not self.results:
            self.exporting.fail("nothing to export yet; run the detection first")
            return
        try:
            image = self._whole(self.request)
        except InputError as error:
            self.exporting.fail(str(error))
            return
        arguments = {
            "results": [self.results[frame] for frame in sorted(self.results)],
            "thresholds": self._limits(),
            "image": image,
            "folder": folder,
            "corrections": self.corrections.made,
        }
        job = Job(f"{_TASKS}:export", arguments, subject=self.request.name)
        self.exporting.start(job, lambda path: self.exporting.finish(f"written to {path}"))

    def _whole(self, request: DetectRequest) -> FrameInput:
        """Return the image of the results; `InputError` where other pixels have taken its place."""
        image = request.whole()
        if any(each.numbered.shape[1:] != image.frame_shape for each in self.results.values()):
            raise InputError(f"{request.name}: the image has changed since; run again")
        return image

    def _detect(self, position: int) -> None:
        request = self.request
        if request is None:
            return
        frame = request.frames[position]
        try:
            taken = request.take(frame)
        except InputError as error:
            self.run.fail(str(error))
            return
        arguments = {
            "frame": taken,
            "index": frame,
            "model": request.model.path,
            "stride": request.stride,
            "thresholds": self._limits(),
            "device": request.device,
            "area": request.area,
        }
        job = Job(f"{_TASKS}:detect", arguments, subject=request.name, attempts=_ATTEMPTS)
        self.run.start(
            job,
            lambda result: self._on_detected(position, result),
            part=(position, len(request.frames)),
        )

    def _on_step(self, progress: Progress) -> None:
        if partial := progress.detail.get("partial"):
            self._keep(partial)

    def _on_detected(self, position: int, result: FrameResult) -> None:
        self._keep(result)
        if self.request is not None and position + 1 < len(self.request.frames):
            self._detect(position + 1)
        else:
            self._conclude()

    def _conclude(self) -> None:
        """Say what was found, where, and how long it took."""
        seconds = sum(result.seconds for result in self.results.values())
        where = "" if self.request is None else f" · searched {self.request.searched}"
        factors = {r.parameters.get("resampling_factor", 1.0) for r in self.results.values()}
        scaled = "" if factors == {1.0} else f", resampled {max(factors):.3g} times"
        self.run.finish(f"{self.summary()}{where}{scaled} · {seconds:.1f} s")

    def _on_run(self) -> None:
        unfinished = not all(each.finished for each in self.results.values())
        if self.run.phase == "cancelled" and unfinished and self.run.message != _UNFINISHED:
            self.run.tell(_UNFINISHED)

    def _limits(self) -> dict[str, float]:
        """Return the thresholds shown, for the classes of the model that was run."""
        known = self.thresholds if self.request is None else self.request.model.spec.classes
        return {name: value for name, value in self.thresholds.items() if name in known}

    def _keep(self, result: FrameResult) -> None:
        self.results[result.frame] = result
        if any(result.thresholds[name] != value for name, value in self._limits().items()):
            self._stale.add(result.frame)
            self.refresh(result.frame)
        self.frame_found.emit(result)

    def _on_fused(self, result: Any) -> None:
        kept = self.results.get(result.frame)
        if kept is None or not np.array_equal(kept.map.probability, result.map.probability):
            return  # a finer result has come meanwhile
        self._stale.discard(result.frame)
        self._keep(result)
        if self.run.phase == "done":
            self._conclude()
