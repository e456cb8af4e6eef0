"""Detection in one frame of a batch: read, detect, store the result."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

from napari_stem_defects.api.detect import detect_with
from napari_stem_defects.base.out_of_memory import ADVICE, is_out_of_memory
from napari_stem_defects.base.progress import ProgressCallback, silent
from napari_stem_defects.detection.nothing_fits import nothing_fits
from napari_stem_defects.errors import InputError, ModelError
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.models.kept_models import kept_model
from napari_stem_defects.io.results.frame_pages import DEFAULT_PICTURES, Pictures
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.workers.stack_on_demand import open_micrograph

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph, PixelSizeSource
    from napari_stem_defects.base.search_area import SearchArea
    from napari_stem_defects.detection.contrast import ContrastChoice
    from napari_stem_defects.io.images.signals import SignalChoice
    from napari_stem_defects.io.results.result_folder import ResultFolder
    from napari_stem_defects.networks.spec import Ensemble


@dataclass(frozen=True)
class Settings:
    """Settings of a batch.

    Attributes
    ----------
    out : Path
        Folder of the results.
    model : Path or None
        A model file; None for the model of the library whose lattice fits each image.
    stride : int or None
        Step of the sliding window in px at the pixel size of the model; None for the default of
        the model.
    pixel_size_nm : float or None
        Replaces the pixel size in the files.
    device : {"auto", "cpu", "cuda", "mps"}
    overwrite : bool
        Whether results with manual corrections may be replaced.
    frames : tuple of int or None
        The only frames to search.
    area : SearchArea or None
        The only part of the frames to search.
    thresholds : mapping of str to float
        Probability thresholds that replace those of the model.
    contrast : {"auto", "bright", "dark"}
        Whether columns are bright or dark.
    pictures : {"all", "summary", "none"}
        Which pictures are drawn; see `io.results.frame_pages`.
    signal : str, int or None
        Of files with several signals, the one to search.
    """

    out: Path
    model: Path | None = None
    stride: int | None = None
    pixel_size_nm: float | None = None
    device: str = "auto"
    overwrite: bool = False
    frames: tuple[int, ...] | None = None
    area: SearchArea | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    contrast: ContrastChoice = "auto"
    pictures: Pictures = DEFAULT_PICTURES
    signal: SignalChoice = None


@dataclass(frozen=True)
class CalibratedImage:
    """A file and the calibration of all its frames, which therefore share one grid of windows.

    Attributes
    ----------
    path : Path
    pixel_size_nm : float or None
    pixel_size_source : str
    signal : str, int or None
        Of a file with several signals, the one that is read.
    opened : Micrograph or None
        A large stack, whose frames are read on demand; None if the file is read as a whole.
    """

    path: Path
    pixel_size_nm: float | None
    pixel_size_source: PixelSizeSource
    signal: SignalChoice = None
    opened: Micrograph | None = None

    def read(self) -> Micrograph:
        """Read the file, or return the micrograph if this file was read last or is open."""
        return replace(
            self.opened or read_once(self.path, self.signal),
            pixel_size_nm=self.pixel_size_nm,
            pixel_size_source=self.pixel_size_source,
        )


@dataclass(frozen=True)
class ImageChoice:
    """The model that an image is searched with.

    Attributes
    ----------
    model : Path or None
        A model file; None where no model fits.
    statement : str
        Why it was chosen automatically, or why none was; "" if it was given.
    """

    model: Path | None
    statement: str = ""


@dataclass(frozen=True)
class FrameTask:
    """One frame to be searched; small, so that it can be sent to any process.

    Attributes
    ----------
    image : CalibratedImage
    frame : int
        Index of the frame.
    folder : ResultFolder
    settings : Settings
    choice : ImageChoice
    of : int
        Number of frames of the image that are searched.
    model_sha256 : str
        Hash of the model that all frames are searched with; "" if any will do.
    """

    image: CalibratedImage
    frame: int
    folder: ResultFolder
    settings: Settings
    choice: ImageChoice
    of: int = 1
    model_sha256: str = ""

    def without_other_frames(self) -> FrameTask:
        """Return the task without what would be sent with each frame: their list, metadata."""
        folder, image = replace(self.folder, frames=(self.frame,)), self.image
        if image.opened is not None:
            image = replace(image, opened=replace(image.opened, metadata={}))
        settings = replace(self.settings, frames=None)
        return replace(self, image=image, folder=folder, settings=settings)


def detect_task(
    task: FrameTask,
    report: ProgressCallback = silent,
    threads: int | None = None,
    *,
    alone: bool = False,
) -> None:
    """Search one frame and write its result; a repetition writes the same result.

    Parameters
    ----------
    task : FrameTask
    report : callable
        Called with the progress after every batch of windows.
    threads : int, optional
        Threads of the networks; by default one per core. Sums depend on their number in the last
        digits.
    alone : bool
        Whether no other frame is searched at the same time, so that a large one may use helper
        processes.

    Raises
    ------
    InputError
        The image cannot be used, the result cannot be written, or there is too little memory.
    """
    try:
        return _detect(task, report, threads, alone)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    raise InputError(f"{task.image.path.name}: not enough memory; {ADVICE}")


def _detect(task: FrameTask, report: ProgressCallback, threads: int | None, alone: bool) -> None:
    settings, frame = task.settings, task.image.read().frame(task.frame)
    if task.choice.model is None:
        measured = measure_lattices(frame.pixels, frame.pixel_size_nm)
        found = nothing_fits(frame, measured, task.choice.statement, task.frame)
    else:
        ensemble = _load_same(task.choice.model, task.model_sha256)
        if threads is not None and not ensemble.spec.is_quick:
            # For the networks of the calling thread; quick models do without torch.
            import_module("torch").set_num_threads(threads)
        found = detect_with(
            ensemble,
            frame,
            area=settings.area,
            alone=alone,
            choice=task.choice.statement,
            frame=task.frame,
            stride=settings.stride,
            contrast=settings.contrast,
            thresholds=settings.thresholds,
            device=settings.device,
            report=report,
        )
    task.folder.write_frame(found)


@lru_cache(maxsize=1)
def read_once(path: Path, signal: SignalChoice = None) -> Micrograph:
    """Read an image once for all its frames; of a large stack, frames are read on demand.

    Parameters
    ----------
    path : Path
    signal : str, int or None

    Returns
    -------
    Micrograph
        The same object as long as no other file is read.
    """
    return open_micrograph(path, signal)


def _load_same(model: Path, sha256: str) -> Ensemble:
    """Load a model; refuse another one that has the same path, here or on another machine."""
    ensemble = kept_model(model)
    if sha256 and ensemble.sha256 != sha256:
        fault = f"is another model on {socket.gethostname()} than where the search began"
        raise ModelError(one_line(model, fault, "give all machines the same file"))
    return ensemble
