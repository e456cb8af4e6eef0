"""Point defects put into a scene: vacancies, interstitials, extra and missing columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.simulation.crystals import CDTE_NM, STO_NM, Columns
from napari_stem_defects.simulation.ground_truth import TruthPoint
from napari_stem_defects.simulation.scene import Dot, Scene

Array = NDArray[np.float64]

APART_NM = 1.2
"""Least distance between two point defects, so that a window shows one at a time."""


@dataclass(frozen=True)
class PointKind:
    """One kind of point defect.

    Attributes
    ----------
    class_name : str
        Class of the truth.
    removes : bool
        Whether columns are weakened; otherwise a dot is added.
    share : (float, float)
        What is left of weakened columns; from, to.
    height, sigma_nm : (float, float)
        Height (relative to the crystal's peaks) and size of the dot; from, to.
    """

    class_name: str
    removes: bool
    share: tuple[float, float] = (0.0, 0.3)
    height: tuple[float, float] = (0.5, 1.1)
    sigma_nm: tuple[float, float] = (0.03, 0.055)


POINT_KINDS = {
    "vacancy": PointKind("Vacancy_CdTe", removes=True, share=(0.0, 0.35)),
    "interstitial": PointKind("interstitial", removes=False, height=(0.65, 1.2)),
    "extra": PointKind("Extra", removes=False, height=(0.6, 1.1)),
    "iextra": PointKind("IExtra", removes=False, height=(0.4, 0.8), sigma_nm=(0.045, 0.065)),
    "missing": PointKind("Mis", removes=True),
}
"""The families of point defects, by name."""


def candidates(kind: str, columns: Columns) -> Array:
    """Return where in the crystal a kind of defect may stand, shape (N, 2), nm.

    Vacancies take a dumbbell, interstitials the middle of the channel between four dumbbells,
    extra columns an oxygen site, interstitial columns either side of a Ti-O column, and missing
    columns a Sr site.
    """
    species = {"extra": 2, "iextra": 1}.get(kind, 0)
    sites: Array = columns.position[columns.species == species]
    up = {"vacancy": 0.125, "interstitial": 0.625}.get(kind, 0.0) * CDTE_NM
    return np.asarray(sites + np.array([0, up]))


def add_points(
    scene: Scene, kind: str, sites: Array, size: int, count: int, rng: np.random.Generator
) -> Scene:
    """Put up to ``count`` defects of a kind on sites drawn from those given (nm, shape (N, 2)).

    They keep a distance from the border, from each other and from the points already there.
    """
    defect = POINT_KINDS[kind]
    chosen = sites[_draw(scene, sites, size, count, rng)]
    if defect.removes:
        scene = replace(scene, columns=_weakened(scene.columns, kind, chosen, defect, rng))
    else:
        chosen = chosen + rng.normal(0, 0.02, chosen.shape)
        scene = replace(scene, dots=scene.dots + _dots(scene, kind, chosen, defect, rng))
    at = scene.placement.to_image(chosen)
    points = tuple(TruthPoint(defect.class_name, float(y), float(x)) for y, x in at)
    return replace(scene, points=scene.points + points)


def _dots(
    scene: Scene, kind: str, chosen: Array, defect: PointKind, rng: np.random.Generator
) -> tuple[Dot, ...]:
    """Return a dot at each place, or a pair on either side of it for interstitial columns."""
    where = chosen
    if kind == "iextra":
        along = np.eye(2)[rng.integers(0, 2, len(chosen))] * 0.2 * STO_NM
        where = np.concatenate([chosen + along, chosen - along])
    px = scene.placement.nm_per_px()
    heights = rng.uniform(*defect.height, len(where))
    sigmas = rng.uniform(*defect.sigma_nm, len(where)) / px
    flatness = rng.integers(1, 3, len(where))
    at = scene.placement.to_image(where)
    return tuple(
        Dot(float(y), float(x), float(h), float(s), int(f))
        for (y, x), h, s, f in zip(at, heights, sigmas, flatness, strict=True)
    )


def _draw(scene: Scene, sites: Array, size: int, count: int, rng: np.random.Generator) -> list[int]:
    at = scene.placement.to_image(sites)
    apart = APART_NM / scene.placement.nm_per_px()
    taken = [(point.y_px, point.x_px) for point in scene.points]
    chosen: list[int] = []
    inside = np.all((at > apart / 4) & (at < size - apart / 4), axis=1)
    for index in rng.permutation(np.flatnonzero(inside)):
        if len(chosen) == count:
            break
        if not taken or np.hypot(*(np.array(taken) - at[index]).T).min() > apart:
            chosen.append(int(index))
            taken.append((at[index, 0], at[index, 1]))
    return chosen


def _weakened(
    columns: Columns, kind: str, chosen: Array, defect: PointKind, rng: np.random.Generator
) -> Columns:
    """Weaken the columns at the chosen places: both of a dumbbell, or the one Sr column."""
    share = columns.share.copy()
    reach = CDTE_NM / 8 * 1.01 if kind == "vacancy" else 0.01
    for site in chosen:
        near = np.hypot(*(columns.position - site).T) <= reach
        share[near] = rng.uniform(*defect.share)
    return replace(columns, share=share)
