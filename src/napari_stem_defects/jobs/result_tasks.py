"""Tasks of the panels that save opened results, and surveys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.workers.messages import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.jobs.corrections import Correction
    from napari_stem_defects.jobs.frame_input import FrameInput


@dataclass(frozen=True)
class SaveResultsArguments:
    """Arguments of `SAVE_RESULTS`; see `save_results.save_results`.

    Attributes
    ----------
    source : Path
        The opened folder.
    thresholds : mapping of str to float
        Thresholds of all classes; empty where none can be changed.
    corrections : sequence of Correction
        All corrections, those stored with the results included.
    out : Path or None
        Parent folder for new results; None replaces those opened.
    fingerprints : sequence of str
        Of the results when they were opened.
    images : sequence of (Path or None)
        Where the images were found; None looks for them again.
    """

    source: Path
    thresholds: Mapping[str, float]
    corrections: Sequence[Correction]
    out: Path | None = None
    fingerprints: Sequence[str] = ()
    images: Sequence[Path | None] = ()


SAVE_RESULTS: Task[SaveResultsArguments, Path] = Task(
    "napari_stem_defects.jobs.tasks:save_results", "quick", SaveResultsArguments
)


@dataclass(frozen=True)
class ExportSurveyArguments:
    """Arguments of `EXPORT_SURVEY`.

    Attributes
    ----------
    survey : Survey
    image : FrameInput
        The image or stack of the survey.
    folder : Path
        Parent folder.
    """

    survey: Survey
    image: FrameInput
    folder: Path


EXPORT_SURVEY: Task[ExportSurveyArguments, Path] = Task(
    "napari_stem_defects.jobs.tasks:export_survey", "quick", ExportSurveyArguments
)
