"""Movies of a crystal that drifts, with vacancies that hop, appear and disappear."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from napari_stem_defects.postprocessing.results import Region

_WIDTH_PX = 2.2
_REACH_PX = 9


@dataclass
class Movie:
    """Frames and their truth.

    Attributes
    ----------
    frames : ndarray of float32, shape (T, Y, X)
    drift_px : ndarray, shape (T, 2)
    vectors_px : ndarray, shape (2, 2)
    positions : list of dict
        Position in the frame of each vacancy, by its number, for each frame; those in view.
    hops : int
        Hops of vacancies from one frame in view to the next.
    """

    frames: np.ndarray
    drift_px: np.ndarray
    vectors_px: np.ndarray
    positions: list[dict[int, tuple[float, float]]] = field(default_factory=list)
    hops: int = 0


def simulate_movie(
    frames: int = 40,
    size: int = 256,
    *,
    angle_deg: float = 90.0,
    speed_px: tuple[float, float] = (0.7, -0.4),
    wander_px: float = 0.3,
    counts: float = 60.0,
    vacancies: int = 14,
    hop_probability: float = 0.05,
    death_probability: float = 0.004,
    seed: int = 0,
) -> Movie:
    """Return a movie; each vacancy hops to one of the next sites with a probability per frame."""
    rng = np.random.default_rng(seed)
    turn = np.deg2rad(17.0)
    angles = turn, turn + np.deg2rad(angle_deg)
    vectors = np.array([(13.9 * np.sin(a), 13.9 * np.cos(a)) for a in angles])
    steps = rng.normal(0, wander_px, (frames, 2)) + speed_px
    steps[0] = 0
    drift = np.cumsum(steps, axis=0)
    reach = int(size / 6)
    sites = np.array([(i, j) for i in range(-reach, reach) for j in range(-reach, reach)])
    origin = np.full(2, size / 2)
    inside = (np.abs(sites @ vectors) < size / 2 - 20).all(axis=1)
    missing: dict[int, tuple[int, int]] = {}
    for number in range(vacancies):
        missing[number] = _free_site(rng, sites[inside], missing)
    movie = Movie(np.zeros((frames, size, size), np.float32), drift, vectors)
    for frame in range(frames):
        if frame:
            movie.hops += _change(rng, missing, sites[inside], hop_probability, death_probability)
        empty = set(missing.values())
        columns = sites[[tuple(site) not in empty for site in sites]]
        places = columns @ vectors + origin + drift[frame]
        movie.frames[frame] = rng.poisson(counts * (0.3 + _columns(places, size)))
        at = {n: np.array(site) @ vectors + origin + drift[frame] for n, site in missing.items()}
        movie.positions.append(
            {n: (float(y), float(x)) for n, (y, x) in at.items() if 0 < y < size and 0 < x < size}
        )
    return movie


def found_regions(
    movie: Movie, *, error_px: float = 0.4, missed: float = 0.02, seed: int = 1
) -> tuple[dict[int, tuple[Region, ...]], dict[tuple[int, int], int]]:
    """Return the regions a detector finds, and which vacancy each (frame, region) is."""
    rng = np.random.default_rng(seed)
    regions, truth = {}, {}
    for frame, places in enumerate(movie.positions):
        found = [(n, at) for n, at in places.items() if rng.random() >= missed]
        rng.shuffle(found)
        regions[frame] = tuple(
            region(frame, number, *(np.array(at) + rng.normal(0, error_px, 2)))
            for number, (_, at) in enumerate(found, 1)
        )
        truth |= {(frame, number): n for number, (n, _) in enumerate(found, 1)}
    return regions, truth


def region(frame: int, number: int, y: float, x: float, class_name: str = "Vac") -> Region:
    """Return a point defect whose site was measured."""
    unknown: dict[str, None] = dict.fromkeys(("y_nm", "x_nm", "area_nm2", "length_nm"))
    return Region(
        image="movie",
        frame=frame,
        class_name=class_name,
        region=number,
        y_px=round(y),
        x_px=round(x),
        area_px=60,
        mean_probability=0.9,
        max_probability=0.95,
        site_y_px=float(y),
        site_x_px=float(x),
        **unknown,
    )


def _free_site(
    rng: np.random.Generator, sites: np.ndarray, missing: dict[int, tuple[int, int]]
) -> tuple[int, int]:
    """Return a site at least two periods away from all vacancies."""
    for y, x in rng.permutation(sites).tolist():
        if all(max(abs(y - b), abs(x - a)) >= 2 for b, a in missing.values()):
            return y, x
    raise ValueError("too many vacancies for the size of the movie")


def _change(
    rng: np.random.Generator,
    missing: dict[int, tuple[int, int]],
    sites: np.ndarray,
    hop_probability: float,
    death_probability: float,
) -> int:
    hops = 0
    for number in list(missing):
        if rng.random() < death_probability:
            del missing[number]
            missing[1000 + max(missing)] = _free_site(rng, sites, missing)
        elif rng.random() < hop_probability:
            step = [(0, 1), (1, 0), (0, -1), (-1, 0)][rng.integers(4)]
            target = missing[number][0] + step[0], missing[number][1] + step[1]
            if target not in missing.values():
                missing[number] = target
                hops += 1
    return hops


def _columns(places: np.ndarray, size: int) -> np.ndarray:
    image = np.zeros((size, size))
    for y, x in places:
        rows = np.arange(max(0, int(y) - _REACH_PX), min(size, int(y) + _REACH_PX + 2))
        columns = np.arange(max(0, int(x) - _REACH_PX), min(size, int(x) + _REACH_PX + 2))
        if len(rows) and len(columns):
            parts = (
                np.exp(-((a - c) ** 2) / 2 / _WIDTH_PX**2) for a, c in ((rows, y), (columns, x))
            )
            image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += np.outer(*parts)
    return image
