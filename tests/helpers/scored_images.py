"""A small manifest with its files, for tests of scores."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from labelled_crystals import vacancies

POINTS = {"a": [(10, 10), (10, 40), (40, 10)], "b": [(20, 20)]}
SHAPE = (64, 48)


def listed(path: Path) -> dict[str, str]:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"path": path.name, "url": f"https://example.org/{path.name}", "sha256": sha256}


def write_manifest(folder: Path, **more: Any) -> Path:
    """Write two images of points of class Vac, the first with a line too, and their manifest."""
    images = []
    for name, points in POINTS.items():
        image, table = folder / f"{name}.tif", folder / f"{name}_points.csv"
        tifffile.imwrite(image, np.full(SHAPE, len(points), np.float32))
        rows = [f"{y},{x},Vac" for y, x in points]
        table.write_text("\n".join(["y_px,x_px,class", *rows, "5,5,Bulk"]) + "\n", "utf-8")
        images.append(
            {
                "name": name,
                "group": f"specimen {name}",
                "licence": "MIT",
                "height_px": SHAPE[0],
                "width_px": SHAPE[1],
                "pixel_size_nm": 0.02,
                "tolerance_nm": 0.06,
                "classes": ["Vac"],
                "image": listed(image),
                "points": listed(table),
            }
        )
    lines = folder / "a_lines.geojson"
    line = {"type": "LineString", "coordinates": [[0, 30], [47, 30]]}
    feature = {"type": "Feature", "properties": {"class": "SF"}, "geometry": line}
    lines.write_text(json.dumps({"features": [feature]}), "utf-8")
    images[0] |= {"lines": listed(lines), "classes": ["Vac", "SF"]}
    content = {
        "schema": 1,
        "name": "small",
        "classes": {
            "Vac": {"kind": "point", "also_named": ["vacancy"]},
            "SF": {"kind": "line"},
        },
        "images": images,
        **more,
    }
    path = folder / "manifest.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def write_table(path: Path, rows: list[tuple[str, str, float, float]]) -> Path:
    """Write predicted points: image, class, y, x."""
    lines = [",".join(map(str, row)) for row in rows]
    path.write_text("\n".join(["image,class,y_px,x_px", *lines]) + "\n", "utf-8")
    return path


def write_crystals(folder: Path, *, empty: bool = False) -> Path:
    """Write two crystals with nine missing columns each, or empty images, and their manifest."""
    images = []
    for seed, name in enumerate("ab"):
        made = vacancies(seed)
        pixels = np.ones((300, 300)) if empty else made.pixels
        tifffile.imwrite(folder / f"{name}.tif", pixels.astype(np.float32))
        rows = [f"{y},{x},Vac" for y, x in made.defects]
        table = folder / f"{name}.csv"
        table.write_text("\n".join(["y_px,x_px,class", *rows]) + "\n", "utf-8")
        images.append(
            {
                "name": name,
                "licence": "MIT",
                "height_px": 300,
                "width_px": 300,
                "pixel_size_nm": 0.02,
                "tolerance_nm": 0.008 * made.period,
                "image": listed(folder / f"{name}.tif"),
                "points": listed(table),
            }
        )
    content = {
        "schema": 1,
        "name": "crystals",
        "classes": {"Vac": {"kind": "point"}},
        "images": images,
    }
    (folder / "crystals.json").write_text(json.dumps(content), "utf-8")
    return folder / "crystals.json"
