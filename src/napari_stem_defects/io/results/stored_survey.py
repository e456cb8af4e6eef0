"""A folder that a survey has written, read frame by frame, and the image that belongs to it."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_stem_defects.anomaly.candidates import Candidate
from napari_stem_defects.anomaly.survey_frame import Survey
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.folder_kinds import SUMMARY, folder_kind
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.json_file import read_json, read_json_or_empty, read_or_report
from napari_stem_defects.io.results.stored_image import StoredImage, folder_of
from napari_stem_defects.io.results.survey_folder import (
    ADDED_SUMMARY,
    ANOMALY,
    CANDIDATES,
    COLUMNS,
    GRAINS,
    SURVEY,
)
from napari_stem_defects.lattice.grains import Grain, GrainMap, Neighbour
from napari_stem_defects.lattice.measurement import LatticeMeasurement
from napari_stem_defects.lattice.unit_cell import UnitCell, lattice_period, units_per_period

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.grains import Outline

_AGAIN = "survey the image again"
_FAULTS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


class StoredSurvey(StoredImage):
    """The survey of one image, read frame by frame.

    Parameters
    ----------
    path : Path
        A folder of ``stem-defects survey``, or its ``summary.json``.
    summary_name : str
        The file with the summary of the survey, which has another name in a folder of results.

    Raises
    ------
    ReadError
        The folder holds no survey, or a file is missing or damaged; one line.
    """

    def __init__(self, path: Path, summary_name: str = SUMMARY) -> None:
        folder = folder_of(path)
        summary = read_json(folder / summary_name, _AGAIN)
        if summary.get("result") != SURVEY:
            advice = "choose a folder that `stem-defects survey` wrote"
            raise ReadError(one_line(folder, "holds no survey", advice))
        try:
            super().__init__(folder, summary)
            self._entries = {int(each["frame"]): each for each in summary["frames"]}
            self._lattice = _lattice(summary["lattice"])
        except _FAULTS as error:
            fault = f"is damaged ({type(error).__name__}: {error})"
            raise ReadError(one_line(folder / summary_name, fault, _AGAIN)) from None
        if not (folder / ANOMALY).is_file():
            raise ReadError(one_line(folder, f"{ANOMALY} is missing", _AGAIN))
        self._places = read_or_report(_read_places, folder / CANDIDATES, _AGAIN)
        self._grains = read_or_report(_read_grains, folder / GRAINS, _AGAIN)

    @property
    def highest_threshold(self) -> float:
        """Highest threshold of all frames; 0 where nothing was searched."""
        return max((float(each["threshold"]) for each in self._entries.values()), default=0.0)

    @property
    def period_px(self) -> float:
        """Period of the lattice of the first frame in px; 0 without a lattice."""
        return lattice_period(self._lattice.cell) if self._lattice.cell is not None else 0.0

    @property
    def unit_px(self) -> float:
        """Length unit of the first frame in px; 0 without a lattice."""
        cell = self._lattice.cell
        return 0.0 if cell is None else lattice_period(cell) / units_per_period(cell)

    def places(self, frame: int) -> tuple[Candidate, ...]:
        """Return the unusual places of a frame, highest score first; they have no shape."""
        return self._places.get(frame, ())

    def grains(self, frame: int) -> GrainMap:
        """Return the grains of a frame, without the map of its lattice."""
        return GrainMap(self._grains.get(frame, ()))

    def statement(self, frame: int) -> str:
        """Return what was found in a frame, in one sentence."""
        return str(self._entries[frame]["statement"])

    def anomaly(self, frame: int) -> NDArray[np.float32]:
        """Return the anomaly score of every pixel of a frame.

        Parameters
        ----------
        frame : int
            One of ``frames``.

        Returns
        -------
        ndarray of float32, shape (Y, X)

        Raises
        ------
        ReadError
            The file is missing, damaged or of another shape.
        """
        position = self.frames.index(frame)

        def load(path: Path) -> NDArray[np.float32]:
            with tifffile.TiffFile(path) as file:
                try:
                    page = file.pages[position]
                except IndexError:
                    raise ValueError(f"frame {frame} is missing") from None
                if page.shape != self.frame_shape:
                    raise ValueError("a frame has not the size of its image")
                pixels: NDArray[np.float32] = page.asarray().astype(np.float32, copy=False)
                return pixels

        return read_or_report(load, self.folder / ANOMALY, _AGAIN)

    def survey(self, frame: int) -> Survey:
        """Return the survey of a frame without its map, which is large: `anomaly` reads it.

        Parameters
        ----------
        frame : int
            One of ``frames``.

        Returns
        -------
        Survey
            Its ``anomaly`` has no rows. Its lattice is that of the first frame, the only one that
            is stored.
        """
        entry = self._entries[frame]
        searched = entry.get("searched_nm2")
        return Survey(
            image=self.name,
            anomaly=np.zeros((0, self.frame_shape[1]), np.float32),
            candidates=self.places(frame),
            threshold=float(entry["threshold"]),
            lattice=self._lattice,
            statement=self.statement(frame),
            pixel_size_nm=self.pixel_size_nm,
            pixel_size_source=str(self.summary["image"].get("pixel_size_source", "unknown")),
            period_px=self.period_px,
            grains=int(entry["grains"]),
            grain_map=self.grains(frame),
            frame=frame,
            seconds=float(entry["seconds"]),
            searched_nm2=None if searched is None else float(searched),
        )


def is_survey(path: Path) -> bool:
    """Return whether a path is a folder of a finished survey, or its summary.

    Parameters
    ----------
    path : Path

    Returns
    -------
    bool
        Never raises.
    """
    folder = folder_of(path)
    if folder_kind(folder) != "survey":
        return False
    return read_json_or_empty(folder / SUMMARY).get("result") == SURVEY


def added_survey(folder: Path) -> StoredSurvey | None:
    """Return the survey in the results of a detection; None if they have none.

    Parameters
    ----------
    folder : Path
        A result folder.

    Returns
    -------
    StoredSurvey or None
        None also of results from before surveys in them had a summary.

    Raises
    ------
    ReadError
        A file of the survey is missing or damaged.
    """
    return StoredSurvey(folder, ADDED_SUMMARY) if has_added_survey(folder) else None


def has_added_survey(folder: Path) -> bool:
    """Return whether the results of a detection contain a survey with its summary."""
    return (folder / ADDED_SUMMARY).is_file()


def _lattice(stored: Mapping[str, Any]) -> LatticeMeasurement:
    found = [each for each in (stored, *stored["others"]) if "vectors_px" in each]
    return LatticeMeasurement(stored["kind"], str(stored["reason"]), tuple(map(_cell, found)))


def _cell(stored: Mapping[str, Any]) -> UnitCell:
    (y0, x0), (y1, x1) = np.array(stored["vectors_px"], float)
    (v0, u0), (v1, u1) = np.linalg.inv([[y0, x0], [y1, x1]]).T
    first, second = stored["uncertainty_px"]
    spacing = stored.get("column_spacing_px")
    return UnitCell(
        vectors_px=((float(y0), float(x0)), (float(y1), float(x1))),
        reciprocal=((float(v0), float(u0)), (float(v1), float(u1))),
        uncertainty_px=(float(first), float(second)),
        angle_deg=float(stored["angle_deg"]),
        angle_uncertainty_deg=float(stored["angle_uncertainty_deg"]),
        ratio=float(stored["ratio"]),
        ratio_uncertainty=float(stored["ratio_uncertainty"]),
        symmetry=stored["symmetry"],
        confidence=float(stored["confidence"]),
        column_spacing_px=None if spacing is None else float(spacing),
    )


def _read_places(path: Path) -> dict[int, tuple[Candidate, ...]]:
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        if list(table.fieldnames or ()) != COLUMNS:
            raise ValueError("no table of unusual places")
        rows = list(table)
    grouped: dict[int, list[Candidate]] = defaultdict(list)
    for row in rows:
        grouped[int(row["frame"])].append(_place(row))
    return {frame: tuple(places) for frame, places in grouped.items()}


def _place(row: Mapping[str, str]) -> Candidate:
    kind, sign = row["kind"], row["sign"]
    if kind not in ("point", "line", "area") or sign not in ("deficit", "excess", ""):
        raise ValueError(f"{kind!r} {sign!r} is no kind of place")
    return Candidate(
        rank=int(row["rank"]),
        kind=kind,  # type: ignore[arg-type]  # compared above
        y=float(row["y_px"]),
        x=float(row["x_px"]),
        score=float(row["score"]),
        sign=sign,  # type: ignore[arg-type]  # compared above
        length_px=float(row["length_px"]),
        area_px=float(row["area_px"]),
    )


def _read_grains(path: Path) -> dict[int, tuple[Grain, ...]]:
    grouped: dict[int, list[Grain]] = defaultdict(list)
    for feature in read_json(path, _AGAIN)["features"]:
        grouped[int(feature["properties"]["frame"])].append(_grain(feature))
    return {frame: tuple(grains) for frame, grains in grouped.items()}


def _grain(feature: Mapping[str, Any]) -> Grain:
    about = feature["properties"]
    outline, *holes = (_ring(each) for each in feature["geometry"]["coordinates"])
    (y0, x0), (y1, x1) = about["vectors_px"]
    return Grain(
        number=int(about["grain"]),
        y=float(about["y_px"]),
        x=float(about["x_px"]),
        area_px=float(about["area_px"]),
        area_fraction=float(about["area_fraction"]),
        vectors_px=((float(y0), float(x0)), (float(y1), float(x1))),
        orientation_deg=float(about["orientation_deg"]),
        outline=outline,
        holes=tuple(holes),
        neighbours=tuple(
            Neighbour(int(each["grain"]), each["misorientation_deg"], bool(each["mirrored"]))
            for each in about["neighbours"]
        ),
    )


def _ring(points: list[list[float]]) -> Outline:
    return tuple((float(y), float(x)) for x, y in points)
