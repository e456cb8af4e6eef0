"""Tasks with few clicks on public images, treated as a material of which nothing is known."""

from __future__ import annotations

import csv
import json
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from few_clicks_tasks import Labelled, Task
from numpy.typing import NDArray

from napari_stem_defects.io.images.read import read

if TYPE_CHECKING:
    from pathlib import Path

Array = NDArray[np.float64]

# Shortest lattice vectors in px: the calibrated lattice constants over the pixel sizes.
CDTE_PERIOD, STO_PERIOD, WSE2_PERIOD = 14.7, 24.0, 8.2
# Centre lines of the faults in the public CdTe image (y, x), read off the image.
CDTE_LINES = {
    "SF1": ((0.0, 334.5), (335.0, 334.5)),
    "SF2": ((250.0, 0.0), (343.0, 325.0)),
    "Twin_Bound": ((681.0, 0.0), (767.0, 302.0)),
}
# The goals for point defects are stated for 5 clicks, those for WSe2 for 15 and 20.
POINT_CLICKS, WSE2_CLICKS = (7, 5, 3, 15, 1), (20, 15, 7, 3, 1)
CDTE_JUNCTION = (344.0, 334.0)
WSE2_RIM_PX = 2.0


def _cdte(name: str) -> Labelled:
    lines = {key: (_dense(*ends),) for key, ends in CDTE_LINES.items()}
    return Labelled(read(name), CDTE_PERIOD, {"LC": np.array([CDTE_JUNCTION])}, lines)


def _dense(start: tuple[float, float], end: tuple[float, float]) -> Array:
    count = 2 * int(np.hypot(end[0] - start[0], end[1] - start[1]))
    return np.linspace(start, end, count)


@lru_cache(maxsize=8)
def _composite(data: Path, name: str) -> Labelled:
    """Return a public image with point defects that its authors edited into it."""
    record = json.loads((data / "images" / "point_defects.json").read_text())[name]
    path = str(data / "images" / name)
    points = {record["class"]: np.array(record["points_yx"])}
    if name.startswith("CdTe"):
        parent = _cdte(path)
        return Labelled(parent.micrograph, CDTE_PERIOD, {**parent.points, **points}, parent.lines)
    return Labelled(read(path), STO_PERIOD, points)


@lru_cache(maxsize=4)
def _frame(data: Path, name: str) -> Labelled:
    """Return a WSe2 frame; all columns but those in a rim are labelled."""
    with (data / "wse2" / f"{name}_columns.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    places = np.array([(row["y_px"], row["x_px"]) for row in rows], float)
    columns = np.array([row["column"] for row in rows])
    low, high = places.min(0) - WSE2_RIM_PX, places.max(0) + WSE2_RIM_PX
    points = {name: places[columns == name] for name in ("Se_vacancy", "Ti_dopant")}
    part = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Labelled(read(data / "wse2" / f"{name}.dm4"), WSE2_PERIOD, points, part=part)


def _same(image: str, data: Path) -> tuple[Labelled, Labelled]:
    made = _composite(data, image)
    return made, made


@lru_cache(maxsize=1)
def _training_image(data: Path) -> Labelled:
    return _cdte(str(data / "images" / "CdTe_Training_Image.tif"))


def _faults(data: Path) -> tuple[Labelled, Labelled]:
    made = _training_image(data)
    return made, made


def _frames(first: str, second: str, data: Path) -> tuple[Labelled, Labelled]:
    return _frame(data, first), _frame(data, second)


def public_tasks() -> list[Task]:
    """Return the tasks on public images."""
    composites = (
        ("cdte-vacancies", "CdTe vacancies", "Vacancy_CdTe", "CdTe_vacancies.tif"),
        ("cdte-interstitials", "CdTe interstitials", "interstitial", "CdTe_interstitials.tif"),
        ("sto-extra", "SrTiO3 extra columns", "Extra", "STO_extra.tif"),
        ("sto-missing", "SrTiO3 missing columns", "Mis", "STO_missing.tif"),
    )
    faults = (
        ("cdte-sf1", "CdTe fault SF1", "SF1"),
        ("cdte-sf2", "CdTe double fault SF2", "SF2"),
        ("cdte-twin", "CdTe twin boundary", "Twin_Bound"),
    )
    return [
        *(
            Task(
                name,
                title,
                "public",
                "point",
                class_name,
                partial(_same, image),
                clicks=POINT_CLICKS,
            )
            for name, title, class_name, image in composites
        ),
        *(
            Task(name, title, "public", "line", class_name, _faults)
            for name, title, class_name in faults
        ),
        Task(
            "cdte-junction",
            "CdTe junction LC, found again",
            "public",
            "point",
            "LC",
            _faults,
            tolerance=1.0,
            single=True,
        ),
        Task(
            "wse2-same",
            "WSe2 vacancies, same frame",
            "public",
            "point",
            "Se_vacancy",
            partial(_frames, "frame_02", "frame_02"),
            clicks=WSE2_CLICKS,
        ),
        Task(
            "wse2-other",
            "WSe2 vacancies, other frame",
            "public",
            "point",
            "Se_vacancy",
            partial(_frames, "frame_02", "frame_11"),
            clicks=WSE2_CLICKS,
        ),
    ]
