"""How exact the geometric check of planar defects is, and what it costs.

    python studies/planar_geometry.py [--part NAME ...]

Simulated crystals whose shift, mirror or rotation is known: CdTe along [110] with the faults of the
pretrained ensemble, crystals of the other Bravais lattices, general tilt boundaries that `cdte-110`
searches, and the share of the whole path that the check takes. Writes
``studies/runs/planar_geometry.json``, which ``studies/geometry_page.py`` reads.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import torch

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection import detect_frame as path
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.planar_geometry.verdict import EXPECTED, Check, check_line
from napari_stem_defects.simulation.any_lattice import MotifColumn, PlanarCrystal, make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import Form, LatticeDefect
from napari_stem_defects.simulation.crystals import PERIOD_NM
from napari_stem_defects.simulation.random_scenes import FAULT_CLASSES
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = Path(__file__).resolve().parent / "runs" / "planar_geometry.json"
SIZE_PX, NM = 512, 0.027
SCENES, TILTS, OTHERS = 8, 20, 8
LAYERS = {"intrinsic": 1, "overlapped": 1, "extrinsic": 2, "paired": 2}
TWIN_DEG = float(2 * np.degrees(np.arctan(np.sqrt(0.5))))
LATTICES = ("hexagonal", "square", "rectangular", "oblique")
DUMBBELLS = (MotifColumn(0.0, 0.0, 1.0), MotifColumn(0.25, 0.25, 0.9))
Json = dict[str, Any]


def inside(line: np.ndarray, size: int) -> np.ndarray:
    """Return the ends of the part of a line that lies in an image."""
    steps = line[0] + np.linspace(0, 1, 20_001)[:, None] * (line[-1] - line[0])
    return np.asarray(steps[((steps >= 0) & (steps <= size - 1)).all(axis=1)][[0, -1]])


def cdte_lines() -> list[Json]:
    """Check lines at their true places in CdTe [110]: error of shift and misorientation."""
    rows = []
    for seed in range(SCENES):
        turn = float(np.random.default_rng(seed).uniform(0, 180))
        for kind in (*LAYERS, "twin"):
            made = simulate(defects=[kind], size=SIZE_PX, seed=seed, rotation_deg=turn)
            line = inside(np.array([made.lines[0].start, made.lines[0].end]), SIZE_PX)
            pixels = made.micrograph.pixels
            check = check_line(made.lines[0].class_name, line, pixels, measure_lattices(pixels))
            rows.append({"kind": kind, "seed": seed, **_figures(check)})
            if kind in LAYERS:
                rows[-1]["shift_error_pm"] = _cdte_error(check, line, turn)
                rows[-1]["layers_right"] = bool(
                    check.relation and check.relation.shifted_layers == LAYERS[kind]
                )
            else:
                angle = check.relation.misorientation_deg if check.relation else None
                rows[-1]["angle_error_deg"] = None if angle is None else abs(angle - TWIN_DEG)
    return rows


def _cdte_error(check: Check, line: np.ndarray, turn_deg: float) -> float | None:
    """Return the distance of a measured shift from a third of the row, up to lattice vectors."""
    if check.relation is None or check.relation.shift_px is None:
        return None
    along = (line[1] - line[0]) / np.hypot(*(line[1] - line[0]))
    shift = np.array(check.relation.shift_px) * NM
    return 1000 * min(float(np.hypot(*(shift - sign * PERIOD_NM / 3 * along))) for sign in (1, -1))


def _figures(check: Check) -> Json:
    relation = check.relation
    return {
        "verdict": check.verdict,
        "looks_like": check.looks_like,
        "reason": check.reason,
        "misorientation_deg": None if relation is None else relation.misorientation_deg,
        "stated_error_pm": None
        if relation is None or relation.shift_error_px is None
        else 1000 * NM * relation.shift_error_px,
    }


def zincblende(turn_deg: float) -> PlanarCrystal:
    """Return CdTe along [110] as a crystal of a lattice and a motif."""
    return make_crystal(
        "centred rectangular", 14.7, angle_deg=70.53, rotation_deg=turn_deg, motif=DUMBBELLS
    )


def scene_of(crystal: PlanarCrystal, form: Form, amount: float, seed: int) -> Any:
    """Simulate one planar defect in a crystal."""
    defect = LatticeDefect(form, "line", amount)
    return simulate_lattice(
        LatticeScene(crystal, (defect,), LatticeImaging(dose=60.0), (SIZE_PX, SIZE_PX)), seed
    )


def other_crystals() -> list[Json]:
    """Check faults and boundaries in crystals of the other lattices."""
    rows = []
    for lattice in LATTICES:
        for seed in range(OTHERS):
            rng = np.random.default_rng([seed, 17])
            crystal = make_crystal(
                lattice,  # type: ignore[arg-type]
                float(rng.uniform(10, 18)),
                ratio=float(rng.uniform(1.15, 1.6)),
                angle_deg=float(rng.uniform(72, 84)),
                rotation_deg=float(rng.uniform(0, 180)),
            )
            form: Form = "fault" if seed % 2 else "grain"
            amount = float(rng.uniform(0.2, 0.8) if form == "fault" else rng.uniform(5, 40))
            made = scene_of(crystal, form, amount, seed)
            check = check_line(
                "line", made.lines["line"][0][[0, -1]], made.pixels, measure_lattices(made.pixels)
            )
            row = {"lattice": lattice, "form": form, "seed": seed, **_figures(check)}
            if form == "fault":
                row["shift_error_periods"] = _other_error(check, crystal, amount)
            else:
                row["angle_error_deg"] = _angle_error(check, lattice, amount)
            rows.append(row)
    return rows


def _other_error(check: Check, crystal: PlanarCrystal, amount: float) -> float | None:
    if check.relation is None or check.relation.shift_px is None:
        return None
    base = crystal.base
    errors = []
    for sign in (1, -1):
        shift = sign * np.array(check.relation.shift_px) - amount * base[0]
        rest = shift @ np.linalg.inv(base)
        errors.append(float(np.hypot(*((rest - np.rint(rest)) @ base))))
    return min(errors) / crystal.period_px


def _angle_error(check: Check, lattice: str, amount: float) -> float | None:
    if check.relation is None or check.relation.misorientation_deg is None:
        return None
    period = {"hexagonal": 60.0, "square": 90.0}.get(lattice, 180.0)
    true = min(amount % period, period - amount % period)
    return abs(check.relation.misorientation_deg - true)


def tilt_boundaries() -> list[Json]:
    """Search general tilt boundaries of CdTe with `cdte-110`: none is a fault or a twin."""
    ensemble = load_model(find_model("cdte-110"))
    rows = []
    for seed in range(TILTS):
        rng = np.random.default_rng([seed, 29])
        # Within 3 degrees of the twin a boundary is a distorted twin, no general boundary.
        angle = float(rng.uniform(5, 85))
        while abs(angle - TWIN_DEG) < 3:
            angle = float(rng.uniform(5, 85))
        made = scene_of(zincblende(float(rng.uniform(0, 180))), "grain", angle, seed)
        image = made.micrograph().with_pixel_size(NM, "user")
        found = path.detect_frame(image, ensemble, device="cpu")
        lines = [each for each in found.regions if each.kind == "line"]
        rows.append(
            {
                "angle_deg": angle,
                "called_nm": sum(
                    each.length_nm or 0 for each in lines if each.class_name in EXPECTED
                ),
                "verified_nm": sum(
                    each.length_nm or 0
                    for each in lines
                    if each.class_name in EXPECTED and each.geometry == "confirmed"
                ),
                "unknown_nm": sum(
                    each.length_nm or 0 for each in lines if each.class_name == "unknown"
                ),
                "looks_like": [each.looks_like for each in lines],
                "notes": [each.geometry_note for each in lines],
                "error_deg": [
                    abs(each.misorientation_deg - angle)
                    for each in lines
                    if each.class_name == "unknown" and each.misorientation_deg is not None
                ],
            }
        )
        print(rows[-1], flush=True)
    return rows


def names() -> list[Json]:
    """Detect every kind of planar defect in whole scenes: which names are right."""
    ensemble = load_model(find_model("cdte-110"))
    rows = []
    for seed in range(SCENES):
        turn = float(np.random.default_rng([seed, 41]).uniform(0, 180))
        for kind in (*LAYERS, "twin"):
            made = simulate(defects=[kind], size=SIZE_PX, seed=1000 + seed, rotation_deg=turn)
            found = path.detect_frame(made.micrograph, ensemble, device="cpu")
            right = FAULT_CLASSES.get(kind, "Twin_Bound")
            lines = [each for each in found.regions if each.kind == "line"]
            true = inside(np.array([made.lines[0].start, made.lines[0].end]), SIZE_PX)
            length = float(np.hypot(*(true[1] - true[0]))) * NM
            named = [each for each in lines if each.class_name == right]
            rows.append(
                {
                    "kind": kind,
                    "seed": seed,
                    "right_nm": sum(each.length_nm or 0 for each in named),
                    "named_nm": sum(
                        each.length_nm or 0 for each in lines if each.class_name != "unknown"
                    ),
                    "unknown_nm": sum(
                        each.length_nm or 0 for each in lines if each.class_name == "unknown"
                    ),
                    "true_nm": length,
                    "geometry": [each.geometry for each in lines],
                }
            )
    return rows


def cost(size: int = 768, runs: int = 4) -> Json:
    """Return the processor time of placing and checking lines beside that of the whole path.

    The best of the runs after the first one.
    """
    ensemble = load_model(find_model("cdte-110"))
    made = simulate(size=size, seed=3)
    image = Micrograph(made.micrograph.pixels, str(size), pixel_size_nm=NM)
    spent = {"place_s": 0.0, "check_s": 0.0}

    def timed(inner: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            start = time.process_time()
            found = inner(*arguments, **named)
            spent[name] += time.process_time() - start
            return found

        return call

    place, check = path.PlaneFinder.place, path.check_regions
    rows = []
    with (
        mock.patch.object(path.PlaneFinder, "place", timed(place, "place_s")),
        mock.patch.object(path, "check_regions", timed(check, "check_s")),
    ):
        for _ in range(runs):
            spent.update(place_s=0.0, check_s=0.0)
            start = time.process_time()
            found = path.detect_frame(image, ensemble, device="cpu")
            rows.append({**spent, "whole_s": time.process_time() - start})
    best = {name: min(row[name] for row in rows[1:]) for name in rows[0]}
    return {"size_px": size, "lines": sum(each.kind == "line" for each in found.regions), **best}


PARTS: dict[str, Callable[[], Any]] = {
    "cdte": cdte_lines,
    "others": other_crystals,
    "tilt": tilt_boundaries,
    "names": names,
    "cost": cost,
}


def main() -> None:
    """Measure the chosen parts, and write the figures of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.exists() else {}
    for part in options.part:
        figures[part] = PARTS[part]()
        write_bytes(TARGET, json.dumps(figures, indent=1).encode())
        print(part, "done", flush=True)


if __name__ == "__main__":
    main()
