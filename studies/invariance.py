"""Whether counts and lengths depend on orientation, crop, gain, step, tiles or threads.

    python studies/invariance.py [--data FOLDER] [--scenes N] [--keep-public] [--images NAME ...]

Public micrographs and simulated scenes are searched as they are and after flips, quarter turns,
crops of up to 32 px, a change of gain and offset, with other steps between windows, and with other
tiles and numbers of threads (`dense.TILE_PX`, `tiled.STRIP_ROWS`). The point defects and lines of
both results are compared in what both show; a point near the edge of a crop counts in both or in
neither. Lengths in scenes as they are are compared with the simulated ones, too. Writes
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
from unittest import mock

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

import napari_stem_defects as sd
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.inference import dense
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.preprocessing import pipeline, tiled
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
FIRST, SCENES, SCENE_PX = 100, 50, 400
"""Scenes before the first one were looked at while the program was mended."""
MARGIN_PX = 16.0
"""Points nearer to the border of a crop are compared in neither result."""
PAIR_PX = 12.0
"""Points of a class up to this far apart in two results are one defect."""
STRIDES = (2, 4, 6, 12, 16)
TILES, THREADS = (96, 256), (2, 4)
Json = dict[str, Any]
Lines = list[tuple[str, np.ndarray]]


class Change(NamedTuple):
    """A form of an image: orientation, crop (top, left, bottom, right), gain, offset, step.

    ``tile`` is the edge of a tile of the networks in px, and the height of the strips in which the
    image is filtered; None leaves both as they are, and an image of this size undivided.
    """

    name: str
    orientation: int = 0
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    gain: float = 1.0
    offset: float = 0.0
    stride: int | None = None
    tile: int | None = None
    threads: int = 1

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
        *(Change(f"tiles of {n} px", tile=n) for n in TILES),
        *(Change(f"{n} threads", threads=n) for n in THREADS),
    ]


class Found(NamedTuple):
    """What a result holds, in px of the original image: class and places, class and ends."""

    points: list[tuple[str, np.ndarray]]
    lines: list[tuple[str, np.ndarray]]


def search(image: Any, ensemble: Any, change: Change) -> Found:
    """Search a changed image."""
    changed = replace(image, pixels=change.image(image.pixels))
    torch.set_num_threads(change.threads)
    with (
        mock.patch.object(dense, "TILE_PX", change.tile or dense.TILE_PX),
        mock.patch.object(tiled, "STRIP_ROWS", change.tile or tiled.STRIP_ROWS),
        mock.patch.object(pipeline, "HUGE_PX", 0 if change.tile else pipeline.HUGE_PX),
    ):
        result = detect_frame(changed, ensemble, stride=change.stride, device="cpu")
    torch.set_num_threads(1)
    shape = image.pixels.shape
    points = [
        (each.class_name, change.back(np.array([_place(each)]), shape)[0])
        for each in result.regions
        if each.kind == "point"
    ]
    lines = [
        (each.class_name, change.back(np.array(each.centre_line), shape))
        for each in result.regions
        if each.kind == "line"
    ]
    return Found(points, lines)


def _place(region: Any) -> tuple[float, float]:
    """Return where a point defect is: at the site that was measured, or in the middle."""
    if region.site_y_px is None:
        return region.y_px, region.x_px
    return region.site_y_px, region.site_x_px


def compare(base: Found, other: Found, change: Change, shape: tuple[int, int]) -> Json:
    """Compare two results inside a crop."""
    top, left, bottom, right = change.crop
    low = np.array([top, left]) - 0.5
    high = np.array(shape) - (bottom, right) - 0.5
    cut = np.array([top or -np.inf, left or -np.inf])
    edge = np.where(np.isfinite(cut), cut + MARGIN_PX, -np.inf)
    far = np.array([high[0] if bottom else np.inf, high[1] if right else np.inf]) - MARGIN_PX
    paired, apart = _paired(base, other)
    counts = [
        Counter(name for name, place in points if (place >= edge).all() and (place <= far).all())
        for points in paired
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
        "points_apart_px": [round(each, 3) for each in apart],
        "lines_same": same,
        "lines": lines,
        "length_errors": [round(each, 5) for each in errors],
    }


def _paired(base: Found, other: Found) -> tuple[list[list[tuple[str, np.ndarray]]], list[float]]:
    """Return the points of both results, those of a pair in their middle, and how far apart."""
    results = [list(base.points), list(other.points)]
    apart: list[float] = []
    for name in {each for each, _ in (*base.points, *other.points)}:
        mine = [[n for n, (each, _) in enumerate(points) if each == name] for points in results]
        places = [
            np.array([results[side][n][1] for n in numbers]).reshape(-1, 2)
            for side, numbers in enumerate(mine)
        ]
        away = np.hypot(*(places[0][:, None] - places[1]).transpose(2, 0, 1))
        for first, second in zip(*linear_sum_assignment(np.minimum(away, PAIR_PX)), strict=True):
            if away[first, second] < PAIR_PX:
                middle = (places[0][first] + places[1][second]) / 2
                results[0][mine[0][first]] = results[1][mine[1][second]] = (name, middle)
                apart.append(float(away[first, second]))
    return results, apart


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


def against_truth(found: Found, truth: Lines, shape: tuple[int, int]) -> Json:
    """Compare the lengths of lines with the true ones; a class with other lines is missed."""
    low, high = np.array([-0.5, -0.5]), np.array(shape) - 0.5
    mine = _lengths(found, low, high)
    true = _lengths(Found([], truth), low, high)
    same = [name for name in true if len(mine.get(name, [])) == len(true[name])]
    errors = [
        abs(first - second) / second
        for name in same
        for first, second in zip(mine[name], true[name], strict=True)
    ]
    return {
        "lines": sum(len(each) for each in true.values()),
        "length_errors": [round(each, 5) for each in errors],
    }


def study(
    image: Any,
    ensemble: Any,
    changes: list[Change],
    name: str,
    truth: Lines | None = None,
) -> Json:
    """Compare all changes of an image with the image as it is, and that with the ground truth."""
    base = search(image, ensemble, Change("as it is"))
    rows = [
        compare(base, search(image, ensemble, each), each, image.pixels.shape) for each in changes
    ]
    odd = [row for row in rows if not (row["points_same"] and row["lines_same"])]
    print(name, len(rows), "odd:", [(row["change"], row["points"], row["lines"]) for row in odd])
    figures: Json = {"image": name, "changes": rows}
    if truth is not None:
        figures["simulated"] = against_truth(base, truth, image.pixels.shape)
    return figures


def again(files: list[str], folder: Path, ensembles: Json) -> None:
    """Measure some public images again."""
    figures = json.loads(TARGET.read_text(encoding="utf-8"))
    for file in files:
        image = sd.read(folder / "images" / file)
        changes = changes_of(np.random.default_rng(1), STRIDES)
        found = study(image, ensembles[IMAGES[file]], changes, file)
        old = [each["image"] for each in figures["public"]].index(file)
        figures["public"][old] = found
    write_bytes(TARGET, json.dumps(figures, indent=1).encode())


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument(
        "--keep-public", action="store_true", help="keep the public images' figures"
    )
    parser.add_argument(
        "--images", nargs="+", choices=list(IMAGES), help="these alone; the other figures are kept"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    ensembles = {name: load_model(find_model(name)) for name in sorted(set(IMAGES.values()))}
    if options.images:
        again(options.images, options.data, ensembles)
        return
    figures: Json = {"public": [], "scenes": []}
    if options.keep_public:
        figures["public"] = json.loads(TARGET.read_text(encoding="utf-8"))["public"]
    for file, model in {} if options.keep_public else IMAGES.items():
        image = sd.read(options.data / "images" / file)
        changes = changes_of(np.random.default_rng(1), STRIDES)
        figures["public"].append(study(image, ensembles[model], changes, file))
        write_bytes(TARGET, json.dumps(figures, indent=1).encode())
    for seed in range(FIRST, FIRST + options.scenes):
        rng = np.random.default_rng([seed, 53])
        crystal = "cdte-110" if seed % 2 else "sto-001"
        made = simulate(
            crystal, size=SCENE_PX, seed=2000 + seed, rotation_deg=float(rng.uniform(0, 180))
        )
        every = changes_of(rng, STRIDES[1:])
        chosen = [every[n] for n in rng.choice(len(every), 5, replace=False)]
        truth = [(each.class_name, np.array([each.start, each.end])) for each in made.lines]
        figures["scenes"].append(
            study(made.micrograph, ensembles[crystal], chosen, f"{crystal} {seed}", truth)
        )
        write_bytes(TARGET, json.dumps(figures, indent=1).encode())


if __name__ == "__main__":
    main()
