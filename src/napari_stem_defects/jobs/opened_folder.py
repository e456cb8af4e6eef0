"""A folder that a command has written, opened again: results of a detection, or a survey."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from napari_stem_defects.io.results.stored_result import is_result
from napari_stem_defects.jobs.opened_result import OpenedResult, holds_results, open_result
from napari_stem_defects.jobs.opened_survey import OpenedSurvey, holds_surveys, open_survey

if TYPE_CHECKING:
    from pathlib import Path


def stored_kind(path: Path) -> Literal["results", "survey", ""]:
    """Return what a path opens as.

    Parameters
    ----------
    path : Path
        A folder or a ``summary.json``.

    Returns
    -------
    str
        "results" of a detection, finished or not, or of several images; "survey" of one or
        several; "" for anything else. A folder with both opens with its results. Never raises.
    """
    if is_result(path) or holds_results(path):
        return "results"
    return "survey" if holds_surveys(path) else ""


def open_folder(path: Path) -> OpenedResult | OpenedSurvey:
    """Open results or a survey.

    Parameters
    ----------
    path : Path
        A folder or a ``summary.json``; of a batch, the folder that contains those of the images.

    Returns
    -------
    OpenedResult or OpenedSurvey

    Raises
    ------
    ReadError
        There is neither, a file is damaged, or images do not fit into one stack; one line.
    """
    return open_survey(path) if stored_kind(path) == "survey" else open_result(path)
