"""Point defects of simulated scenes: vacancies, interstitials, extra and missing columns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.simulation.crystals import CDTE_NM, STO_NM, Columns
from napari_stem_defects.simulation.ground_truth import GroundTruthPoint
from napari_stem_defects.simulation.scene import Dot, Scene

Array = NDArray[np.float64]

APART_NM = 1.2
"""Minimum distance between two point defects, so that a window shows only one."""


@dataclass(frozen=True)
class PointKind:
    """One kind of point defect.

    Attributes
    ----------
    class_name : str
        Class in the ground truth.
    removes : bool
        Whether columns lose atoms; otherwise a bright dot is added.
    share : (float, float)
        Range of the occupancy that remains.
    height, sigma_nm : (float, float)
        Ranges of the height (relative to the peaks of the crystal) and of the size of the dot.
    """

    class_name: str
    removes: bool
    occupancy: tuple[float, float] = (0.0, 0.3)
    height: tuple[float, float] = (0.5, 1.1)
    sigma_nm: tuple[float, float] = (0.03, 0.055)


POINT_KINDS = {
    "vacancy": PointKind("Vacancy_CdTe", removes=True, occupancy=(0.0, 0.35)),
    "interstitial": PointKind("interstitial", removes=False, height=(0.65, 1.2)),
    "extra": PointKind("Extra", removes=False, height=(0.6, 1.1)),
    "iextra": PointKind("IExtra", removes=False, height=(0.4, 0.8), sigma_nm=(0.045, 0.065)),
    "missing": PointKind("Mis", removes=True),
}
"""The families of point defects, by name."""


def candidate_sites(kind: str, columns: Columns) -> Array:
    """Return the possible sites of a kind of point defect.

    Vacancies are at dumbbells, interstitials in the middle of the channel between four dumbbells,
    extra columns at oxygen sites, interstitial columns on both sides of Ti-O columns, and missing
    columns at Sr sites.

    Parameters
    ----------
    kind : str
        Key of `POINT_KINDS`.
    columns : Columns
        The perfect crystal.

    Returns
    -------
    ndarray of float64, shape (N, 2)
        x, y in nm in the frame of the crystal.
    """
    species = {"extra": 2, "iextra": 1}.get(kind, 0)
    sites: Array = columns.position[columns.species == species]
    up = {"vacancy": 0.125, "interstitial": 0.625}.get(kind, 0.0) * CDTE_NM
    return np.asarray(sites + np.array([0, up]))


def add_point_defects(
    scene: Scene, kind: str, sites: Array, size: int, count: int, rng: np.random.Generator
) -> Scene:
    """Add point defects of one kind at randomly chosen sites.

    The defects keep a distance from the border, from each other and from existing points.

    Parameters
    ----------
    scene : Scene
    kind : str
        Key of `POINT_KINDS`.
    sites : ndarray of float64, shape (N, 2)
        Possible sites as x, y in nm.
    size : int
        Height and width of the image in px.
    count : int
        Maximum number of defects.
    rng : numpy.random.Generator

    Returns
    -------
    Scene
    """
    defect = POINT_KINDS[kind]
    chosen = sites[_draw_sites(scene, sites, size, count, rng)]
    if defect.removes:
        scene = replace(scene, columns=_weaken(scene.columns, kind, chosen, defect, rng))
    else:
        chosen = chosen + rng.normal(0, 0.02, chosen.shape)
        scene = replace(scene, dots=scene.dots + _make_dots(scene, kind, chosen, defect, rng))
    at = scene.pose.to_image(chosen)
    points = tuple(GroundTruthPoint(defect.class_name, float(y), float(x)) for y, x in at)
    return replace(scene, points=scene.points + points)


def _make_dots(
    scene: Scene, kind: str, chosen: Array, defect: PointKind, rng: np.random.Generator
) -> tuple[Dot, ...]:
    """Return a dot at each site, or a pair of dots on both sides of it for interstitial columns."""
    positions = chosen
    if kind == "iextra":
        along = np.eye(2)[rng.integers(0, 2, len(chosen))] * 0.2 * STO_NM
        positions = np.concatenate([chosen + along, chosen - along])
    px = scene.pose.nm_per_px()
    heights = rng.uniform(*defect.height, len(positions))
    sigmas = rng.uniform(*defect.sigma_nm, len(positions)) / px
    flatness = rng.integers(1, 3, len(positions))
    at = scene.pose.to_image(positions)
    return tuple(
        Dot(float(y), float(x), float(h), float(s), int(f))
        for (y, x), h, s, f in zip(at, heights, sigmas, flatness, strict=True)
    )


def _draw_sites(
    scene: Scene, sites: Array, size: int, count: int, rng: np.random.Generator
) -> list[int]:
    at = scene.pose.to_image(sites)
    apart = APART_NM / scene.pose.nm_per_px()
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


def _weaken(
    columns: Columns, kind: str, chosen: Array, defect: PointKind, rng: np.random.Generator
) -> Columns:
    """Reduce the occupancy at the chosen sites: of both columns of a dumbbell, or of one Sr."""
    occupancy = columns.occupancy.copy()
    reach = CDTE_NM / 8 * 1.01 if kind == "vacancy" else 0.01
    for site in chosen:
        near = np.hypot(*(columns.position - site).T) <= reach
        occupancy[near] = rng.uniform(*defect.occupancy)
    return replace(columns, occupancy=occupancy)
