"""Missing columns in particles, by their distance from the edge.

    python studies/particles.py

Faceted particles on an amorphous film, of any lattice and a few periods wide, whose columns become
fainter towards the edge and relax there. Missing columns are at least two periods from the edge.
Counts those that a survey finds and its places where nothing is, in particles with and without
missing columns, what any-crystal names, and quick models at five clicks. Writes
``studies/runs/particles.json``, which ``studies/few_clicks.py`` states in ``docs/few-clicks.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from few_clicks_methods import METHODS, Teaching
from few_clicks_scores import scored
from few_clicks_tasks import Labelled, Task, draw_clicks
from numpy.typing import NDArray
from scipy import ndimage

import napari_stem_defects as sd
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.simulation.any_lattice import PlanarCrystal, fill_disk
from napari_stem_defects.simulation.any_lattice_random import random_planar_crystal
from napari_stem_defects.simulation.imaging_model import Imaging, expose, render, row_shifts

Array = NDArray[np.float64]

FIGURES = Path(__file__).resolve().parent / "runs" / "particles.json"
WIDTHS = (14, 20, 28)
"""Widths of the particles in lattice periods."""
SEEDS = (*range(4), *range(100, 104))
PERIOD_PX, DEFECT, CLICKS = (9.0, 16.0), "defect", 5
DEEP, APART = 2.0, 1.9
"""Least distance of missing columns from the edge and from each other in lattice periods."""
FOUND = 0.6
"""Distance in lattice periods up to which a place is that of a missing column."""
RIM = 5
"""Film around a particle in lattice periods."""
_FAINT, _RELAXED = 0.35, 0.05
"""Brightness of a column at the edge, and its outward shift in lattice periods."""


@dataclass(frozen=True)
class Particle:
    """A particle; its width in lattice periods."""

    width: int
    seed: int
    is_perfect: bool = False


PARTICLES = tuple(Particle(width, seed) for width in WIDTHS for seed in SEEDS)


@dataclass(frozen=True)
class Facets:
    """A convex polygon: the columns with a distance of more than 0 from all of its edges."""

    middle: Array
    normals: Array
    distances: Array

    def depth(self, position: Array) -> Array:
        """Return the distance of positions (N, 2) from the nearest edge, negative outside."""
        depth: Array = (self.distances - (position - self.middle) @ self.normals.T).min(axis=1)
        return depth


def image_of(particle: Particle) -> tuple[Labelled, Facets]:
    """Return the image of a particle, and its facets."""
    rng = np.random.default_rng([particle.seed, particle.width])
    crystal, period = _crystal(rng)
    edge = round((particle.width + 2 * RIM) * period)
    facets = _facets(rng, particle.width * period / 2, edge)
    columns = fill_disk(crystal, facets.middle, facets.middle, 0.75 * edge)
    depth = facets.depth(columns.position)
    columns, depth = columns.select(depth > 0), depth[depth > 0]
    away = columns.position - facets.middle
    outward = away / np.maximum(np.hypot(*away.T), 1e-9)[:, None]
    relaxed = columns.position + _RELAXED * period * np.exp(-depth / period)[:, None] * outward
    thickness = np.clip(depth / (0.3 * particle.width * period), 0, 1)
    brightness = columns.brightness * (_FAINT + (1 - _FAINT) * np.sqrt(thickness))
    places = np.zeros((0, 2))
    if not particle.is_perfect:
        brightest = columns.brightness == columns.brightness.max()
        chosen = _apart(relaxed, brightest & (depth > DEEP * period), APART * period, rng)
        brightness[chosen] *= rng.choice([0.0, 0.35])
        places = relaxed[chosen]
    pixels = _expose(relaxed, brightness, (edge, edge), period, rng)
    name = f"particle-{particle.width}-{particle.seed}"
    return Labelled(sd.Micrograph(pixels, name), period, points={DEFECT: places}), facets


def _crystal(rng: np.random.Generator) -> tuple[PlanarCrystal, float]:
    crystal = random_planar_crystal(rng, float(rng.uniform(*PERIOD_PX)))
    return crystal, float(np.sqrt(abs(np.linalg.det(crystal.base))))


def _facets(rng: np.random.Generator, radius: float, edge: int) -> Facets:
    count = int(rng.choice([4, 6, 8]))
    angle = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
    normals = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    middle = edge / 2 + rng.uniform(-2, 2, 2)
    return Facets(middle, normals, radius * rng.uniform(0.85, 1.1, count))


def _apart(position: Array, possible: Any, least: float, rng: np.random.Generator) -> list[int]:
    """Return one in thirty of the columns that are possible, at least nine, all apart."""
    wanted = max(9, int(possible.sum()) // 30)
    chosen: list[int] = []
    for index in rng.permutation(np.flatnonzero(possible)):
        apart = np.hypot(*(position[chosen] - position[index]).T)
        if len(chosen) < wanted and (apart > least).all():
            chosen.append(int(index))
    return chosen


def _expose(
    position: Array,
    brightness: Array,
    shape: tuple[int, int],
    period: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the image of columns on an amorphous film."""
    imaging = Imaging(
        probe_fwhm_nm=0.36 * period,
        tail_share=0.1,
        tail_nm=period,
        dose=float(rng.choice([1500, 4000, 10_000])) / period**2,
        background=0.3,
        jitter_px=0.2,
        drift_px=0.6,
        noise_blur_px=0.0,
    )
    shift = row_shifts(rng, shape[0], imaging)
    signal = render(position, brightness, shape, imaging, 1.0, shift)
    film = ndimage.gaussian_filter(rng.normal(size=shape), 0.25 * period)
    film *= rng.choice([0.03, 0.1, 0.2]) * np.quantile(signal, 0.95) / film.std()
    return expose(np.maximum(signal + film, 0), imaging, rng)


