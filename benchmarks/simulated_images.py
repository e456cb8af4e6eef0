"""Simulate the images that a manifest lists, with their ground truth.

    python benchmarks/simulated_images.py --out FOLDER [--manifest FILE.json] [--foreign FILE.json]

Crystals, defects and seeds are fixed, so that the files are those of
`benchmarks/manifests/simulated.json`: its checksums hold on machines whose arithmetic gives the
same last bits. ``--manifest`` writes a manifest of the files made. ``--foreign`` makes images of
random crystals, too, and writes a manifest of them beside the images of CdTe: what does a program
that knows CdTe state about them?
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

import napari_stem_defects as sd
from napari_stem_defects.simulation.any_lattice_random import random_lattice_scene
from napari_stem_defects.simulation.any_lattice_scene import LatticeSimulation, simulate_lattice

# Crystal, kinds of defects, doses in electrons per px. Images of one crystal are one group.
SCENES = (
    ("cdte-110", None, (200.0, 20.0, 4.0)),
    ("sto-001", None, (200.0, 20.0, 4.0)),
)
SEEDS = (9001, 9002)
SIZE = 512
TOLERANCE_NM = {"cdte-110": 0.3, "sto-001": 0.2}
STEP_PX = 8.0
FOREIGN_SEEDS = range(9101, 9109)
FOREIGN_PIXEL_NM = 0.02  # random crystals have no scale; with this one, columns are as in others
SOURCE = "python benchmarks/simulated_images.py --out FOLDER"


def main() -> None:
    """Write the images, and a manifest if one is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--manifest", type=Path, metavar="FILE")
    parser.add_argument("--foreign", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    classes: dict[str, dict[str, str]] = {}
    images = []
    for crystal, defects, doses in SCENES:
        for dose in doses:
            for seed in SEEDS:
                made = sd.simulate(crystal, defects=defects, size=SIZE, dose=dose, seed=seed)
                name = f"{crystal}_dose{dose:g}_seed{seed}"
                images.append(write(options.out, name, crystal, made))
                classes |= {point.class_name: {"kind": "point"} for point in made.points}
                classes |= {line.class_name: {"kind": "line"} for line in made.lines}
    content = {
        "schema": 1,
        "name": "simulated CdTe [110] and SrTiO3 [001]",
        "classes": dict(sorted(classes.items())),
        "images": images,
    }
    if options.manifest is not None:
        options.manifest.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    if options.foreign is not None:
        options.foreign.write_text(
            json.dumps(foreign(options.out, classes, images), indent=1) + "\n", encoding="utf-8"
        )


def foreign(folder: Path, classes: dict[str, Any], images: list[Any]) -> dict[str, Any]:
    """Write images of random crystals; return a manifest of them and of the images of CdTe."""
    known = [each for each in images if each["group"] == "cdte-110"]
    others = []
    for seed in FOREIGN_SEEDS:
        scene = random_lattice_scene(
            np.random.default_rng(seed), (SIZE, SIZE), forms=("missing", "added")
        )
        others.append(write_foreign(folder, f"foreign_seed{seed}", simulate_lattice(scene, seed)))
    names = {name for each in known for name in each["classes"]}
    return {
        "schema": 1,
        "name": "defects of crystals that a program for CdTe does not know",
        "classes": {
            **{name: classes[name] for name in sorted(names)},
            "missing": {"kind": "point", "known": False},
            "added": {"kind": "point", "known": False},
        },
        "images": [*known, *others],
    }


def write_foreign(folder: Path, name: str, made: LatticeSimulation) -> dict[str, Any]:
    """Write an image of a random crystal; return its entry."""
    tifffile.imwrite(folder / f"{name}.tif", made.pixels)
    with (folder / f"{name}_points.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["y_px", "x_px", "class"])
        for kind, places in made.points.items():
            table.writerows([f"{y:.2f}", f"{x:.2f}", kind] for y, x in places)
    return {
        "name": name,
        "group": name,
        "known": False,
        "licence": "BSD-3-Clause",
        "height_px": SIZE,
        "width_px": SIZE,
        "pixel_size_nm": FOREIGN_PIXEL_NM,
        "tolerance_nm": round(0.4 * made.period_px * FOREIGN_PIXEL_NM, 3),
        "classes": ["added", "missing"],
        "image": listed(folder / f"{name}.tif"),
        "points": listed(folder / f"{name}_points.csv"),
    }


def write(folder: Path, name: str, crystal: str, made: sd.Simulation) -> dict[str, Any]:
    """Write an image and its ground truth; return its entry in the manifest."""
    tifffile.imwrite(folder / f"{name}.tif", made.micrograph.pixels.astype(np.float32))
    with (folder / f"{name}_points.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["y_px", "x_px", "class"])
        for point in made.points:
            table.writerow([f"{point.y_px:.2f}", f"{point.x_px:.2f}", point.class_name])
    features = [
        {
            "type": "Feature",
            "properties": {"class": line.class_name},
            "geometry": {"type": "LineString", "coordinates": in_image(line, made)},
        }
        for line in made.lines
    ]
    lines = {"type": "FeatureCollection", "features": features}
    (folder / f"{name}_lines.geojson").write_text(json.dumps(lines), encoding="utf-8")
    return {
        "name": name,
        "group": crystal,
        "licence": "BSD-3-Clause",
        "height_px": SIZE,
        "width_px": SIZE,
        "pixel_size_nm": made.micrograph.pixel_size_nm,
        "tolerance_nm": TOLERANCE_NM[crystal],
        "classes": sorted({each.class_name for each in (*made.points, *made.lines)}),
        "image": listed(folder / f"{name}.tif"),
        "points": listed(folder / f"{name}_points.csv"),
        "lines": listed(folder / f"{name}_lines.geojson"),
    }


def in_image(line: Any, made: sd.Simulation) -> list[list[float]]:
    """Return points x, y along a line as it appears, with the shift of the scan rows."""
    start, end = np.array(line.start, float), np.array(line.end, float)
    count = max(2, int(np.hypot(*(end - start)) / STEP_PX) + 1)
    places = np.linspace(start, end, count)
    inside = np.all((places >= 0) & (places <= SIZE - 1), axis=1)
    places = places[inside]
    shift = made.row_shift[np.rint(places[:, 0]).astype(int)]
    return [
        [round(float(x), 2), round(float(y), 2)]
        for y, x in np.c_[places[:, 0], places[:, 1] + shift]
    ]


def listed(path: Path) -> dict[str, str]:
    """Return the entry of a file."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"path": path.name, "url": SOURCE, "sha256": sha256}


if __name__ == "__main__":
    main()
