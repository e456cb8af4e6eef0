"""How many places a survey lists: in few lattice periods, and where point defects crowd.

    python studies/survey_counts.py

Perfect crystals of 5 to 16 periods and the same with a missing column, without noise and with; and
crystals of 30 periods of which up to 30 % of a site is missing or dim. Writes
``studies/runs/survey_counts.json``, which ``studies/few_clicks.py`` states in
``docs/few-clicks.md``. Crystals of the group "design" may be looked at while methods are tuned;
those of "report" give figures only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

import napari_stem_defects as sd
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.simulation.any_lattice import MotifColumn, PlanarCrystal, fill_disk
from napari_stem_defects.simulation.imaging_model import Imaging, expose, render, row_shifts

Array = NDArray[np.float64]

FIGURES = Path(__file__).resolve().parent / "runs" / "survey_counts.json"
PERIODS = (5.0, 6.5, 8.0, 11.0, 16.0)
DOSES = {"no noise": None, "20,000 electrons": 20_000.0, "4,000 electrons": 4_000.0}
"""Electrons per square of a lattice period."""
SHARES, REMAINING = (0.05, 0.1, 0.15, 0.2, 0.3), (0.0, 0.45)
WIDE, CROWD_DOSE = 30.0, 4_000.0
UNLIKE = 0.03
"""Standard deviation of the brightness of columns where they crowd."""
RIM = 1.0
"""Missing columns nearer to the border than so many periods do not count as missed."""
NEAR = 0.5
"""Distance in periods up to which a place is that of a missing column."""


@dataclass(frozen=True)
class Lattice:
    """A cell: base vectors as ratio and angle, motif as (u, v, brightness), period in px."""

    name: str
    group: str
    ratio: float
    angle_deg: float
    motif: tuple[tuple[float, float, float], ...]
    period: float
    turn_deg: float

    def crystal(self) -> PlanarCrystal:
        """Return the crystal."""
        turn = np.radians(self.turn_deg + np.array([0, self.angle_deg]))
        first = self.period / np.sqrt(self.ratio * np.sin(np.radians(self.angle_deg)))
        lengths = first * np.array([[1], [self.ratio]])
        (ya, xa), (yb, xb) = (lengths * np.stack([-np.sin(turn), np.cos(turn)], axis=1)).tolist()
        columns = tuple(MotifColumn(u, v, brightness) for u, v, brightness in self.motif)
        return PlanarCrystal(((ya, xa), (yb, xb)), columns)


ONE = ((0.0, 0.0, 1.0),)
LATTICES = (
    Lattice("hexagonal", "design", 1.0, 60, ONE, 14, 7),
    Lattice("square", "design", 1.0, 90, ONE, 15, 0),
    Lattice("honeycomb", "design", 1.0, 60, ((0, 0, 1.0), (1 / 3, 1 / 3, 0.5)), 20, 20),
    Lattice("rectangular", "report", 1.5, 90, ((0, 0, 1.0), (0.5, 0.42, 0.7)), 17, 31),
    Lattice("oblique", "report", 1.2, 73, ONE, 14, 11),
    Lattice("perovskite", "report", 1.0, 90, ((0, 0, 1.0), (0.5, 0.5, 0.55)), 18, 0),
)


class Image(NamedTuple):
    """An image, and the missing or dim columns in it, y and x in px."""

    micrograph: sd.Micrograph
    missing: Array


def image_of(
    lattice: Lattice,
    periods: float,
    dose: float | None,
    seed: int,
    *,
    share: float = 0.0,
    remaining: float = 0.0,
    one: bool = False,
) -> Image:
    """Return an image in which one column near the middle is missing, or a share of a site."""
    rng = np.random.default_rng([seed, round(10 * periods)])
    edge, margin = round(periods * lattice.period), round(3 * lattice.period)
    around = edge + 2 * margin
    middle = np.full(2, around / 2) + rng.uniform(0, lattice.period, 2)
    columns = fill_disk(lattice.crystal(), middle, middle, 0.8 * around)
    inside = ((columns.position > 0) & (columns.position < around)).all(axis=1)
    columns = columns.select(inside & (columns.brightness > 0))
    position, brightness, site = columns.position, columns.brightness.copy(), columns.site == 0
    if share:
        brightness *= 1 + UNLIKE * rng.normal(size=len(brightness))
    if one:
        away = np.hypot(*(position - around / 2).T) + 1e9 * ~site
        chosen = np.arange(len(position)) == away.argmin()
    else:
        chosen = site & (rng.random(len(position)) < share)
    brightness[chosen] *= remaining
    imaging = Imaging(
        probe_fwhm_nm=0.42 * lattice.period / np.sqrt(len(lattice.motif)),
        tail_share=0.1,
        tail_nm=lattice.period,
        dose=(dose or 1.0) / lattice.period**2,
        background=0.3,
        jitter_px=0.01 * lattice.period,
        drift_px=0.0,
        noise_blur_px=0.0,
    )
    shift = row_shifts(rng, around, imaging)
    signal = render(position, brightness, (around, around), imaging, 1.0, shift)
    inner = slice(margin, margin + edge)
    pixels = signal[inner, inner]
    pixels = pixels if dose is None else expose(pixels, imaging, rng)
    name = f"{lattice.name}, {periods:g} periods"
    micrograph = sd.Micrograph(np.asarray(pixels, np.float32), name)
    return Image(micrograph, position[chosen] - margin)


def counts_of(image: Image, period: float) -> dict[str, int]:
    """Return how many of the missing columns are points of a survey, and what else it lists."""
    survey = sd.survey(image.micrograph)
    points = np.array([(c.y, c.x) for c in survey.candidates if c.kind == "point"])
    extended = sum(candidate.kind != "point" for candidate in survey.candidates)
    edge = np.array(image.micrograph.frame_shape) - 1
    rim = RIM * period
    counted = image.missing[((image.missing > rim) & (image.missing < edge - rim)).all(axis=1)]
    apart = [
        np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1)).min(axis=1, initial=np.inf)
        for one, other in (
            (counted, points.reshape(-1, 2)),
            (points.reshape(-1, 2), image.missing),
        )
    ]
    found, other = int((apart[0] < NEAR * period).sum()), int((apart[1] >= NEAR * period).sum())
    return {"missing": len(counted), "found": found, "other": other + extended}


def measured() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the figures of few periods, and those of crowds."""
    few, crowds = [], []
    for number, lattice in enumerate(LATTICES):
        about = {"lattice": lattice.name, "group": lattice.group}
        for periods in PERIODS:
            for dose_name, dose in DOSES.items():
                perfect, one = (
                    counts_of(image_of(lattice, periods, dose, number, one=one), lattice.period)
                    for one in (False, True)
                )
                case = {"periods": periods, "dose": dose_name, "in_perfect": perfect["other"]}
                few.append({**about, **case, **one})
        for share in SHARES:
            for remaining in REMAINING:
                image = image_of(
                    lattice, WIDE, CROWD_DOSE, number, share=share, remaining=remaining
                )
                case = {"share": share, "remaining": remaining}
                crowds.append({**about, **case, **counts_of(image, lattice.period)})
        print(json.dumps(few[-1]), json.dumps(crowds[-1]), flush=True)
    return few, crowds


def main() -> None:
    """Measure and write the figures."""
    torch.set_num_threads(1)
    few, crowds = measured()
    about = {"version": sd.__version__, "few_periods": few, "crowds": crowds}
    write_bytes(FIGURES, json.dumps(about, indent=1).encode())


if __name__ == "__main__":
    main()
