"""Survey and quick models in crystals whose unit cell has many columns.

    python studies/many_columns.py

Cells of 4 to 40 columns at random places, with vacancies, exchanged columns, a fault or a twin
boundary, imaged with scan jitter and drift. Writes ``studies/runs/many_columns.json``, which
``studies/few_clicks.py`` states in ``docs/few-clicks.md``. Cells of the group "design" may be
looked at while methods are tuned; those of "report" give figures only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from few_clicks_families import labelled
from few_clicks_methods import METHODS, Teaching
from few_clicks_scores import scored, survey_auroc
from few_clicks_tasks import Group, Labelled, Task, draw_clicks

import napari_stem_defects as sd
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.simulation.any_lattice import MotifColumn, PlanarCrystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import Form, LatticeDefect

FIGURES = Path(__file__).resolve().parent / "runs" / "many_columns.json"
CLICKS, DRAWS = (1, 7), 2
BRIGHTNESS = (1.0, 0.6, 0.35)
APART = 0.8
"""Least distance of two columns of a cell in mean spacings."""
DEFECT = "defect"
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
    form: Form = "missing"
    spacing: float = 10.0
    dose: float = 3000.0
    edge: int = 576
    seed: int = 0

    @property
    def title(self) -> str:
        """Group, number of columns and form of the defect."""
        return f"{self.columns} columns, {self.form}"


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


def _motif(cell: Cell, base: Any, rng: np.random.Generator) -> tuple[MotifColumn, ...]:
    places: list[Any] = []
    tried = 0
    while len(places) < cell.columns:
        place, tried = rng.random(2), tried + 1
        away = ((np.array(places).reshape(-1, 2) - place + 0.5) % 1 - 0.5) @ base
        if np.hypot(*away.T).min(initial=np.inf) > APART * cell.spacing:
            places.append(place)
        if tried % _TRIES == 0:  # what is left is too narrow: begin again
            places.clear()
    return tuple(MotifColumn(float(u), float(v), float(rng.choice(BRIGHTNESS))) for u, v in places)


def defect_of(cell: Cell, crystal: PlanarCrystal) -> LatticeDefect:
    """Return the defect: of the brightest column, or of the dimmest that another one replaces."""
    heights = [column.brightness for column in crystal.motif]
    if cell.form == "missing":
        return LatticeDefect("missing", DEFECT, 0.35, count=22, site=int(np.argmax(heights)))
    if cell.form == "exchanged":
        dimmest = int(np.argmin(heights))
        factor = max(heights) / heights[dimmest]
        return LatticeDefect("exchanged", DEFECT, factor, count=22, site=dimmest)
    return LatticeDefect(cell.form, DEFECT, amount=0.4)


def image_of(cell: Cell) -> Labelled:
    """Return the image of a cell with its defects."""
    crystal = crystal_of(cell)
    share = cell.spacing / crystal.period_px
    imaging = LatticeImaging(
        probe_fwhm=0.42 * share,
        column_jitter=0.012 * share,
        dose=cell.dose / cell.spacing**2,
        row_jitter_px=0.2,
        drift_px=0.6,
    )
    scene = LatticeScene(crystal, (defect_of(cell, crystal),), imaging, (cell.edge, cell.edge))
    made = labelled(simulate_lattice(scene, cell.seed), cell.name)
    return Labelled(made.micrograph, SCORED * cell.spacing, made.points, made.lines, made.areas)


def measured(cell: Cell) -> dict[str, Any]:
    """Return the figures of one cell."""
    image = image_of(cell)
    kind = "point" if image.points else "line"
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
