"""The survey of images in which nothing got a name of a special model, beside their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.anomaly.survey_frame import count_kinds, survey_frame
from napari_stem_defects.io.results.checksums import find_edited_file, with_changed
from napari_stem_defects.io.results.json_file import write_json
from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.io.results.survey_folder import (
    ADDED_FILES,
    ADDED_OVERVIEW,
    SUMMARY,
    add_survey,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.micrograph import Micrograph

    SurveyFrames = Callable[
        [Callable[[int], Survey], Sequence[int], tuple[int, int]], Iterator[Survey]
    ]


def one_by_one(
    survey_of: Callable[[int], Survey], frames: Sequence[int], frame_shape: tuple[int, int]
) -> Iterator[Survey]:
    """Yield the survey of each frame, whatever its shape."""
    yield from map(survey_of, frames)


def survey_nameless(
    folder: Path,
    frames: Sequence[int],
    read: Callable[[], Micrograph],
    *,
    renew: bool,
    survey_frames: SurveyFrames = one_by_one,
) -> None:
    """Write the survey of an image without names; results with names lose an earlier one.

    An image that a model recognises, but in which it finds nothing, may have defects of other
    kinds. Its survey is kept where it shows any; frames of stacks are too many for that.

    Parameters
    ----------
    folder : Path
        With merged results.
    frames : sequence of int
        Indices of the frames in the results.
    read : callable
        Returns the image or stack; called only where a survey is written.
    renew : bool
        Whether the results are new, so that a survey in the folder belongs to earlier ones.
    survey_frames : callable
        Yields the surveys of the frames, in their order, from a function that surveys one of them,
        their indices and their shape.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    files = [folder / name for name in ADDED_FILES]
    summary = read_summary(folder)
    recognised = summary.get("recognised", True)
    has_names = recognised and any(summary["counts"].values())
    if has_names or renew:
        for file in files:
            file.unlink(missing_ok=True)
    if recognised:
        if renew and not has_names and not summary["parameters"].get("area_px"):
            _survey_of_nothing_found(folder, read())
    elif not all(file.is_file() for file in files):
        micrograph = read()

        def survey_of(frame: int) -> Survey:
            return survey_frame(micrograph.frame(frame), frame=frame)

        surveys = survey_frames(survey_of, frames, micrograph.frame_shape)
        notes = add_survey(folder, micrograph, surveys, len(frames))
        if notes:
            _note(folder, notes)


def _survey_of_nothing_found(folder: Path, micrograph: Micrograph) -> None:
    """Add the survey of a single image in which a model found nothing, if anything is unusual."""
    if micrograph.is_stack:
        return
    survey = survey_frame(micrograph)
    if not survey.candidates:
        return
    notes = add_survey(folder, micrograph, [survey])
    found = count_kinds(survey.candidates, survey.searched_nm2, survey.pixel_size_nm)
    kinds = {place.kind for place in survey.candidates}
    places = ", ".join(text for kind, text in found.items() if kind in kinds)
    _note(
        folder, [f"unusual places of no class of the model, see {ADDED_OVERVIEW}: {places}", *notes]
    )


def _note(folder: Path, notes: Sequence[str]) -> None:
    """Add to the warnings of a summary, unless it was edited by hand."""
    summary = read_summary(folder)
    if find_edited_file(summary, SUMMARY, folder) is None:
        warnings = dict.fromkeys([*(summary.get("warnings") or ()), *notes])
        changed = with_changed(summary, SUMMARY, {"warnings": list(warnings)})
        write_json(folder / SUMMARY, changed)
