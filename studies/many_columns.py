"""Survey and quick models in crystals whose unit cell has many columns.

    python studies/many_columns.py

Cells of 4 to 40 columns at random places, with vacancies, exchanged columns, a fault or a twin
boundary, imaged with scan jitter and drift. Writes ``studies/runs/many_columns.json``, which
``studies/few_clicks.py`` states in ``docs/few-clicks.md``. Cells of the group "design" may be
looked at while methods are tuned; those of "report" give figures only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from few_clicks_methods import METHODS, Teaching
from few_clicks_scores import scored, survey_auroc
from few_clicks_tasks import Group, Kind, Labelled, Task, draw_clicks
from numpy.typing import NDArray

import napari_stem_defects as sd
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.simulation.any_lattice import (
    MotifColumn,
    PlanarColumns,
    PlanarCrystal,
    fill_disk,
)
from napari_stem_defects.simulation.imaging_model import Imaging, expose, render, row_shifts

Array = NDArray[np.float64]
Form = Literal["vacancy", "exchanged", "fault", "twin"]

FIGURES = Path(__file__).resolve().parent / "runs" / "many_columns.json"
CLICKS, DRAWS = (1, 7), 2
BRIGHTNESS = (1.0, 0.6, 0.35)
APART = 0.8
"""Least distance of two columns of a cell in mean spacings."""
DEFECT, DEFECTS = "defect", 22
MARGIN = 64
"""Px around an image in which there are columns, too."""
SCORED = 1.2
"""Length in column spacings that takes the place of the period in clicks and scores."""
_TRIES = 2000


@dataclass(frozen=True)
class Cell:
    """A crystal with one kind of defect; lengths in px, the dose in electrons per column."""

    name: str
    group: Group
    columns: int
    ratio: float
    angle_deg: float
    form: Form = "vacancy"
    spacing: float = 10.0
    dose: float = 3000.0
    edge: int = 576
    seed: int = 0

    @property
    def title(self) -> str:
        """Number of columns and form of the defect."""
        return f"{self.columns} columns, {self.form}"

    @property
    def kind(self) -> Kind:
        """Kind of the defect."""
        return "line" if self.form in ("fault", "twin") else "point"


CELLS = (
    Cell("rectangle-4", "design", 4, 2.0, 90, spacing=11, seed=8),
    Cell("oblique-5", "design", 5, 1.2, 80, "twin", spacing=11, seed=6),
    Cell("rectangle-6", "design", 6, 1.5, 90, seed=1),
    Cell("rhombus-8", "design", 8, 1.0, 60, "exchanged", seed=4),
    Cell("rectangle-10", "design", 10, 1.6, 90, "fault", seed=5),
    Cell("oblique-12", "design", 12, 1.3, 78, spacing=9, seed=2),
    Cell("square-20", "design", 20, 1.0, 90, edge=640, seed=3),
    Cell("square-30", "design", 30, 1.0, 90, spacing=9, dose=1500, edge=704, seed=7),
    Cell("oblique-5-large", "report", 5, 1.3, 85, spacing=20, edge=900, seed=26),
    Cell("oblique-7", "report", 7, 1.2, 72, spacing=11, dose=2500, seed=21),
    Cell("rectangle-9", "report", 9, 1.1, 90, "fault", spacing=9, dose=2500, seed=24),
    Cell("rectangle-14", "report", 14, 1.8, 90, dose=3500, edge=640, seed=22),
    Cell("rectangle-16", "report", 16, 1.5, 90, "twin", seed=25),
    Cell("rhombus-24", "report", 24, 1.0, 60, "exchanged", edge=704, seed=23),
    Cell("rectangle-40", "report", 40, 1.4, 90, spacing=9, dose=3500, edge=800, seed=27),
)


def crystal_of(cell: Cell) -> PlanarCrystal:
    """Return the crystal of a cell, in any orientation."""
    rng = np.random.default_rng(cell.seed)
    angle = np.radians(cell.angle_deg)
    first = cell.spacing * np.sqrt(cell.columns / (cell.ratio * np.sin(angle)))
    turn = rng.uniform(0, np.pi / 2) + np.array([0, angle])
    base = first * np.array([[1], [cell.ratio]]) * np.stack([-np.sin(turn), np.cos(turn)], axis=1)
    (ya, xa), (yb, xb) = base.tolist()
    return PlanarCrystal(((ya, xa), (yb, xb)), _motif(cell, base, rng))


def _motif(cell: Cell, base: Array, rng: np.random.Generator) -> tuple[MotifColumn, ...]:
    places: list[Array] = []
    tried = 0
    while len(places) < cell.columns:
        place, tried = rng.random(2), tried + 1
        away = ((np.array(places).reshape(-1, 2) - place + 0.5) % 1 - 0.5) @ base
        if np.hypot(*away.T).min(initial=np.inf) > APART * cell.spacing:
            places.append(place)
        if tried % _TRIES == 0:  # what is left is too narrow: begin again
            places.clear()
    return tuple(MotifColumn(float(u), float(v), float(rng.choice(BRIGHTNESS))) for u, v in places)


def image_of(cell: Cell) -> Labelled:
    """Return the image of a cell with its defects."""
    rng = np.random.default_rng([cell.seed, 1])
    around = cell.edge + 2 * MARGIN
    shape, middle = (around, around), np.full(2, around / 2)
    crystal = crystal_of(cell)
    columns = fill_disk(crystal, middle, middle, 0.75 * around)
    near = ((columns.position > 0) & (columns.position < around)).all(axis=1)
    columns = with_defects(cell, crystal, columns.select(near & (columns.brightness > 0)), rng)
    imaging = Imaging(
        probe_fwhm_nm=0.42 * cell.spacing,
        tail_share=0.1,
        tail_nm=cell.spacing,
        dose=cell.dose / cell.spacing**2,
        background=0.5,
        jitter_px=0.2,
        drift_px=0.6,
        noise_blur_px=0.0,
    )
    shift = row_shifts(rng, around, imaging)
    signal = render(columns.position, columns.brightness, shape, imaging, 1.0, shift)
    inner = slice(MARGIN, -MARGIN)
    pixels = expose(signal[inner, inner], imaging, rng)
    places = columns.places + np.stack(
        [np.zeros(len(columns.places)), _at_rows(shift, columns.places)], axis=1
    )
    places = places - MARGIN
    places = places[((places >= 0) & (places <= cell.edge - 1)).all(axis=1)]
    image = Labelled(sd.Micrograph(pixels, cell.name), SCORED * cell.spacing)
    if cell.kind == "point":
        return replace(image, points={DEFECT: places})
    return replace(image, lines={DEFECT: (places,)})


def _at_rows(shift: Array, places: Array) -> Array:
    rows = np.clip(np.rint(places[:, 0]), 0, len(shift) - 1).astype(np.intp)
    return shift[rows]


class Columns(NamedTuple):
    """Columns of an image with their defects: y and x in px, relative brightness."""

    position: Array
    brightness: Array
    places: Array


def with_defects(
    cell: Cell, crystal: PlanarCrystal, columns: PlanarColumns, rng: np.random.Generator
) -> Columns:
    """Return the columns with defects.

    Of the brightest column of some cells 0.35 is left, or the dimmest has the brightness of the
    brightest; one half is shifted by 0.4 of the first base vector along it, or mirrored.
    """
    position, brightness = columns.position.copy(), columns.brightness.copy()
    heights = [column.brightness for column in crystal.motif]
    if cell.kind == "point":
        vacant = cell.form == "vacancy"
        site = int(np.argmax(heights) if vacant else np.argmin(heights))
        chosen = _apart(position, columns.site == site, cell, rng)
        brightness[chosen] = 0.35 * max(heights) if vacant else max(heights)
        return Columns(position, brightness, position[chosen])
    along = crystal.base[0] / np.hypot(*crystal.base[0])
    across = np.array([along[1], -along[0]])
    middle = np.full(2, cell.edge / 2 + MARGIN + 3)
    length = cell.edge + 2 * MARGIN
    line = middle + np.arange(-length, length, 0.5)[:, None] * along
    side = (position - middle) @ across
    if cell.form == "fault":
        position[side > 0] += 0.4 * crystal.base[0]
        return Columns(position, brightness, line)
    mirrored = side < -0.35 * cell.spacing
    other = position[mirrored] - 2 * side[mirrored, None] * across
    kept = side <= 0
    return Columns(
        np.concatenate([position[kept], other]),
        np.concatenate([brightness[kept], brightness[mirrored]]),
        line,
    )


def _apart(position: Array, possible: Any, cell: Cell, rng: np.random.Generator) -> list[int]:
    """Return up to 22 of the columns that are possible, 2.5 spacings from each other."""
    rim = MARGIN + 1.5 * cell.spacing
    inside = ((position > rim) & (position < cell.edge + 2 * MARGIN - rim)).all(axis=1)
    chosen: list[int] = []
    for index in rng.permutation(np.flatnonzero(possible & inside)):
        apart = np.hypot(*(position[chosen] - position[index]).T)
        if len(chosen) < DEFECTS and (apart > 2.5 * cell.spacing).all():
            chosen.append(int(index))
    return chosen


def measured(cell: Cell) -> dict[str, Any]:
    """Return the figures of one cell."""
    image = image_of(cell)
    kind = cell.kind
    task = Task(cell.name, cell.title, cell.group, kind, DEFECT, lambda _: (image, image))
    draws = []
    for clicks in CLICKS:
        for number in range(DRAWS):
            drawn = draw_clicks(task, image, image, clicks, number)
            if drawn is None:
                continue
            teaching = Teaching(
                image.micrograph, image.period_px, kind, DEFECT, drawn.clicks, drawn.bulk
            )
            found = METHODS["quick"](teaching, image.micrograph)
            draws.append({"clicks": clicks, **scored(task, image, drawn, found)})
    about = {"name": cell.name, "title": cell.title, "group": cell.group, "kind": kind}
    return {**about, "survey": survey_auroc(task, image), "draws": draws}


def main() -> None:
    """Measure and write the figures."""
    torch.set_num_threads(1)
    cells = []
    for cell in CELLS:
        cells.append(measured(cell))
        print(json.dumps(cells[-1]), flush=True)
    about = {"version": sd.__version__, "cells": cells}
    write_bytes(FIGURES, json.dumps(about, indent=1).encode())


if __name__ == "__main__":
    main()
