"""View model of the panel Detect defects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from napari_stem_defects.detection.frame_result import (
    FrameResult,
    PartialResultProgress,
)
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.choose import LibraryChoice
from napari_stem_defects.io.models.library import list_models
from napari_stem_defects.jobs.corrections import Correction, differs
from napari_stem_defects.jobs.registry import (
    APPLY_THRESHOLDS,
    CHOOSE_MODEL,
    DETECT,
    EXPORT_RESULTS,
    ApplyThresholdsArguments,
    ChooseModelArguments,
    DetectArguments,
    ExportResultsArguments,
)
from napari_stem_defects.jobs.result_tasks import SAVE_RESULTS, SaveResultsArguments
from napari_stem_defects.napari_plugin.panels.common.job_state import JobState, LatestJob, Submit
from napari_stem_defects.napari_plugin.panels.detect.corrections import Corrections
from napari_stem_defects.napari_plugin.panels.detect.frame_results import FrameResults
from napari_stem_defects.napari_plugin.panels.detect.request import DetectRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import Progress
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.jobs.opened_result import OpenedResult
    from napari_stem_defects.postprocessing.results import Region

# If the worker process dies during a frame, the frame is searched again.
_ATTEMPTS = 3
_TRIED_FRAMES = 16
"""Frames of a stack that are tried until one shows a lattice."""
NO_RESULT = "there is no result to export; run the detection first"
NO_PROBABILITY = "no probabilities are stored: thresholds and regions cannot be changed"


class DetectViewModel:
    """Detects frame by frame and applies thresholds to the stored probabilities.

    Parameters
    ----------
    submit : callable
        Submits jobs to the workers.

    Attributes
    ----------
    run, exporting : JobState
        State of the detection and of the export.
    request : DetectRequest or None
        Settings of the last run.
    results : FrameResults
        Result of each frame, by its index.
    thresholds : dict
        Probability threshold of each class of the selected model.
    corrections : Corrections
        Corrections of the results.
    """

    started = Signal(DetectRequest)
    """A run begins; the results of the previous run were dropped."""
    frame_found = Signal(FrameResult)
    """A frame has a new result: coarse, final, or with other thresholds."""
    model_chosen = Signal(LibraryChoice)
    """A model was chosen automatically, or none fits."""
    thresholds_changed = Signal()
    """Another model with other thresholds was selected."""
    opened = Signal()
    """Results of a folder were opened, or saved."""

    def __init__(self, submit: Submit) -> None:
        self.run = JobState(submit)
        self.run.progressed.connect(self._on_step)
        self.run.changed.connect(self._on_run)
        self.exporting = JobState(submit)
        self._thresholding = LatestJob(submit, self._on_thresholded, self.run.fail)
        self.request: DetectRequest | None = None
        self.results = FrameResults()
        self.thresholds: dict[str, float] = {}
        self.corrections = Corrections()
        self._entry: ModelEntry | None = None
        self._image: Micrograph | None = None
        self._outdated: set[int] = set()

    def use_model(self, entry: ModelEntry) -> None:
        """Select a model and use its thresholds; results of another model keep theirs."""
        if entry == self._entry:
            return
        self._entry, spec = entry, entry.spec
        if self.results.opened is not None:
            return  # opened results keep their thresholds until the next run
        self.thresholds = {name: spec.threshold(name) for name in spec.classes}
        if self.request is not None and self.request.model == entry:
            self._outdated = set(self.results)
        self.thresholds_changed.emit()

    def start(self, request: DetectRequest) -> None:
        """Detect the frames of a request, one after the other."""
        was_opened = self.results.opened is not None
        self.forget_results()
        self.request = request
        if was_opened:
            self._entry = None
            self.use_model(request.model)
        self.started.emit(request)
        self._detect(0)

    def open_results(self, opened: OpenedResult) -> None:
        """Continue with the results of a folder, with its thresholds and corrections."""
        self.forget_results()
        self.results.open(opened)
        self.thresholds = opened.thresholds
        self.corrections.restore([Correction(**each) for each in opened.corrections])
        self.describe_opened(opened.frames[0])  # until the viewer states which frame it shows
        self.thresholds_changed.emit()
        self.opened.emit()

    def forget_results(self) -> None:
        """Drop the results of the last run, or those that were opened; their layers stay."""
        self._thresholding.discard()
        if not self.exporting.busy:
            self.exporting.show_message("")  # where earlier results were written
        self.request, self._image = None, None
        self.results.clear()
        self.corrections.clear()
        self._outdated.clear()

    def describe_opened(self, frame: int) -> None:
        """State what opened results show and lack; of a batch also whose image a frame is."""
        if (opened := self.results.opened) is not None:
            advice = "" if opened.has_probability else NO_PROBABILITY
            shown = (opened.title(frame), self.results.summary(), *opened.notes(), advice)
            self.run.finish(" · ".join(filter(None, shown)))

    @property
    def is_changed(self) -> bool:
        """Whether thresholds or corrections of opened results differ from those stored."""
        opened = self.results.opened
        if opened is None:
            return False
        stored = [Correction(**each) for each in opened.corrections]
        return self._run_thresholds() != opened.thresholds or stored != list(self.corrections.made)

    @property
    def classes(self) -> tuple[DefectClass, ...]:
        """Classes of the opened results, or of the model in use."""
        if (opened := self.results.opened) is not None:
            return opened.classes
        return () if self._entry is None else self._entry.spec.class_data

    def choose_model(
        self, name: str, read_frame: Callable[[int], FrameInput], frames: Sequence[int]
    ) -> None:
        """Choose the model whose lattice fits the first usable frame; `model_chosen` follows."""

        def on_chosen(position: int, choice: LibraryChoice) -> None:
            following = position + 1
            if choice.measured.cell is None and following < min(len(frames), _TRIED_FRAMES):
                choose(following)
                return
            if choice.entry is None:
                self.forget_results()
                self.run.finish(choice.statement)
            self.model_chosen.emit(choice)

        def choose(position: int) -> None:
            try:
                arguments = ChooseModelArguments(read_frame(frames[position]), list_models())
            except InputError as error:
                self.run.fail(str(error))
                return
            job = CHOOSE_MODEL.job(arguments, subject=name)
            self.run.start(job, lambda choice: on_chosen(position, choice))

        self._thresholding.discard()
        choose(0)

    @property
    def entry(self) -> ModelEntry | None:
        """The model in use; None before one is selected or chosen."""
        return self._entry

    def set_threshold(self, class_name: str, value: float, frame: int) -> None:
        """Change one threshold; the given frame is updated at once, the others when shown."""
        self.thresholds[class_name] = value
        if class_name in self._run_thresholds():
            self._outdated = set(self.results)
        self.refresh(frame)

    def refresh(self, frame: int) -> None:
        """Apply the current thresholds and corrections to a frame whose result is outdated."""
        if self._is_outdated(frame):
            arguments = ApplyThresholdsArguments(
                self.results[frame], self._run_thresholds(), self.corrections.made
            )
            self._thresholding.request(APPLY_THRESHOLDS.job(arguments, subject="thresholds"))

    # Corrections and results

    def correct(self, region: Region, right: str) -> None:
        """Correct the class of a region, "Bulk" for no defect, and add it as a label."""
        result, opened = self.results.get(region.frame), self.results.opened
        if result is None or right == region.class_name:
            return
        if opened is not None:
            if not opened.has_probability:
                self.run.show_message(NO_PROBABILITY)
                return
            inner = opened.place(region.frame).frame
            image = opened.micrograph(region.frame)
            self.corrections.add(result, region, right, image, inner)
        elif self.request is not None:
            try:
                if self._image is None:
                    self._image = self._read_image(self.request).micrograph()
            except InputError as error:
                self.run.show_message(str(error))
                return
            self.corrections.add(result, region, right, self._image)
        self._outdated.add(region.frame)
        self.refresh(region.frame)

    def undo_correction(self) -> None:
        """Undo the last correction."""
        if made := self.corrections.made:
            self.corrections.undo()
            self._outdated.add(made[-1].frame)
            self.refresh(made[-1].frame)

    def save(self, out: Path | None = None) -> None:
        """Write opened results with the current thresholds and corrections.

        Parameters
        ----------
        out : Path, optional
            Parent folder for new results; by default the opened ones are replaced.
        """
        opened = self.results.opened
        if opened is None:
            return

        def on_saved(path: Path) -> None:
            if out is None:
                self._reopen(opened)
            self.exporting.finish(f"results written to {path}")

        opened.close()
        arguments = SaveResultsArguments(
            source=opened.folder,
            thresholds=self._run_thresholds() if opened.has_probability else {},
            corrections=self.corrections.made,
            out=out,
            fingerprints=[str(each.summary["fingerprint"]) for each in opened.members],
            images=[each.moved_to for each in opened.members],
        )
        self.exporting.start(SAVE_RESULTS.job(arguments, subject=opened.name), on_saved)

    def _reopen(self, opened: OpenedResult) -> None:
        try:
            opened.reload()
        except InputError as error:
            self.exporting.fail(str(error))
            return
        self._outdated.clear()
        self.results.open(opened)
        self.opened.emit()

    def export(self, folder: Path) -> None:
        """Write the result files of all frames with the current thresholds."""
        if self.results.opened is not None:
            self.save(folder)
            return
        if self.request is None or not self.results:
            self.exporting.fail(NO_RESULT)
            return
        try:
            image = self._read_image(self.request)
        except InputError as error:
            self.exporting.fail(str(error))
            return
        arguments = ExportResultsArguments(
            results=[self.results[frame] for frame in sorted(self.results)],
            thresholds=self._run_thresholds(),
            image=image,
            folder=folder,
            corrections=self.corrections.made,
        )
        job = EXPORT_RESULTS.job(arguments, subject=self.request.name)
        self.exporting.start(job, lambda path: self.exporting.finish(f"results written to {path}"))

    def _read_image(self, request: DetectRequest) -> FrameInput:
        """Return the image of the results; `InputError` if its shape has changed."""
        image = request.read_image()
        if any(each.numbered.shape[1:] != image.frame_shape for each in self.results.values()):
            raise InputError(
                f"{request.name}: the image has changed since the run; run the detection again"
            )
        return image

    def _detect(self, position: int) -> None:
        request = self.request
        if request is None:
            return
        frame = request.frames[position]
        try:
            frame_input = request.read_frame(frame)
        except InputError as error:
            self.run.fail(str(error))
            return
        arguments = DetectArguments(
            frame=frame_input,
            index=frame,
            model=request.model.path,
            stride=request.stride,
            thresholds=self._run_thresholds(),
            device=request.device,
            area=request.area,
            choice=request.choice,
            contrast=request.contrast,
        )
        job = DETECT.job(arguments, subject=request.name, attempts=_ATTEMPTS)
        part = position, len(request.frames)
        self.run.start(job, lambda result: self._on_detected(position, result), part=part)

    def _on_step(self, progress: Progress) -> None:
        if isinstance(progress, PartialResultProgress):
            self._keep(progress.result)

    def _on_detected(self, position: int, result: FrameResult) -> None:
        self._keep(result)
        if self.request is not None and position + 1 < len(self.request.frames):
            self._detect(position + 1)
        else:
            self._conclude()

    def _conclude(self) -> None:
        """End the run with the number of regions, the part searched and the time taken."""
        seconds = sum(result.seconds for result in self.results.values())
        where = "" if self.request is None else self.request.part_searched
        factors = {r.parameters.get("resampling_factor", 1.0) for r in self.results.values()}
        warnings = [str(w) for r in self.results.values() for w in r.parameters.get("warnings", ())]
        where += "".join(f" · {text}" for text in dict.fromkeys(warnings))
        scaled = "" if factors == {1.0} else f" · resampled {max(factors):.3g} times"
        self.run.finish(f"{self.results.summary()}{where}{scaled} · {seconds:.1f} s")

    def _on_run(self) -> None:
        if self.run.phase == "cancelled" and self.request is not None:
            kept = self.results.describe_cancelled(len(self.request.frames))
            if kept not in ("", self.run.message):
                self.run.show_message(kept)

    def _run_thresholds(self) -> dict[str, float]:
        """Return the current thresholds of the classes of the model that was run."""
        if (opened := self.results.opened) is not None:
            known = set(opened.thresholds)
        else:
            request = self.request
            known = set(self.thresholds if request is None else request.model.spec.classes)
        return {name: value for name, value in self.thresholds.items() if name in known}

    def _is_outdated(self, frame: int) -> bool:
        """Return whether a frame needs other thresholds or corrections than its result has."""
        opened = self.results.opened
        if opened is None:
            return frame in self._outdated
        if not opened.has_probability or (result := self.results.get(frame)) is None:
            return False
        return differs(result, self._run_thresholds(), self.corrections.made)

    def _keep(self, result: FrameResult) -> None:
        self.results[result.frame] = result
        if any(result.thresholds[name] != value for name, value in self._run_thresholds().items()):
            self._outdated.add(result.frame)
            self.refresh(result.frame)
        self.frame_found.emit(result)

    def _on_thresholded(self, result: Any) -> None:
        kept = self.results.get(result.frame)
        if kept is None or not np.array_equal(kept.map.probability, result.map.probability):
            return  # a more complete result has arrived meanwhile
        self._outdated.discard(result.frame)
        self._keep(result)
        if self.run.phase == "done" and self.results.opened is None:
            self._conclude()
