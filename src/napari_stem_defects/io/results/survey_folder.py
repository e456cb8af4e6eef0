"""Files of a survey, ``OUT/<name>/``: anomaly map, places, grains, overview, summary."""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_stem_defects.io.atomic import move_into_place, replacing, write_bytes
from napari_stem_defects.io.csv_cells import TableWriter
from napari_stem_defects.io.folder_kinds import folder_kind
from napari_stem_defects.io.folder_names import find_available_folder, is_free
from napari_stem_defects.io.results.available_folder import JOB
from napari_stem_defects.io.results.grains import grain_to_json, write_grains
from napari_stem_defects.io.results.json_file import read_json_or_empty, write_json
from napari_stem_defects.io.results.publishing import remove_result
from napari_stem_defects.io.results.summary import densities, library_versions
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.reporting.survey_overview import draw_survey
from napari_stem_defects.reporting.undrawn import draw_or_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.Image import Image

    from napari_stem_defects.anomaly.candidates import Candidate
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.micrograph import Micrograph

ANOMALY, CANDIDATES, GRAINS = "anomaly.ome.tif", "survey.csv", "grains.geojson"
SUMMARY, OVERVIEW = "summary.json", "overview.png"
ADDED_OVERVIEW, ADDED_SUMMARY = "survey.png", "survey.json"
"""Overview and summary of a survey in a folder that has its own ones."""
ADDED_FILES = (ANOMALY, CANDIDATES, GRAINS, ADDED_OVERVIEW, ADDED_SUMMARY)
SURVEY_FILES = (ANOMALY, CANDIDATES, GRAINS, OVERVIEW, SUMMARY)
COLUMNS = (
    "rank,kind,y_px,x_px,y_nm,x_nm,score,length_nm,area_nm2,sign,length_px,area_px,frame"
).split(",")
SURVEY = "survey"
"""What ``result`` is in the summary of a survey."""
UNFINISHED = ".survey"
"""Folder in the folder of a survey in which its files are written."""
_CLASSIC_TIFF_BYTES = 2**31


def folder_of_survey(out: Path, micrograph: Micrograph) -> Path:
    """Return the folder for the survey of an image: a new one, or that of an earlier survey of it.

    Parameters
    ----------
    out : Path
        Parent folder.
    micrograph : Micrograph
        Its ``name`` gives the folder name; its ``sha256`` distinguishes images of one name.

    Returns
    -------
    Path
    """
    return find_available_folder(
        out, micrograph.name, lambda path: _is_available(path, micrograph.sha256)
    )


def write_survey(
    out: Path, micrograph: Micrograph, surveys: Iterable[Survey], frames: int = 1
) -> Path:
    """Write the survey of an image, or of the frames of a stack.

    Parameters
    ----------
    out : Path
        Parent folder.
    micrograph : Micrograph
        The image or stack.
    surveys : iterable of Survey
        One per frame, at least one; each is written before the next one is made.
    frames : int
        Their number.

    Returns
    -------
    Path
        The folder with `SURVEY_FILES`; the summary is written last.

    Raises
    ------
    InUseError
        Another program is writing the folder.
    OutputError
        The disk is full or the folder is not writable.
    """
    folder = folder_of_survey(out, micrograph)
    with WriteLock(folder, "survey"):
        _write_together(folder, micrograph, surveys, frames, (OVERVIEW, SUMMARY))
    return folder


