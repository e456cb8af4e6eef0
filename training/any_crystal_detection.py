"""Whether the regions that an ensemble finds in simulated crystals have the right generic name."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from any_crystal_scenes import CLASSES, Family, class_of, draw_scene

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.simulation.any_lattice_scene import LatticeSimulation, simulate_lattice
from napari_stem_defects.training.metrics import wilson_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import Region

# Probabilities at which regions are judged, for the choice of a threshold.
LEVELS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
# Share of the regions of a class that must have the right name, and the fewest that are judged.
PRECISION, FEWEST = 0.8, 10
# A region belongs to a defect within this distance, in lattice periods.
POINT_REACH, EXTENDED_REACH = 0.6, 1.5
POINTS = ("Missing", "Added", "Core")
# Share of the pixels of an extended region that must be on its defect.
ON_DEFECT = 0.5


class Judged(NamedTuple):
    """Regions of one class in one scene at one threshold."""

    class_name: str
    level: float
    right: int
    wrong: int
    found: int
    missed: int


def judged_regions(
    ensemble: Ensemble, seeds: range, families: frozenset[Family], workers: int = 2
) -> list[Judged]:
    """Detect in simulated scenes at every level and compare the regions with the ground truth."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = pool.map(
            _judged_scene, [ensemble] * len(seeds), seeds, [families] * len(seeds), chunksize=4
        )
        return [judged for part in parts for judged in part]


def _judged_scene(ensemble: Ensemble, seed: int, families: frozenset[Family]) -> list[Judged]:
    torch.set_num_threads(1)
    scene = draw_scene(seed, families)
    simulation = simulate_lattice(scene, seed)
    names = {d.class_name: CLASSES[class_of(d, scene.crystal)] for d in scene.defects}
    truth = defect_distances(simulation, names)
    points = point_places(simulation, names)
    period = float(np.sqrt(abs(np.linalg.det(simulation.crystal.base))))
    found = FrameResult.of(detect_frame(simulation.micrograph(), ensemble, device="cpu"), None)
    judged = []
    for level in LEVELS:
        result = found.with_thresholds({name: level for name in CLASSES if name != BULK})
        judged += [judge(result, name, level, truth, points, period) for name in CLASSES[1:]]
    return judged


def defect_distances(
    simulation: LatticeSimulation, names: dict[str, str]
) -> dict[str, NDArray[np.float32]]:
    """Return the distance of each pixel from the nearest defect of each class."""
    found: dict[str, NDArray[np.float32]] = {}
    for form, name in names.items():
        distance = simulation.distance(form)
        found[name] = np.minimum(found.get(name, np.float32(np.inf)), distance)
    return found


def point_places(
    simulation: LatticeSimulation, names: dict[str, str]
) -> dict[str, NDArray[np.float64]]:
    """Return the places of the point defects of each class."""
    found: dict[str, NDArray[np.float64]] = {}
    for form, name in names.items():
        if form in simulation.points:
            before = found.get(name, np.zeros((0, 2)))
            found[name] = np.concatenate([before, simulation.points[form]])
    return found


def judge(
    found: FrameResult,
    name: str,
    level: float,
    truth: dict[str, NDArray[np.float32]],
    points: dict[str, NDArray[np.float64]],
    period: float,
) -> Judged:
    """Compare the regions of a class with its defects."""
    regions = [region for region in found.regions if region.class_name == name]
    if name in POINTS:
        clear = [region for region in regions if not _is_on_extended(region, truth, period)]
        return _judge_points(clear, points.get(name, np.zeros((0, 2))), name, level, period)
    if name == "Other" and "Boundary" in truth:
        regions = []  # a small grain is an area of another kind, too, but not in the ground truth
    numbered = found.numbered[found.names.index(name)]
    distance = truth.get(name, np.full(numbered.shape, np.inf, np.float32))
    on = [(distance[numbered == r.region] <= EXTENDED_REACH * period).mean() for r in regions]
    right = sum(bool(share >= ON_DEFECT) for share in on)
    defect = np.asarray(distance <= period / 2)
    hit = int((defect & (numbered > 0)).sum())
    return Judged(name, level, right, len(regions) - right, hit, int(defect.sum()) - hit)


def _is_on_extended(region: Region, truth: dict[str, NDArray[np.float32]], period: float) -> bool:
    """Return whether a point lies on a line or area, which consist of what looks like points."""
    at = round(region.y_px), round(region.x_px)
    return any(truth[name][at] <= EXTENDED_REACH * period for name in truth if name not in POINTS)


def _judge_points(
    regions: list[Region], places: NDArray[np.float64], name: str, level: float, period: float
) -> Judged:
    centres = np.array([(r.y_px, r.x_px) for r in regions]).reshape(-1, 2)
    apart = np.hypot(*(centres[:, None] - places[None]).transpose(2, 0, 1))
    near = apart <= POINT_REACH * period
    right = int(near.any(axis=1).sum()) if len(places) else 0
    seen = int(near.any(axis=0).sum()) if len(regions) else 0
    return Judged(name, level, right, len(regions) - right, seen, len(places) - seen)


def thresholds_for(judged: list[Judged]) -> dict[str, float]:
    """Return the lowest level of each class at which its names are right often enough.

    Where no level is, it is the one at which they are right most often.
    """
    limits = {BULK: 0.5}
    for name in CLASSES[1:]:
        precise = {}
        for level in LEVELS:
            right, wrong = _counts(judged, name, level)
            if right + wrong >= FEWEST:
                precise[level] = right / (right + wrong)
        enough = [level for level, share in precise.items() if share >= PRECISION]
        best = max(precise, key=precise.__getitem__, default=LEVELS[-1])
        limits[name] = min(enough, default=best)
    return limits


def _counts(judged: list[Judged], name: str, level: float) -> tuple[int, int]:
    chosen = [each for each in judged if each.class_name == name and each.level == level]
    return sum(each.right for each in chosen), sum(each.wrong for each in chosen)


def shares(judged: list[Judged], limits: dict[str, float]) -> dict[str, Any]:
    """Return precision of the names and share found of each class, at its threshold."""
    result: dict[str, Any] = {}
    for name in CLASSES[1:]:
        chosen = [j for j in judged if j.class_name == name and j.level == limits[name]]
        right, wrong = _counts(judged, name, limits[name])
        precision = wilson_interval(right, right + wrong)
        found, missed = sum(j.found for j in chosen), sum(j.missed for j in chosen)
        result[name] = {
            "threshold": limits[name],
            "right": right,
            "wrong": wrong,
            "precision": precision.value,
            "precision_interval": [precision.low, precision.high],
            "found": found / max(found + missed, 1),
            "places": found + missed,
        }
    return result
