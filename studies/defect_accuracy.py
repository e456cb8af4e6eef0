"""Precision and recall of whole defects: how many a pretrained model finds under their name.

    python studies/defect_accuracy.py [MODEL ...]

Detects in new random scenes of every family, as a user does, and compares region by region. A point
defect is found if a region of its class has its centre within half a lattice spacing of it. Lines
count by length: found is what lies within their band, false what does not; numbers of lines are
effective ones, the squared sum of lengths over the sum of squares. Writes ``NAME.accuracy.json``
beside each model, which the page of ``stem-defects report`` uses.
"""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import napari_stem_defects as sd
from napari_stem_defects.io.models.library import BUNDLED
from napari_stem_defects.io.results.accuracy import ACCURACY
from napari_stem_defects.simulation.ground_truth import distance_to
from napari_stem_defects.simulation.random_scenes import FAMILIES, random_scene

MODELS, SCENES, EDGE_PX, BORDER_PX = ("cdte-110", "sto-001"), 12, 400, 16
SEED, NEAR_PX, STRIDE = 7_000_000, 8.0, 8


@dataclass
class Found:
    """What was found of one class, in numbers or lengths, and the squares of the lengths."""

    true: float = 0.0
    false: float = 0.0
    missed: float = 0.0
    lengths: list[float] = field(default_factory=list)

    def numbers(self) -> dict[str, float]:
        """Return the counts; of lengths as effective numbers."""
        values = {"true_positives": self.true, "false_positives": self.false,
                  "false_negatives": self.missed}  # fmt: skip
        if not self.lengths:
            return values
        squares = sum(each**2 for each in self.lengths)
        unit = squares / sum(self.lengths)  # mean length, weighted with the length
        return {name: round(value / unit, 2) for name, value in values.items()}


def compare(found: Any, scene: Any, totals: dict[str, Found]) -> None:
    """Add the defects of one scene to the totals."""
    for name in found.map.defect_classes:
        kind, regions = found.class_table[name].kind, found.regions
        mine = [each for each in regions if each.class_name == name]
        if kind == "point":
            truth = [(p.y_px, p.x_px) for p in scene.points if p.class_name == name]
            _add_points(totals[name], truth, mine)
        else:
            _add_lines(totals[name], name, scene, found, mine)


def _is_inside(y: float, x: float) -> bool:
    return BORDER_PX <= min(y, x) and max(y, x) < EDGE_PX - BORDER_PX


def _add_points(total: Found, truth: Any, regions: Any) -> None:
    left = list(truth)
    for region in sorted(regions, key=lambda each: -each.max_probability):
        apart = [np.hypot(region.y_px - y, region.x_px - x) for y, x in left]
        if apart and min(apart) <= NEAR_PX:
            y, x = left.pop(int(np.argmin(apart)))
            total.true += _is_inside(y, x)
        else:
            total.false += _is_inside(region.y_px, region.x_px)
    total.missed += sum(_is_inside(y, x) for y, x in left)


def _add_lines(total: Found, name: str, scene: Any, found: Any, regions: Any) -> None:
    shape = found.mask_stack.shape
    lines = [each for each in scene.lines if each.class_name == name]
    mask = found.masks[found.mask_names.index(name)].astype(bool)
    for each in lines:
        points = _points_along(each, shape)
        near = [mask[max(0, int(y) - 6) : int(y) + 7, max(0, int(x) - 6) : int(x) + 7].any()
                for y, x in points]  # fmt: skip
        total.true += sum(near)
        total.missed += len(near) - sum(near)
        if len(near):
            total.lengths.append(float(len(near)))
    away = distance_to(lines, [], shape, scene.row_shift) if lines else np.full(shape, np.inf)
    for region in regions:
        line = np.array(region.centre_line)
        for start, end in itertools.pairwise(line):
            middle = np.clip(np.rint((start + end) / 2).astype(int), 0, np.array(shape) - 1)
            if away[tuple(middle)] > 2 * NEAR_PX:
                total.false += float(np.hypot(*(end - start)))


def _points_along(line: Any, shape: tuple[int, int]) -> Any:
    """Return points every px along the part of a line inside the image and away from its border."""
    start, end = np.array(line.start), np.array(line.end)
    count = max(2, int(np.hypot(*(end - start))))
    points = start + np.linspace(0, 1, count)[:, None] * (end - start)
    low, high = BORDER_PX, np.array(shape) - BORDER_PX
    return points[((points >= low) & (points < high)).all(axis=1)]


def measure(model: str, scenes: int) -> dict[str, Any]:
    """Return the content of the file of accuracy of a model."""
    ensemble = sd.load_model(model)
    totals = {name: Found() for name in ensemble.spec.classes if name != "Bulk"}
    families = FAMILIES[model]
    for number in range(scenes):
        for place, family in enumerate(families):
            rng = np.random.default_rng(SEED + 100 * number + place)
            scene = random_scene(rng, crystal=model, family=family, size=EDGE_PX)
            found = sd.detect(scene.micrograph, ensemble, stride=STRIDE, device="cpu")
            compare(found, scene, totals)
        print(model, number, {name: vars(each) | {"lengths": len(each.lengths)}
                              for name, each in totals.items()}, flush=True)  # fmt: skip
    count = scenes * len(families)
    return {
        "sha256": ensemble.sha256,
        "measured_on": f"whole defects in {count} simulated scenes of {EDGE_PX} px that are as"
        f" varied as those of the training, {BORDER_PX} px away from the border",
        "classes": {name: each.numbers() for name, each in totals.items()},
    }


def main() -> None:
    """Measure the models named, or all, and write their files."""
    torch.set_num_threads(1)
    for model in sys.argv[1:] or MODELS:
        content = measure(model, SCENES)
        path = BUNDLED / f"{model}{ACCURACY}"
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
