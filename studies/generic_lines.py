"""How often lines of ``any-crystal`` have the right name, by their look and by the geometry.

python studies/generic_lines.py

Simulated crystals of any lattice with a fault or a boundary, of seeds that no training and no
threshold used, are searched with the bundled model. Its names by the look of a line alone are
compared with those after the lattices on both sides were measured. Writes
``studies/runs/generic_lines.json``, which ``studies/any_crystal_page.py`` reads.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects import load_model
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.detection.generic_lines import BOUNDARY, FAULT
from napari_stem_defects.detection.planar_checks import PLANAR_CHECKS
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "training"))

from any_crystal_detection import (  # noqa: E402
    Judged,
    defect_distances,
    judge,
    point_places,
)
from any_crystal_scenes import CLASSES, class_of, draw_scene, family_of  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.networks.spec import Ensemble

OUT = ROOT / "studies" / "runs" / "generic_lines.json"
SCENES, FIRST_SEED = 60, 7_700_000


LATTICES = ("hexagonal", "square", "rectangular", "centred", "oblique")
FAMILIES = frozenset(itertools.product(LATTICES, (1, 2, 3)))


def by_look(found: FrameResult) -> FrameResult:
    """Return a result whose lines have the names that the model gave them."""
    checks = [
        {name: value for name, value in check.items() if name != "renamed"}
        for check in found.parameters[PLANAR_CHECKS]
    ]
    parameters = {**found.parameters, PLANAR_CHECKS: checks}
    return replace(found, parameters=parameters).with_thresholds({})


def judged(ensemble: Ensemble, seed: int) -> Iterator[tuple[str, Judged]]:
    """Yield how the lines of a scene are named; nothing for a scene without lines."""
    scene = draw_scene(seed, FAMILIES)
    names = {each.class_name: CLASSES[class_of(each, scene.crystal)] for each in scene.defects}
    if not {FAULT, BOUNDARY} & set(names.values()):
        return
    simulation = simulate_lattice(scene, seed)
    truth = defect_distances(simulation, names)
    points = point_places(simulation, names)
    period = float(np.sqrt(abs(np.linalg.det(simulation.crystal.base))))
    found = FrameResult.of(detect_frame(simulation.micrograph(), ensemble, device="cpu"), None)
    for how, result in (("look", by_look(found)), ("geometry", found.with_thresholds({}))):
        for name in (FAULT, BOUNDARY):
            yield how, judge(result, name, 0.5, truth, points, period)


def main() -> None:
    """Search the scenes and write the counts."""
    ensemble = load_model(GENERAL_MODEL)
    counts: dict[str, Counter[str]] = {}
    scenes, families = 0, Counter[str]()
    for seed in range(FIRST_SEED, FIRST_SEED + 10 * SCENES):
        lines = list(judged(ensemble, seed))
        if lines:
            scenes += 1
            families[str(family_of(draw_scene(seed, FAMILIES).crystal))] += 1
        for how, each in lines:
            count = counts.setdefault(f"{each.class_name} {how}", Counter())
            count.update(right=each.right, wrong=each.wrong, found=each.found, missed=each.missed)
        if scenes == SCENES:
            break
    record = {
        "scenes": scenes,
        "first_seed": FIRST_SEED,
        "families": dict(families),
        "names": {name: dict(count) for name, count in counts.items()},
    }
    write_bytes(OUT, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
