"""Detection on many files, frame by frame and resumable.

The result of each frame is stored as soon as it is finished, so that the same call continues a
batch that was interrupted. Processes and machines receive paths, not pixels, and need access to
the same folders.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import BrokenExecutor, Future, wait
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from napari_stem_defects.api.survey_fallback import survey_nameless
from napari_stem_defects.base.internal_fault import internal_fault
from napari_stem_defects.base.progress import Cancelled, Progress, ProgressCallback, silent
from napari_stem_defects.base.spread_order import spread_order
from napari_stem_defects.detection.nothing_fits import NO_MODEL
from napari_stem_defects.errors import (
    InputError,
    InUseError,
    ModelError,
    OutputError,
    OverwriteError,
)
from napari_stem_defects.io.models.choose import choose_for_frames
from napari_stem_defects.io.models.model_file import read_spec
from napari_stem_defects.io.results.result_folder import ResultFolder, open_results
from napari_stem_defects.io.write_lock import FolderLocks
from napari_stem_defects.jobs.batch_frame import (
    CalibratedImage,
    FrameTask,
    ImageChoice,
    Settings,
    read_once,
)
from napari_stem_defects.jobs.executors import HERE, Workers, threads_for
from napari_stem_defects.jobs.in_order import in_order
from napari_stem_defects.lattice.scale import match_scale
from napari_stem_defects.workers.isolated_read import read_ahead
from napari_stem_defects.workers.stack_on_demand import is_on_demand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.networks.spec import EnsembleSpec

_STEPS = 1000
_POLL_S = 0.2
_SMALL_FILE = 2**26


@dataclass(frozen=True)
class Outcome:
    """Outcome of one image of a batch.

    Attributes
    ----------
    image : Path
    folder : Path or None
        Folder of its results.
    fault : str
        Why there are no results, in one line; "" if there are.
    """

    image: Path
    folder: Path | None = None
    fault: str = ""


def detect_files(
    images: Sequence[Path],
    settings: Settings,
    *,
    workers: Workers = HERE,
    report: ProgressCallback = silent,
) -> Iterator[Outcome]:
    """Search images and stacks and write their results; finished frames are skipped.

    Parameters
    ----------
    images : sequence of Path
    settings : Settings
    workers : Workers
        `HERE`, or an executor of `executors` or `cluster`.
    report : callable
        Called after every batch of windows (`HERE`) or after every frame.

    Yields
    ------
    Outcome
        One per image, in their order. An image that cannot be used, whose earlier results were
        corrected manually or whose folder another program is writing does not stop the others.

    Raises
    ------
    ModelError, OutputError
        The model cannot be used, or nothing can be written: this concerns all images.
    InputError
        A worker process died.
    """
    given = None if settings.model is None else _Chosen.of(ImageChoice(settings.model))
    waiting: deque[_Opened | Outcome] = deque()
    with FolderLocks("search") as locks:
        batch = _Batch(settings, given, workers, _BatchProgress(report, len(images)), locks)
        for number, (image, following) in enumerate(zip_longest(images, images[1:])):
            waiting.append(batch.open(number, image, following))
            if len(waiting) > workers.ahead:
                yield batch.finish(waiting.popleft())
        while waiting:
            yield batch.finish(waiting.popleft())


def _is_small(path: Path) -> bool:
    """Return whether a file may be held in memory beside the image that is searched."""
    try:
        return path.stat().st_size <= _SMALL_FILE
    except OSError:
        return False


@dataclass(frozen=True)
class _Chosen:
    """The model for an image and its description; None where no model fits."""

    choice: ImageChoice
    spec: EnsembleSpec | None = None
    sha256: str = ""
    frame: int | None = None  # that it was chosen by

    @classmethod
    def of(cls, choice: ImageChoice) -> _Chosen:
        return cls(choice) if choice.model is None else cls(choice, *read_spec(choice.model))

    @property
    def model(self) -> Mapping[str, str]:
        """Name and hash of the model, as stored in the results."""
        name = NO_MODEL if self.spec is None else self.spec.name
        return {"name": name, "sha256": self.sha256}


@dataclass(frozen=True)
class _Opened:
    """An image whose frames have been submitted."""

    number: int
    image: CalibratedImage
    folder: ResultFolder
    frames: Sequence[Future[None]]
    model: Mapping[str, str]


@dataclass(frozen=True)
class _BatchProgress:
    """Combines images, frames and windows into one progress."""

    report: ProgressCallback
    images: int

    def report_share(self, image: int, share: float) -> None:
        done = round(_STEPS * (image + share) / self.images)
        self.report(Progress("detecting", done, _STEPS))

    def within(self, image: int, before: float, frames: int) -> ProgressCallback:
        def report_share(progress: Progress) -> None:
            inside = progress.done / max(progress.total, 1) if progress.stage == "scanning" else 0
            self.report_share(image, (before + inside) / frames)

        return report_share


@dataclass(frozen=True)
class _Batch:
    settings: Settings
    given: _Chosen | None
    workers: Workers
    progress_of_batch: _BatchProgress
    locks: FolderLocks

    def open(self, number: int, path: Path, following: Path | None) -> _Opened | Outcome:
        """Read an image and submit its unfinished frames; begin to read the following one."""
        try:
            signal = self.settings.signal
            micrograph = read_once(path, signal)
            if following is not None and following != path and _is_small(following):
                read_ahead(following, signal)
            for frame in self.settings.frames or ():
                micrograph.frame(frame)  # raises if the frame does not exist
            if self.settings.pixel_size_nm is not None:
                micrograph = micrograph.with_pixel_size(self.settings.pixel_size_nm, "user")
            chosen = self.given or self._choose(micrograph)
            micrograph = self._calibrated(micrograph, chosen)
        except InputError as error:
            return Outcome(path, fault=str(error))
        except Exception as error:
            return self._internal_fault(path, error)
        size, area = micrograph.pixel_size_nm, self.settings.area
        shaping: dict[str, Any] = {
            "stride_px": self.settings.stride,
            "pixel_size_nm": size,
            "model": None if chosen.spec is None else chosen.spec.to_dict(),
            "area_px": None if area is None else area.to_json(),
            "thresholds": dict(self.settings.thresholds),
        }
        if self.settings.contrast != "auto":
            shaping["contrast"] = self.settings.contrast
        if chosen.choice.statement:
            shaping["model_choice"] = chosen.choice.statement
        try:
            folder = open_results(
                self.settings.out,
                micrograph,
                chosen.model,
                shaping,
                self.settings.frames,
                overwrite=self.settings.overwrite,
                pictures=self.settings.pictures,
                lock=self.locks.take,
            )
        except (OverwriteError, InUseError) as error:
            return Outcome(path, fault=str(error))
        opened = micrograph if is_on_demand(micrograph) else None
        image = CalibratedImage(path, size, micrograph.pixel_size_source, signal, opened)
        left = sorted(set(folder.frames) - folder.finished_frames())
        skipped, count = len(folder.frames) - len(left), len(folder.frames)
        futures = []
        for place, frame in enumerate(left):
            report = self.progress_of_batch.within(number, skipped + place, count)
            task = FrameTask(
                image, frame, folder, self.settings, chosen.choice, count, chosen.sha256
            )
            futures.append(self.workers.submit(task.without_other_frames(), report))
        return _Opened(number, image, folder, futures, chosen.model)

    def _choose(self, micrograph: Micrograph) -> _Chosen:
        """Choose the model of the library whose lattice fits frames of the stack."""
        choice = choose_for_frames(micrograph, self._frames(micrograph))
        model = None if choice.entry is None else choice.entry.path
        return replace(_Chosen.of(ImageChoice(model, choice.statement)), frame=choice.frame)

    def _frames(self, micrograph: Micrograph) -> Sequence[int]:
        """Return the frames that are searched."""
        return self.settings.frames or range(micrograph.frame_count)

    def _calibrated(self, micrograph: Micrograph, chosen: _Chosen) -> Micrograph:
        """Give a whole stack the calibration of a frame: the first that shows the lattice."""
        if chosen.spec is None or micrograph.pixel_size_source == "user":
            return micrograph
        target = chosen.spec.target_scale
        frames = spread_order(self._frames(micrograph)) if chosen.frame is None else [chosen.frame]
        for frame in frames:
            matched = match_scale(micrograph.frame(frame), target).micrograph
            if matched.pixel_size_nm is not None:
                return micrograph.with_pixel_size(matched.pixel_size_nm, matched.pixel_size_source)
            if not target.measures_pixel_size:
                break
        return micrograph

    def finish(self, opened: _Opened | Outcome) -> Outcome:
        """Wait for an image's frames, merge them and give its folder back."""
        if isinstance(opened, Outcome):
            return opened
        try:
            return self._finish(opened)
        finally:
            self.locks.give_back(opened.folder.path)

    def _finish(self, opened: _Opened) -> Outcome:
        path, folder = opened.image.path, opened.folder
        try:
            self._wait_for_all(opened)
        except (ModelError, OutputError):
            raise
        except BrokenExecutor:
            advice = "most likely because memory is too small; run again with fewer --workers"
            raise InputError(f"{path.name}: a worker process died, {advice}") from None
        except Exception as error:
            for future in opened.frames:
                future.cancel()
            if isinstance(error, InputError):
                return Outcome(path, fault=str(error))
            return self._internal_fault(path, error)
        is_new = not folder.finished
        try:
            if is_new:
                folder.merge(opened.image.read(), opened.model)
        except OverwriteError as error:
            return Outcome(path, fault=str(error))
        survey_nameless(
            folder.path,
            folder.frames,
            opened.image.read,
            renew=is_new,
            survey_frames=lambda survey_of, frames, shape: in_order(
                survey_of, frames, threads_for(len(frames), shape)
            ),
        )
        return Outcome(path, folder.path)

    def _internal_fault(self, path: Path, error: Exception) -> Outcome:
        """Return the fault of one image of many, which does not stop the others."""
        if isinstance(error, Cancelled) or self.progress_of_batch.images == 1:
            raise error
        return Outcome(path, fault=internal_fault(path.name, error))

    @staticmethod
    def _wait_for(future: Future[None]) -> None:
        """Wait in short steps: Windows delivers Ctrl-C only between them."""
        while not wait([future], timeout=_POLL_S).done:
            pass

    def _wait_for_all(self, opened: _Opened) -> None:
        for place, future in enumerate(opened.frames):
            if not future.done():
                self._wait_for(future)
                self.progress_of_batch.report_share(opened.number, (place + 1) / len(opened.frames))
            future.result()
        self.progress_of_batch.report_share(opened.number, 1)
