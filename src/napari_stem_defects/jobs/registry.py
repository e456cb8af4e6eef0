"""Tasks that worker processes run for the panels, each with the class of its arguments.

The functions are in `tasks`. This module names them without importing them, so that a panel
submits a typed job (``DETECT.job(DetectArguments(...), subject=name)``) without loading torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_stem_defects.jobs.lattice_tasks import MEASURE_LATTICE, MEASURE_LATTICES
from napari_stem_defects.jobs.result_tasks import EXPORT_SURVEY, SAVE_RESULTS
from napari_stem_defects.workers.isolated_read import (
    LIST_SIGNALS,
    OPEN_MICROGRAPH,
    READ_ALL,
    READ_FRAME,
    READ_MICROGRAPH,
    READ_PATCHES,
)
from napari_stem_defects.workers.messages import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.search_area import SearchArea
    from napari_stem_defects.detection.contrast import ContrastChoice
    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.io.models.choose import LibraryChoice
    from napari_stem_defects.io.models.library import ModelEntry
    from napari_stem_defects.jobs.corrections import Correction
    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.jobs.live_map_request import LiveMap, LiveMapRequest
    from napari_stem_defects.jobs.training_summary import TrainingSummary
    from napari_stem_defects.lattice.scale import ScaleMatch
    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.preprocessing.pipeline import Stages
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.simulation.synthetic_edits import SyntheticDefects
    from napari_stem_defects.training.active_learning import Suggestion
    from napari_stem_defects.training.recipes import TrainingOptions

_TASKS = "napari_stem_defects.jobs.tasks"


# Preparation


@dataclass(frozen=True)
class LoadTorchArguments:
    """Arguments of `LOAD_TORCH`: none."""


@dataclass(frozen=True)
class ExplainScaleArguments:
    """Arguments of `EXPLAIN_SCALE`: a frame, and the model it is resampled for."""

    frame: FrameInput
    spec: EnsembleSpec


@dataclass(frozen=True)
class ComputeStagesArguments:
    """Arguments of `COMPUTE_STAGES`: pixels (Y, X), and the preprocessing settings."""

    pixels: NDArray[np.float32]
    settings: PreprocessingSettings


LOAD_TORCH: Task[LoadTorchArguments, None] = Task(
    f"{_TASKS}:load_torch", "long", LoadTorchArguments
)
EXPLAIN_SCALE: Task[ExplainScaleArguments, ScaleMatch] = Task(
    f"{_TASKS}:explain_scale", "quick", ExplainScaleArguments
)
COMPUTE_STAGES: Task[ComputeStagesArguments, Stages] = Task(
    f"{_TASKS}:compute_stages", "quick", ComputeStagesArguments
)


# Survey, detection and results


@dataclass(frozen=True)
class SurveyArguments:
    """Arguments of `SURVEY`: a frame, and its index in its stack."""

    frame: FrameInput
    index: int


@dataclass(frozen=True)
class ChooseModelArguments:
    """Arguments of `CHOOSE_MODEL`: the frame that decides, and the models to choose from."""

    frame: FrameInput
    entries: Sequence[ModelEntry]


@dataclass(frozen=True)
class DetectArguments:
    """Arguments of `DETECT`.

    Attributes
    ----------
    frame : FrameInput
    index : int
        Index of the frame in its stack.
    model : Path
        A model file.
    stride : int
        Step of the sliding window in px at the pixel size of the model.
    thresholds : mapping of str to float
        Probability thresholds that replace those of the model.
    device : {"auto", "cpu", "cuda", "mps"}
    area : SearchArea or None
        Part of the frame to search; None for all of it.
    choice : str
        Why the model was chosen automatically; "" if the user chose it.
    contrast : {"auto", "bright", "dark"}
        Whether columns are bright or dark.
    """

    frame: FrameInput
    index: int
    model: Path
    stride: int
    thresholds: Mapping[str, float]
    device: str
    area: SearchArea | None = None
    choice: str = ""
    contrast: ContrastChoice = "auto"


@dataclass(frozen=True)
class ApplyThresholdsArguments:
    """Arguments of `APPLY_THRESHOLDS`: a result, other thresholds, and corrections."""

    result: FrameResult
    thresholds: Mapping[str, float]
    corrections: Sequence[Correction] = ()


@dataclass(frozen=True)
class ExportResultsArguments:
    """Arguments of `EXPORT_RESULTS`.

    Attributes
    ----------
    results : sequence of FrameResult
        One per searched frame.
    thresholds : mapping of str to float
    image : FrameInput
        The image with all its frames.
    folder : Path
        The folder for the result folders of all images.
    overwrite : bool
        Whether results with manual corrections may be replaced.
    corrections : sequence of Correction
    """

    results: Sequence[FrameResult]
    thresholds: Mapping[str, float]
    image: FrameInput
    folder: Path
    overwrite: bool = False
    corrections: Sequence[Correction] = ()


CHOOSE_MODEL: Task[ChooseModelArguments, LibraryChoice] = Task(
    f"{_TASKS}:choose_model", "long", ChooseModelArguments
)
SURVEY: Task[SurveyArguments, Survey] = Task(f"{_TASKS}:survey", "quick", SurveyArguments)
DETECT: Task[DetectArguments, FrameResult] = Task(f"{_TASKS}:detect", "long", DetectArguments)
APPLY_THRESHOLDS: Task[ApplyThresholdsArguments, FrameResult] = Task(
    f"{_TASKS}:apply_thresholds", "quick", ApplyThresholdsArguments
)
EXPORT_RESULTS: Task[ExportResultsArguments, Path] = Task(
    f"{_TASKS}:export_results", "quick", ExportResultsArguments
)


# Labels


@dataclass(frozen=True)
class CountLabelsArguments:
    """Arguments of `COUNT_LABELS`: label projects and patch folders."""

    sources: Sequence[Path]


@dataclass(frozen=True)
class ImportLabelsArguments:
    """Arguments of `IMPORT_LABELS`.

    Attributes
    ----------
    project : Path
        Folder of the label project.
    sources : sequence of Path
        Folders of patches, and files of labels; see `io.labels.label_formats`.
    images : sequence of Path or FrameInput
        The image shown, to which labels belong that name no image; then others they may name.
    """

    project: Path
    sources: Sequence[Path]
    images: Sequence[Path | FrameInput]


@dataclass(frozen=True)
class ExportLabelsArguments:
    """Arguments of `EXPORT_LABELS`: a label project, and the new folder for its patches."""

    project: Path
    out: Path


@dataclass(frozen=True)
class SuggestLabelsArguments:
    """Arguments of `SUGGEST_LABELS`.

    Attributes
    ----------
    frame : FrameInput
    model : Path
        A model file.
    taken : sequence of (float, float)
        Positions (y, x) in px of the labels that exist.
    device : {"auto", "cpu", "cuda", "mps"}
    """

    frame: FrameInput
    model: Path
    taken: Sequence[tuple[float, float]]
    device: str


@dataclass(frozen=True)
class AddSyntheticDefectsArguments:
    """Arguments of `ADD_SYNTHETIC_DEFECTS`.

    Attributes
    ----------
    frame : FrameInput
    area : SearchArea or None
        Part of the frame that gets the defects; None for all of it.
    defects : sequence of (float, float)
        Positions (y, x) in px of labelled defects, which are avoided.
    vacancies, interstitials : int
        Number of point defects of each kind.
    seed : int
    """

    frame: FrameInput
    area: SearchArea | None
    defects: Sequence[tuple[float, float]]
    vacancies: int
    interstitials: int
    seed: int


@dataclass(frozen=True)
class LiveMapArguments:
    """Arguments of `LIVE_MAP`: the clicks so far, and the frame shown."""

    request: LiveMapRequest


LIVE_MAP: Task[LiveMapArguments, LiveMap] = Task(
    f"{_TASKS}:update_live_map", "quick", LiveMapArguments
)
COUNT_LABELS: Task[CountLabelsArguments, dict[DefectClass, int]] = Task(
    f"{_TASKS}:count_labels", "quick", CountLabelsArguments
)
IMPORT_LABELS: Task[ImportLabelsArguments, str] = Task(
    f"{_TASKS}:import_labels", "quick", ImportLabelsArguments
)
EXPORT_LABELS: Task[ExportLabelsArguments, int] = Task(
    f"{_TASKS}:export_labels", "quick", ExportLabelsArguments
)
SUGGEST_LABELS: Task[SuggestLabelsArguments, list[Suggestion]] = Task(
    f"{_TASKS}:suggest_labels", "long", SuggestLabelsArguments
)
ADD_SYNTHETIC_DEFECTS: Task[AddSyntheticDefectsArguments, SyntheticDefects] = Task(
    f"{_TASKS}:add_synthetic_defects", "quick", AddSyntheticDefectsArguments
)


# Models


@dataclass(frozen=True)
class TrainArguments:
    """Arguments of `TRAIN`.

    Attributes
    ----------
    sources : sequence of Path
        Label projects and patch folders to train on.
    out : Path
        The model file to write.
    options : TrainingOptions
    device : {"auto", "cpu", "cuda", "mps"}
    keep : bool
        Whether a cancelled training keeps the best parameters found by then.
    """

    sources: Sequence[Path]
    out: Path
    options: TrainingOptions
    device: str
    keep: bool = False


@dataclass(frozen=True)
class TrainQuickArguments:
    """Arguments of `TRAIN_QUICK`: a label project, the model file to write, and the options."""

    project: Path
    out: Path
    options: TrainingOptions


@dataclass(frozen=True)
class ImportModelArguments:
    """Arguments of `IMPORT_MODEL` (it needs torch, so the long worker): a model file."""

    path: Path


@dataclass(frozen=True)
class ExportModelArguments:
    """Arguments of `EXPORT_MODEL`: a model file of the library, and the file to write."""

    path: Path
    target: Path


TRAIN: Task[TrainArguments, TrainingSummary] = Task(
    f"{_TASKS}:train", "long", TrainArguments, locks="out"
)
TRAIN_QUICK: Task[TrainQuickArguments, TrainingSummary] = Task(
    f"{_TASKS}:train_quick", "quick", TrainQuickArguments, locks="out"
)
IMPORT_MODEL: Task[ImportModelArguments, ModelEntry] = Task(
    f"{_TASKS}:import_model", "long", ImportModelArguments
)
EXPORT_MODEL: Task[ExportModelArguments, Path] = Task(
    f"{_TASKS}:export_model", "quick", ExportModelArguments
)

TASKS: tuple[Task[Any, Any], ...] = (
    READ_MICROGRAPH,
    OPEN_MICROGRAPH,
    READ_FRAME,
    LIST_SIGNALS,
    READ_ALL,
    READ_PATCHES,
    LOAD_TORCH,
    EXPLAIN_SCALE,
    COMPUTE_STAGES,
    MEASURE_LATTICE,
    MEASURE_LATTICES,
    CHOOSE_MODEL,
    SURVEY,
    DETECT,
    APPLY_THRESHOLDS,
    EXPORT_RESULTS,
    SAVE_RESULTS,
    EXPORT_SURVEY,
    LIVE_MAP,
    COUNT_LABELS,
    IMPORT_LABELS,
    EXPORT_LABELS,
    SUGGEST_LABELS,
    ADD_SYNTHETIC_DEFECTS,
    TRAIN,
    TRAIN_QUICK,
    IMPORT_MODEL,
    EXPORT_MODEL,
)
"""All tasks."""
