"""Time and memory of survey, quick models, few labels: `python benchmarks/any_crystal.py OUT.json`.

Times are those of an image of 1024x1024 px with twenty clicks, in seconds and in G, the time of one
product of two 2048x2048 float32 matrices in the same run. The memory of the survey of 8192x8192 px
is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import napari_stem_defects as sd
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.cli.benchmark_measurements import Peak
from napari_stem_defects.detection.detect_matched import map_of_residual
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.simulation.any_lattice import make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    LatticeSimulation,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect
from napari_stem_defects.training.quick import clicks_of, quick_ensemble
from napari_stem_defects.training.quick_images import (
    LabelledImage,
    model_from_clicks,
    prepare_image,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EDGE_PX, LARGE_PX, CLICKS, REPEATS = 1024, 8192, 20, 3
PERIOD_PX = 12.0


def scene(edge: int) -> LatticeSimulation:
    """Return a close-packed crystal with missing columns."""
    crystal = make_crystal("hexagonal", PERIOD_PX, rotation_deg=11)
    missing = (LatticeDefect("missing", "missing", count=60),)
    return simulate_lattice(LatticeScene(crystal, missing, LatticeImaging(), (edge, edge)))


def seconds_of(work: Callable[[], object]) -> float:
    """Return the shortest of a few times."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def matrix_product() -> float:
    """Return G in seconds."""
    matrix = np.random.default_rng(0).random((2048, 2048), np.float32)
    return seconds_of(lambda: matrix @ matrix)


def times() -> dict[str, float]:
    """Time what a user waits for."""
    made = scene(EDGE_PX)
    image, places = made.micrograph(), made.points["missing"][:CLICKS]
    labelled = LabelledImage(image, places[:, 0], places[:, 1], ("missing",) * len(places))
    ready = prepare_image(image)
    classes = (sd.DefectClass("Bulk", "bulk"), sd.DefectClass("missing"))

    def after_a_click() -> object:
        clicks, _ = clicks_of([labelled], [ready])
        model = model_from_clicks([ready], clicks, classes)
        ensemble = quick_ensemble(model, classes, "live", clicks)
        found = map_of_residual(ready.residual, model, ready.cell, ensemble, image, ready.limits)
        limits = dict.fromkeys(found.classes, 0.5)
        return masks_from_probability(found, image.frame_shape, limits)

    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "clicks"
        with sd.LabelProject.create(project) as labels:
            labels.add_class("missing")
            stored = labels.add_image(image)
            for y, x in places:
                labels.add(stored, float(y), float(x), "missing")
        out = Path(folder) / "quick.safetensors"
        options = sd.TrainingOptions(name="quick", recipe="quick")
        return {
            "survey": seconds_of(lambda: sd.survey(image)),
            "click": seconds_of(after_a_click),
            "train": seconds_of(lambda: sd.train([project], out, options)),
            "detect": seconds_of(lambda: sd.detect(image, out)),
            "few": seconds_of(lambda: sd.train([project], Path(folder) / "few.safetensors")),
            "general": seconds_of(lambda: sd.detect(image, GENERAL_MODEL)),
        }


def memory() -> dict[str, float]:
    """Survey a large image; MB beyond the image."""
    part = scene(EDGE_PX).pixels
    repeated = np.pad(part, (0, LARGE_PX - EDGE_PX), mode="symmetric")
    sd.survey(sd.Micrograph(part[:256, :256], "start"))
    started = time.perf_counter()
    with Peak() as peak:
        sd.survey(sd.Micrograph(repeated, "large"))
    return {
        "edge_px": LARGE_PX,
        "image_mb": repeated.nbytes / 1e6,
        "beyond_mb": peak.mb,
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory:
        print(json.dumps(memory()))
        return
    apart = [sys.executable, __file__, "-", "--memory"]
    printed = subprocess.run(apart, capture_output=True, text=True, check=True).stdout
    figures: dict[str, Any] = {
        "machine": f"{platform.system()}, {platform.machine()}",
        "edge_px": EDGE_PX,
        "clicks": CLICKS,
        "g_seconds": matrix_product(),
        "seconds": times(),
        "memory": json.loads(printed),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
