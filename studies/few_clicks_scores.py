"""Scores of the benchmark with few clicks.

Points: F1 on the defects that were not clicked; a detection counts where it is within the tolerance
of a defect, one to one, and detections of clicked defects count neither way. Lines: share of the
unclicked centre line that has the mask within half a period, and area of the mask beyond 1.5
periods of the class, as a share of the image. Areas: share of the unclicked areas that is covered,
and the same false area.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from few_clicks_tasks import Draw, Labelled, Task, distance_to, perfect_places
from numpy.typing import NDArray

import napari_stem_defects as sd
from napari_stem_defects.scoring.matching import auroc, pair_points

if TYPE_CHECKING:
    from few_clicks_methods import Found

Array = NDArray[np.float64]

FOUND_WITHIN, FALSE_BEYOND = 0.5, 1.5
SURVEY_WITHIN = 0.35
SURVEY_PLACES = 2000


def scored(task: Task, target: Labelled, draw: Draw, found: Found) -> dict[str, Any]:
    """Return the figures of one draw."""
    seconds = {"learning_s": round(found.learning_s, 3), "search_s": round(found.search_s, 3)}
    if task.kind == "point":
        return {**_points(task, target, draw, found.points), **seconds}
    near = distance_to(found.mask)
    left = draw.left_mask
    reach = FOUND_WITHIN * target.period_px if task.kind == "line" else 0.0
    away = target.distance(task.class_name) > FALSE_BEYOND * target.period_px
    return {
        "found": round(float((near[left] <= reach).mean()), 4),
        "false_area": round(float((found.mask & away).mean()), 5),
        **seconds,
    }


def _points(task: Task, target: Labelled, draw: Draw, points: Array) -> dict[str, Any]:
    tolerance = task.tolerance * target.period_px
    if target.part is not None:
        low, high = target.part[:2], target.part[2:]
        points = points[np.all((points >= low) & (points <= high), axis=1)]
    defects = np.concatenate([draw.left_points, draw.clicked_points])
    pairs = pair_points(points, defects, tolerance)
    hits = int((pairs[:, 1] < len(draw.left_points)).sum())
    false = len(points) - len(pairs)
    missed = len(draw.left_points) - hits
    return {
        "hits": hits,
        "false": false,
        "missed": missed,
        "f1": round(2 * hits / (2 * hits + false + missed), 4),
    }


def survey_auroc(task: Task, target: Labelled) -> dict[str, Any]:
    """Return how well the survey's anomaly map separates the class from perfect places.

    Each place has the highest score within 0.35 period. Defects are the points, places a period
    apart on the lines, or places in the areas; perfect places are drawn at random.
    """
    survey = sd.survey(target.micrograph)
    rng = np.random.default_rng(0)
    defects, perfect = _defect_places(task, target, rng), perfect_places(target, SURVEY_PLACES, rng)
    reach = max(1, round(SURVEY_WITHIN * target.period_px))
    positive = _highest(survey.anomaly, defects, reach)
    negative = _highest(survey.anomaly, perfect, reach)
    return {
        "auroc": round(auroc(positive, negative), 4),
        "defects": len(defects),
        "above": int((positive > np.quantile(negative, 0.99)).sum()),
        "seconds": round(survey.seconds, 3),
    }


def _defect_places(task: Task, target: Labelled, rng: np.random.Generator) -> Array:
    if task.kind == "point":
        return target.points[task.class_name]
    if task.kind == "area":
        inside = np.argwhere(np.logical_or.reduce(target.areas[task.class_name]))
        return inside[rng.integers(0, len(inside), 300)].astype(np.float64)
    places = []
    for line in target.lines[task.class_name]:
        steps = np.hypot(*np.diff(line, axis=0).T).cumsum()
        marks = np.arange(target.period_px / 2, steps[-1], target.period_px)
        places.append(line[np.searchsorted(steps, marks)])
    return np.concatenate(places)


def _highest(anomaly: NDArray[np.float32], places: Array, reach: int) -> Array:
    steps = np.arange(-reach, reach + 1)
    disk = np.argwhere(np.hypot(steps[:, None], steps) <= reach) - reach
    whole = np.rint(places).astype(np.intp)[:, None] + disk
    whole = np.clip(whole, 0, np.array(anomaly.shape) - 1)
    return np.asarray(anomaly[whole[..., 0], whole[..., 1]].max(axis=1), dtype=np.float64)
