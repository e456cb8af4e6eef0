"""Evaluation of an ensemble on windows, scenes and images that it was not trained on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, UNKNOWN
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.images.read import read
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.metrics import auroc, compute_metrics

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.postprocessing.results import Detection
    from napari_stem_defects.simulation.scene import Simulation
    from napari_stem_defects.training.sampling import Samples

HeldPoints = Callable[[NDArray[np.float64]], NDArray[np.bool_]]
# Both ends (y, x) in px.
Line = tuple[tuple[float, float], tuple[float, float]]


class Faults(NamedTuple):
    """Centre lines of the extended defects of an image, and which places in it are held out."""

    image: str
    lines: dict[str, Line]
    held: HeldPoints


DETECTION_STRIDE = 4
FOUND_WITHIN_PX = 12
# Windows this near to a defect show it; windows further than the other from all show bulk.
NEAR_PX, FAR_PX = 8.0, 20.0
SCENE_STRIDE = 8


def window_metrics(ensemble: Ensemble, samples: Samples) -> dict[str, Any]:
    """Return the metrics of an ensemble's predictions for windows."""
    classes = ensemble.spec.classes
    there = np.nan_to_num(samples.targets) > 0
    labels = [classes[int(row.argmax())] if row.any() else "" for row in there]
    probability = ensemble.spec.calibrated_probabilities(predict_logits(ensemble, samples))
    return compute_metrics(classes, labels, samples.targets, probability).to_dict()


def measure_disagreement(ensemble: Ensemble, samples: Samples) -> dict[str, Any]:
    """Measure how well the disagreement of members separates wrong from right predictions.

    Predictions of all classes, at probability 0.5, for windows with a known target. The result
    compares the disagreement (standard deviation over the members of a class) with the uncertainty
    of their mean (its nearness to 0.5), and counts the wrong predictions of each seed alone.
    """
    spec, known = ensemble.spec, ~np.isnan(samples.targets)
    logits = np.stack([predict_logits(one, samples) for one in split_by_seed(ensemble)])
    seed_probabilities = np.stack([spec.calibrated_probabilities(one) for one in logits])
    mean = spec.calibrated_probabilities(logits.mean(0))
    wrong = _wrong(mean, samples)[known]
    return {
        "answers": int(known.sum()),
        "wrong": int(wrong.sum()),
        "wrong_of_each_seed": [
            int(_wrong(one, samples)[known].sum()) for one in seed_probabilities
        ],
        "auroc_of_disagreement": auroc(wrong, seed_probabilities.std(0)[known]),
        "auroc_of_doubt": auroc(wrong, -np.abs(mean - 0.5)[known]),
    }


def split_by_seed(ensemble: Ensemble) -> Iterator[Ensemble]:
    """Yield ensembles of one member per class, one for every seed."""
    for number, seed in enumerate(ensemble.spec.seeds):
        weights = {}
        for name, array in ensemble.weights.items():
            column, of_seed, parameter = name.split(".", 2)
            if int(of_seed) == number:
                weights[f"{column}.0.{parameter}"] = array
        yield Ensemble(replace(ensemble.spec, seeds=(seed,)), weights)


def _wrong(probability: NDArray[np.float32], samples: Samples) -> NDArray[np.bool_]:
    wrong: NDArray[np.bool_] = (probability >= 0.5) != (samples.targets > 0.5)
    return wrong


def measure_localisation(
    ensemble: Ensemble, data: Path, edited: tuple[str, ...], held_points: HeldPoints
) -> dict[str, dict[str, Any]]:
    """Detect on the edited images; count held-out defects found, and false ones anywhere."""
    counts = {}
    ground_truth = json.loads((data / "images" / "point_defects.json").read_text())
    for name in edited:
        label, points = (
            ground_truth[name]["class"],
            np.array(ground_truth[name]["points_yx"], np.float64),
        )
        detection = detect_frame(read(data / "images" / name), ensemble, stride=DETECTION_STRIDE)
        mine = [(r.y_px, r.x_px) for r in detection.regions if r.class_name == label]
        places = np.array(mine).reshape(-1, 2)
        held = points[held_points(points)]
        nearest = cKDTree(places).query(held)[0] if mine else np.full(len(held), np.inf)
        false = int((cKDTree(points).query(places)[0] > FOUND_WITHIN_PX).sum()) if mine else 0
        hits = int((nearest <= FOUND_WITHIN_PX).sum())
        others = [r.class_name for r in detection.regions if r.class_name not in (label, UNKNOWN)]
        counts[name] = {
            "class": label,
            "held_out": len(held),
            "found": hits,
            "false": false,
            "f1": 2 * hits / (hits + len(held) + false),
            "other_regions": {other: others.count(other) for other in sorted(set(others))},
        }
        print(name, counts[name], flush=True)
    return counts