def add_survey(
    folder: Path, micrograph: Micrograph, surveys: Iterable[Survey], frames: int = 1
) -> list[str]:
    """Add the survey to the results of an image in which no model recognised anything.

    Parameters
    ----------
    folder : Path
        A result folder; its ``summary.json`` and ``overview.png`` stay as they are.
    micrograph : Micrograph
        The image or stack.
    surveys : iterable of Survey
        One per frame, at least one; each is written before the next one is made.
    frames : int
        Their number.

    Returns
    -------
    list of str
        What could not be drawn.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    return _write_together(folder, micrograph, surveys, frames, (ADDED_OVERVIEW, ADDED_SUMMARY))


def _write_together(
    folder: Path,
    micrograph: Micrograph,
    surveys: Iterable[Survey],
    frames: int,
    names: tuple[str, str],
) -> list[str]:
    """Write all files beside those of an earlier survey, then replace these, the summary last.

    What a killed process has left is removed, and the next one recognises its image by it.
    """
    work, (overview, summary) = folder / UNFINISHED, names
    shutil.rmtree(work, ignore_errors=True)
    try:
        write_json(work / JOB, {"image_sha256": micrograph.sha256})
        written, warnings = _write_maps(work, micrograph, surveys, frames, overview)
        write_json(work / summary, _summary(micrograph, written, warnings))
        remove_result(folder / summary)
        for name in (ANOMALY, CANDIDATES, GRAINS, overview, summary):
            move_into_place(work / name, folder / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return warnings


def _write_maps(
    folder: Path, micrograph: Micrograph, surveys: Iterable[Survey], frames: int, overview: str
) -> tuple[list[Survey], list[str]]:
    """Write maps, tables and picture; return the surveys without maps, and what was not drawn."""
    written: list[Survey] = []
    pages: list[tuple[Image, str]] = []

    def maps() -> Iterator[NDArray[np.float32]]:
        for survey in surveys:
            if not pages:
                draw = partial(draw_survey, micrograph, survey)
                pages.append(draw_or_state(draw, "The picture of the survey"))
            nothing = np.zeros((0, survey.anomaly.shape[1]), np.float32)  # a part would keep it all
            written.append(replace(survey, anomaly=nothing))
            yield survey.anomaly

    count = frames if micrograph.is_stack else None
    shape = micrograph.frame_shape
    write_anomaly(folder / ANOMALY, maps(), shape, count, micrograph.pixel_size_nm)
    write_bytes(folder / CANDIDATES, _table(written).encode())
    write_grains(folder / GRAINS, written)
    picture = io.BytesIO()
    page, fault = pages[0]
    page.save(picture, "PNG")
    write_bytes(folder / overview, picture.getvalue())
    return written, [fault] if fault else []


def _is_available(path: Path, sha256: str) -> bool:
    """Return whether a folder is free or holds a survey of the same image."""
    if is_free(path):
        return True
    if read_json_or_empty(path / UNFINISHED / JOB).get("image_sha256") == sha256:
        return not (path / SUMMARY).exists() or folder_kind(path) == "survey"
    summary = read_json_or_empty(path / SUMMARY)
    same = summary.get("image", {}).get("sha256") == sha256
    return bool(same and summary.get("result") == SURVEY)


def write_anomaly(
    path: Path,
    maps: Iterator[NDArray[np.float32]],
    frame_shape: tuple[int, int],
    count: int | None,
    pixel_size_nm: float | None,
) -> None:
    """Write anomaly maps as a calibrated OME-TIFF.

    Parameters
    ----------
    path : Path
        ``anomaly.ome.tif``.
    maps : iterator of ndarray of float32, shape (Y, X)
        One per frame; each is written before the next one is taken.
    frame_shape : (Y, X)
        Of each map.
    count : int or None
        Number of frames of a stack; None for a single image, written without a frame axis.
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    shape = (*(() if count is None else (count,)), *frame_shape)
    metadata: dict[str, Any] = {"axes": "TYX"[-len(shape) :], "Channel": {"Name": ["anomaly"]}}
    if pixel_size_nm is not None:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = pixel_size_nm
            metadata[f"PhysicalSize{axis}Unit"] = "nm"
    big = 4 * int(np.prod(shape, dtype=np.int64)) > _CLASSIC_TIFF_BYTES
    with (
        replacing(path) as temporary,
        tifffile.TiffWriter(temporary, ome=True, bigtiff=big) as file,
    ):
        file.write(
            maps,
            shape=shape,
            dtype=np.float32,
            photometric="minisblack",
            compression="zlib",
            predictor=3,
            metadata=metadata,
        )


def _table(surveys: Sequence[Survey]) -> str:
    text = io.StringIO(newline="")
    writer = TableWriter(text)
    writer.writerow(COLUMNS)
    for survey in surveys:
        writer.writerows(_rows(survey))
    return text.getvalue()


def _rows(survey: Survey) -> Iterator[list[str]]:
    size = survey.pixel_size_nm
    for place in survey.candidates:
        yield [
            str(place.rank),
            place.kind,
            f"{place.y:.2f}",
            f"{place.x:.2f}",
            "" if size is None else f"{place.y * size:.4f}",
            "" if size is None else f"{place.x * size:.4f}",
            f"{place.score:.3f}",
            "" if size is None else f"{place.length_px * size:.4f}",
            "" if size is None else f"{place.area_px * size**2:.5f}",
            place.sign,
            f"{place.length_px:.2f}",
            f"{place.area_px:.1f}",
            str(survey.frame),
        ]


def _summary(
    micrograph: Micrograph, surveys: Sequence[Survey], warnings: Sequence[str]
) -> dict[str, Any]:
    # A blank first frame of a movie shows nothing of the crystal.
    first = next((survey for survey in surveys if survey.lattice.cells), surveys[0])
    return {
        "result": SURVEY,
        "image": {
            "name": micrograph.name,
            "path": None if micrograph.path is None else str(micrograph.path),
            "sha256": micrograph.sha256,
            "frame_shape": list(micrograph.frame_shape),
            "frame_count": micrograph.frame_count,
            "signal": micrograph.signal,
            "pixel_size_nm": first.pixel_size_nm,
            "pixel_size_source": first.pixel_size_source,
            "notes": list(micrograph.notes),
        },
        "statement": first.statement,
        "warnings": list(warnings),
        "lattice": first.lattice.to_json(first.pixel_size_nm),
        "frames": [
            {
                "frame": survey.frame,
                "statement": survey.statement,
                "threshold": survey.threshold,
                "grains": survey.grains,
                "grain_list": [
                    grain_to_json(grain, survey.pixel_size_nm) for grain in survey.grain_map.grains
                ],
                "counts": (counts := _counts(survey.candidates)),
                "searched_nm2": survey.searched_nm2,
                "densities_per_nm2": densities(counts, survey.searched_nm2),
                "seconds": survey.seconds,
            }
            for survey in surveys
        ],
        "versions": library_versions(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _counts(candidates: Sequence[Candidate]) -> dict[str, int]:
    kinds = [candidate.kind for candidate in candidates]
    return {kind: kinds.count(kind) for kind in ("point", "line", "area")}
