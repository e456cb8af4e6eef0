"""How exactly point defects are measured: site, intensity ratio and its error, and the time.

    python studies/site_accuracy.py

Simulates crystals of any lattice with missing and added columns at 100 and 20 electrons per px,
without scan distortion, and CdTe [110] and SrTiO3 [001] with theirs, of which only the errors along
y count (rows of the scan are shifted along x there). Each measurement starts up to 3 px from the
defect. Writes ``studies/runs/site_accuracy.json``.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import napari_stem_defects as sd
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.site_measurement import measure_site
from napari_stem_defects.simulation.any_lattice_random import random_lattice_scene
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect

if TYPE_CHECKING:
    from collections.abc import Iterator

TARGET = Path(__file__).resolve().parent / "runs" / "site_accuracy.json"
CRYSTALS, SCENES, EDGE_PX, PERIOD_PX = 24, 6, 384, (9.0, 24.0)
LEFT, NEAREST_PX = 0.2, 48.0
PUBLIC = {"vacancy": "cdte-110", "interstitial": "cdte-110", "missing": "sto-001",
          "extra": "sto-001"}  # fmt: skip


class Site(NamedTuple):
    """A defect: its position, the ratio of its intensity if it is known, whether x is exact."""

    y: float
    x: float
    ratio: float | None
    is_x_exact: bool


def any_lattice(form: str, dose: float, columns: range) -> Iterator[tuple[Any, list[Site]]]:
    """Yield images of crystals with some number of columns per cell, and their defects."""
    for seed in range(2 * CRYSTALS):
        rng = np.random.default_rng([seed, 41])
        period = float(np.exp(rng.uniform(*np.log(PERIOD_PX))))
        scene = random_lattice_scene(rng, (EDGE_PX, EDGE_PX), period_px=period, forms=())
        if len(scene.crystal.motif) not in columns:
            continue
        exact = {"row_jitter_px": 0.0, "drift_px": 0.0, "strain": 0.0, "disturbed_rows": 0}
        # The place of an added column is known up to its own displacement, so it has none.
        moved = 0.004 if form == "missing" else 0.0
        quiet = {"column_jitter": moved, "brightness_jitter": 0.02, "haze": 0.0, "blur_px": 0.4}
        imaging = replace(scene.imaging, contrast="bright", dose=dose, **exact, **quiet)
        amount = LEFT if form == "missing" else 0.8
        defect = LatticeDefect(form, form, amount, 8)  # type: ignore[arg-type]
        made = simulate_lattice(replace(scene, imaging=imaging, defects=(defect,)), seed)
        ratio = LEFT if form == "missing" else None
        yield (
            np.asarray(made.micrograph().pixels, np.float32),
            [Site(y, x, ratio, True) for y, x in made.points[form]],
        )


def public_crystal(kind: str) -> Iterator[tuple[Any, list[Site]]]:
    """Yield images of CdTe or SrTiO3 and their defects."""
    for seed in range(SCENES):
        made = sd.simulate(PUBLIC[kind], size=EDGE_PX, defects=[kind] * 6, seed=seed, dose=100)
        points = [Site(each.y_px, each.x_px, None, False) for each in made.points]
        yield np.asarray(made.micrograph.pixels, np.float32), points


def measured(images: Iterator[tuple[Any, list[Site]]]) -> dict[str, Any]:
    """Measure all defects away from the border and summarise the errors."""
    rng = np.random.default_rng(3)
    errors: list[float] = []
    scores: list[float] = []
    count, measured_count, spent = 0, 0, 0.0
    for pixels, sites in images:
        cells = measure_lattices(pixels).cells
        for site in sites:
            if min(site.y, site.x, EDGE_PX - site.y, EDGE_PX - site.x) < NEAREST_PX or not cells:
                continue
            count += 1
            start = site.y + rng.uniform(-2, 2), site.x + rng.uniform(-2, 2)
            begun = time.process_time()
            found = measure_site(pixels, cells, start)
            spent += time.process_time() - begun
            if found is None:
                continue
            measured_count += 1
            errors.append(found.y_px - site.y)
            if site.is_x_exact:
                errors.append(found.x_px - site.x)
            if site.ratio is not None:
                scores.append((found.intensity_ratio - site.ratio) / found.intensity_ratio_error)
    away = np.abs(errors)
    return {
        "defects": count,
        "measured": measured_count,
        "error_px": {
            "root_mean_square": round(float(np.sqrt((away**2).mean())), 3),
            "median": round(float(np.median(away)), 3),
            "90 %": round(float(np.quantile(away, 0.9)), 3),
        },
        "ratio_within_2_errors": round(float((np.abs(scores) < 2).mean()), 3) if scores else None,
        "ms_per_defect": round(1000 * spent / max(count, 1), 1),
    }


def main() -> None:
    """Measure all kinds and write the errors."""
    found: dict[str, Any] = {}
    for form in ("missing", "added"):
        for dose, columns in ((100, range(1, 2)), (20, range(1, 2)), (100, range(2, 4))):
            cell = "one column" if 1 in columns else "two or three columns"
            name = f"any lattice, {cell} per cell, {form}, {dose} electrons per px"
            found[name] = measured(any_lattice(form, dose, columns))
            print(name, found[name], flush=True)
    for kind, crystal in PUBLIC.items():
        name = f"{crystal}, {kind}, 100 electrons per px"
        found[name] = measured(public_crystal(kind))
        print(name, found[name], flush=True)
    TARGET.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