def measured(particle: Particle) -> dict[str, Any]:
    """Return the figures of one particle."""
    image, _ = image_of(particle)
    places, reach = image.points[DEFECT], FOUND * image.period_px
    perfect, _ = image_of(replace(particle, is_perfect=True))
    found, named = _survey_places(image), _named_places(image)
    hits = _nearest(places, found) < reach
    about: dict[str, Any] = {
        "width": particle.width,
        "seed": particle.seed,
        "missing": len(places),
        "found": int(hits.sum()),
        "false": int((_nearest(found, places) > image.period_px).sum()),
        "false_in_perfect": len(_survey_places(perfect)),
        "named": int((_nearest(places, named) < reach).sum()),
        "false_names": int((_nearest(named, places) > image.period_px).sum()),
        "false_names_in_perfect": len(_named_places(perfect)),
    }
    task = Task("particle", "Particle", "report", "point", DEFECT, lambda _: (image, image))
    drawn = draw_clicks(task, image, image, CLICKS, 0)
    if drawn is not None:
        teaching = Teaching(
            image.micrograph, image.period_px, "point", DEFECT, drawn.clicks, drawn.bulk
        )
        about |= scored(task, image, drawn, METHODS["quick"](teaching, image.micrograph))
    return about


def _survey_places(image: Labelled) -> Array:
    found = sd.survey(image.micrograph).candidates
    return np.array([(each.y, each.x) for each in found]).reshape(-1, 2)


def _named_places(image: Labelled) -> Array:
    found = sd.detect(image.micrograph, "any-crystal", device="cpu").regions
    return np.array([(each.y_px, each.x_px) for each in found]).reshape(-1, 2)


def _nearest(places: Array, others: Array) -> Array:
    away = np.hypot(*np.moveaxis(places[:, None] - others[None], -1, 0))
    return np.asarray(away.min(axis=1, initial=np.inf), np.float64)


def main() -> None:
    """Measure and write the figures."""
    torch.set_num_threads(1)
    particles = []
    for particle in PARTICLES:
        particles.append(measured(particle))
        print(json.dumps(particles[-1]), flush=True)
    about = {"version": sd.__version__, "particles": particles}
    write_bytes(FIGURES, json.dumps(about, indent=1).encode())


if __name__ == "__main__":
    main()