def measure_faults(ensemble: Ensemble, data: Path, faults: Faults) -> dict[str, dict[str, int]]:
    """Detect in an image; count px of its faults' centre lines in any mask, and in their own.

    Only held-out px count. Of ``Bulk`` the px far from any line are counted, and those in any mask.
    """
    micrograph = read(data / faults.image)
    detection = detect_frame(micrograph, ensemble, stride=DETECTION_STRIDE)
    named = [name for name in detection.mask_names if name != UNKNOWN]
    masks = dict(zip(named, detection.masks[: len(named)] > 0, strict=True))
    anywhere = np.logical_or.reduce(list(masks.values()))
    counts, drawn = {}, []
    for name, line in faults.lines.items():
        drawn.append(_pixels_of(line))
        mine = drawn[-1][faults.held(drawn[-1].astype(np.float64))]
        y, x = mine.T
        counts[name] = {
            "pixels": len(mine),
            "found": int(anywhere[y, x].sum()),
            "named": int(masks[name][y, x].sum()),
        }
    at = np.indices(micrograph.pixels.shape).reshape(2, -1).T
    at = at[faults.held(at.astype(np.float64))]
    away = at[cKDTree(np.concatenate(drawn)).query(at)[0] > FAR_PX]
    counts[BULK] = {"pixels": len(away), "claimed": int(anywhere[tuple(away.T)].sum())}
    print(faults.image, counts, flush=True)
    return counts


def _pixels_of(line: Line) -> NDArray[np.int64]:
    first, last = (np.array(end, np.float64) for end in line)
    steps = np.linspace(0, 1, 1 + round(float(np.hypot(*(last - first)))))
    pixels: NDArray[np.int64] = np.rint(first + steps[:, None] * (last - first)).astype(np.int64)
    return pixels


def measure_scenes(ensemble: Ensemble, scenes: list[Simulation]) -> dict[str, dict[str, list[int]]]:
    """Detect on scenes; count windows of every defect, those in any mask, and in its own.

    Of ``Bulk`` the windows far from any defect are counted, and those in any mask.
    Every count is a list with one entry for each scene that holds the class.
    """
    counts: dict[str, dict[str, list[int]]] = {}
    for scene in scenes:
        detection = detect_frame(scene.micrograph, ensemble, stride=SCENE_STRIDE)
        for name, each in _named(scene, detection).items():
            lists = counts.setdefault(name, {key: [] for key in each})
            for key, value in each.items():
                lists[key].append(value)
    return counts


def _named(scene: Simulation, detection: Detection) -> dict[str, dict[str, int]]:
    at = np.ix_(*(np.rint(centres).astype(int) for centres in (detection.map.y, detection.map.x)))
    masks = {
        name: mask[at] > 0
        for name, mask in zip(detection.mask_names, detection.masks, strict=True)
        if name != UNKNOWN
    }
    distance = {name: scene.distance(name)[at] for name in masks if name in scene.masks}
    anywhere = np.logical_or.reduce(list(masks.values()))
    counts = {}
    for name, mine in distance.items():
        there = mine <= NEAR_PX
        if (
            detection.class_table[name].kind == "line"
        ):  # a point defect, or a junction, may lie on it
            there &= np.logical_and.reduce([mine <= away for away in distance.values()])
        counts[name] = {
            "windows": int(there.sum()),
            "found": int((anywhere & there).sum()),
            "named": int((masks[name] & there).sum()),
        }
    bulk = np.logical_and.reduce([np.ones_like(anywhere), *(d > FAR_PX for d in distance.values())])
    counts[BULK] = {"windows": int(bulk.sum()), "claimed": int((anywhere & bulk).sum())}
    return counts
