"""Whether counts and lengths depend on orientation, crop, gain or step.

    python studies/invariance.py [--data FOLDER] [--scenes N]

Public micrographs and simulated scenes are searched as they are and after flips, quarter turns,
crops of up to 32 px, a change of gain and offset, and with other steps between windows. The point
defects and lines of both results are compared in what both show. Writes
``studies/runs/invariance.json``, which ``studies/geometry_page.py`` reads.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import napari_stem_defects as sd
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.simulation.simulate import simulate

TARGET = Path(__file__).resolve().parent / "runs" / "invariance.json"
IMAGES = {
    "CdTe_Training_Image.tif": "cdte-110",
    "CdTe_vacancies.tif": "cdte-110",
    "CdTe_interstitials.tif": "cdte-110",
    "STO_extra.tif": "sto-001",
    "STO_iextra.tif": "sto-001",
    "STO_missing.tif": "sto-001",
}
SCENES, SCENE_PX = 50, 400
MARGIN_PX = 16.0
"""Points nearer to the border of a crop are compared in neither result."""
STRIDES = (2, 4, 6, 12, 16)
Json = dict[str, Any]


class Change(NamedTuple):
    """A form of an image: orientation, crop (top, left, bottom, right), gain, offset, step."""

    name: str
    orientation: int = 0
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    gain: float = 1.0
    offset: float = 0.0
    stride: int | None = None

    def turned(self, pixels: np.ndarray) -> np.ndarray:
        """Return the cropped and turned image."""
        top, left, bottom, right = self.crop
        part = pixels[top : pixels.shape[0] - bottom, left : pixels.shape[1] - right]
        return np.rot90(part.T if self.orientation >= 4 else part, self.orientation % 4)

    def image(self, pixels: np.ndarray) -> np.ndarray:
        """Return the changed image."""
        return np.ascontiguousarray(self.gain * self.turned(pixels) + self.offset, np.float32)

    def back(self, places: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Return places (n, 2) of the changed image in px of the original one."""
        grid = np.stack([self.turned(axis) for axis in np.indices(shape)], axis=-1)
        origin, down, right = (grid[index].astype(float) for index in ((0, 0), (1, 0), (0, 1)))
        steps = np.stack([down - origin, right - origin])
        return np.asarray(origin + np.asarray(places, float).reshape(-1, 2) @ steps)


def changes_of(rng: np.random.Generator, strides: tuple[int, ...]) -> list[Change]:
    """Return the forms in which one image is searched."""
    crops = [tuple(int(n) for n in rng.integers(0, 33, 4)) for _ in range(2)]
    return [
        *(Change(f"orientation {n}", orientation=n) for n in range(1, 8)),
        *(Change(f"crop {crop}", crop=crop) for crop in crops),  # type: ignore[arg-type]
        Change("gain and offset", gain=2.7, offset=40.0),
        *(Change(f"stride {n}", stride=n) for n in strides),
    ]


class Found(NamedTuple):
    """What a result holds, in px of the original image: class and places, class and ends."""

    points: list[tuple[str, np.ndarray]]
    lines: list[tuple[str, np.ndarray]]


def search(image: Any, ensemble: Any, change: Change) -> Found:
    """Search a changed image."""
    changed = replace(image, pixels=change.image(image.pixels))
    result = detect_frame(changed, ensemble, stride=change.stride, device="cpu")
    shape = image.pixels.shape
    points = [
        (each.class_name, change.back(np.array([(each.y_px, each.x_px)]), shape)[0])
        for each in result.regions
        if each.kind == "point"
    ]
    lines = [
        (each.class_name, change.back(np.array(each.centre_line), shape))
        for each in result.regions
        if each.kind == "line"
    ]
    return Found(points, lines)


def compare(base: Found, other: Found, change: Change, shape: tuple[int, int]) -> Json:
    """Compare two results inside a crop."""
    top, left, bottom, right = change.crop
    low = np.array([top, left]) - 0.5
    high = np.array(shape) - (bottom, right) - 0.5
    cut = np.array([top or -np.inf, left or -np.inf])
    edge = np.where(np.isfinite(cut), cut + MARGIN_PX, -np.inf)
    far = np.array([high[0] if bottom else np.inf, high[1] if right else np.inf]) - MARGIN_PX
    counts = [
        Counter(
            name for name, place in found.points if (place >= edge).all() and (place <= far).all()
        )
        for found in (base, other)
    ]
    lengths = [_lengths(found, low, high) for found in (base, other)]
    names = set(lengths[0]) | set(lengths[1])
    lines = {name: (len(lengths[0].get(name, [])), len(lengths[1].get(name, []))) for name in names}
    same = all(first == second for first, second in lines.values())
    errors = [
        abs(second - first) / first
        for name in names
        if lines[name][0] == lines[name][1]
        for first, second in zip(lengths[0][name], lengths[1][name], strict=True)
    ]
    return {
        "change": change.name,
        "points_same": counts[0] == counts[1],
        "points": [dict(counts[0]), dict(counts[1])],
        "lines_same": same,
        "lines": lines,
        "length_errors": [round(each, 5) for each in errors],
    }


def _lengths(found: Found, low: np.ndarray, high: np.ndarray) -> dict[str, list[float]]:
    """Return the lengths, sorted, of the parts of lines in a rectangle, by class."""
    lengths: dict[str, list[float]] = {}
    for name, line in found.lines:
        reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        even = np.arange(0.0, reached[-1], 0.05)
        steps = np.column_stack([np.interp(even, reached, axis) for axis in line.T])
        length = 0.05 * int(((steps >= low) & (steps <= high)).all(axis=1).sum())
        if length >= MARGIN_PX:
            lengths.setdefault(name, []).append(length)
    return {name: sorted(values) for name, values in lengths.items()}


def study(image: Any, ensemble: Any, changes: list[Change], name: str) -> Json:
    """Compare all changes of an image with the image as it is."""
    base = search(image, ensemble, Change("as it is"))
    rows = [
        compare(base, search(image, ensemble, each), each, image.pixels.shape) for each in changes
    ]
    odd = [row for row in rows if not (row["points_same"] and row["lines_same"])]
    print(name, len(rows), "odd:", [(row["change"], row["points"], row["lines"]) for row in odd])
    return {"image": name, "changes": rows}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--scenes", type=int, default=SCENES)
    options = parser.parse_args()
    torch.set_num_threads(1)
    ensembles = {name: load_model(find_model(name)) for name in sorted(set(IMAGES.values()))}
    figures: Json = {"public": [], "scenes": []}
    for file, model in IMAGES.items():
        image = sd.read(options.data / "images" / file)
        changes = changes_of(np.random.default_rng(1), STRIDES)
        figures["public"].append(study(image, ensembles[model], changes, file))
        write_bytes(TARGET, json.dumps(figures, indent=1).encode())
    for seed in range(options.scenes):
        rng = np.random.default_rng([seed, 53])
        crystal = "cdte-110" if seed % 2 else "sto-001"
        made = simulate(
            crystal, size=SCENE_PX, seed=2000 + seed, rotation_deg=float(rng.uniform(0, 180))
        )
        every = changes_of(rng, STRIDES[1:])
        chosen = [every[n] for n in rng.choice(len(every), 5, replace=False)]
        figures["scenes"].append(
            study(made.micrograph, ensembles[crystal], chosen, f"{crystal} {seed}")
        )
        write_bytes(TARGET, json.dumps(figures, indent=1).encode())


if __name__ == "__main__":
    main()
