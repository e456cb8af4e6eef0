"""How detection holds over magnification and rotation, on simulated micrographs of new seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import Detection
    from napari_stem_defects.simulation.scene import Simulation

FIELD_NM = 13.5
MAGNIFICATIONS = (0.5, 0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6, 2.0)
ROTATIONS_DEG = tuple(range(0, 360, 30))
SEEDS = (501, 502, 503)
STRIDE = 8
# A point defect is found by a region whose centre lies this near, an extended one along its
# centre line, this wide.
FOUND_WITHIN_NM = 0.32
LINE_NM = 0.06


class View(NamedTuple):
    """One way of looking at the simulated crystal.

    ``magnification`` is relative to the ensemble's pixel size: at 2 a column is twice as wide
    as in training.
    """

    magnification: float
    rotation_deg: float | None
    seed: int


def views() -> Iterator[View]:
    """Yield every view of the study; a rotation of None is the one of the public micrograph."""
    for seed in SEEDS:
        for magnification in MAGNIFICATIONS:
            yield View(magnification, None, seed)
        for rotation in ROTATIONS_DEG:
            yield View(1.0, float(rotation), seed)


def measured(ensemble: Ensemble, crystal: str, view: View) -> dict[str, Any]:
    """Simulate, detect, and compare every class with the ground truth."""
    size_nm = (ensemble.spec.pixel_size_nm or 0.0) / view.magnification
    scene = simulate(
        crystal,
        size=round(FIELD_NM / size_nm),
        pixel_size_nm=size_nm,
        seed=view.seed,
        rotation_deg=view.rotation_deg,
    )
    found = detect_frame(scene.micrograph, ensemble, stride=STRIDE)
    classes = {
        name: _line(scene, found, name, size_nm)
        if ensemble.spec.class_table[name].kind == "line"
        else _points(scene, found, name, size_nm)
        for name in ensemble.spec.classes
        if name != BULK and name in scene.masks
    }
    return {**view._asdict(), "classes": classes}


def _line(scene: Simulation, found: Detection, name: str, size_nm: float) -> dict[str, Any]:
    """Count the pixels of a defect's centre line that any extended class, and this one, holds."""
    line = scene.distance(name) * size_nm <= LINE_NM
    masks = dict(zip(found.mask_names, found.masks > 0, strict=True))
    planar = np.any(
        [mask for key, mask in masks.items() if found.class_table[key].kind in ("line", "area")],
        axis=0,
    )
    away = np.logical_and.reduce(
        [scene.distance(other) > scene.distance(name) for other in scene.masks if other != name]
    )
    line &= away
    return {
        "pixels": int(line.sum()),
        "found": int(planar[line].sum()),
        "named": int(masks[name][line].sum()),
    }


def _points(scene: Simulation, found: Detection, name: str, size_nm: float) -> dict[str, Any]:
    """Count the point defects found, and the regions that are none."""
    reach = FOUND_WITHIN_NM / size_nm
    truth = np.array([(p.y_px, p.x_px) for p in scene.points if p.class_name == name])
    mine = [(r.y_px, r.x_px) for r in found.regions if r.class_name == name]
    places = np.array(mine).reshape(-1, 2)
    hits = int((cKDTree(places).query(truth)[0] <= reach).sum()) if mine else 0
    false = int((cKDTree(truth).query(places)[0] > reach).sum()) if mine else 0
    return {"defects": len(truth), "found": hits, "false": false}
