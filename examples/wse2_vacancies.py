"""Train an ensemble for a new material: selenium vacancies in WSe2.

    python examples/wse2_vacancies.py --out FOLDER [--seeds 0,1,2] [--members 3] [--quick] [--swap]

Trains networks, or a quick model, on one labelled frame, detects in another, and compares the
detections with the labels of that frame. The frames (DM4, 0.04 nm per px) and their labels are in
``wse2`` in the folder that STEM_DEFECTS_DATA names. docs/own-material.md explains the steps.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

import napari_stem_defects as sd

CLASS = "Se_vacancy"
NEAR_PX = 5.0
RIM_PX = 2.0
CROWDED_PX = 9.5  # the next selenium column is 8 px away
SQUARE_PX = 64  # the interval is bootstrapped over squares: vacancies are not independent
DATA = Path(os.environ.get("STEM_DEFECTS_DATA", Path(__file__).parents[1] / "../shared/data"))


def run(*words: object) -> None:
    """Run ``stem-defects`` with some words, as a shell would."""
    command = [sys.executable, "-m", "napari_stem_defects", *map(str, words)]
    if status := subprocess.run(command, check=False).returncode:  # noqa: S603
        raise SystemExit(status)


def label(project: Path, frames: Path, frame: str = "frame_02") -> None:
    """Import the labelled columns into a project, as clicks in the panel would."""
    table, image = frames / f"{frame}_columns.csv", frames / f"{frame}.dm4"
    run("labels", "import", project, table, "--image", image)
    with sd.LabelProject.open(project) as labels:
        labels.add_class("Bulk")
        labels.merge_classes(["W", "Se2"], into="Bulk")


def points(table: Path, class_column: str, name: str = CLASS) -> np.ndarray:
    """Return the positions of a class in a table, (n, 2) px."""
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if name in ("", row[class_column])]
    return np.array([(row["y_px"], row["x_px"]) for row in rows], float).reshape(-1, 2)


def in_labelled_part(found: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Leave out detections in the rim of about 8 px where no column is labelled."""
    lowest, highest = columns.min(0) - RIM_PX, columns.max(0) + RIM_PX
    inside: np.ndarray = found[((found >= lowest) & (found <= highest)).all(1)]
    return inside


def compare(found: np.ndarray, labelled: np.ndarray) -> dict[str, Any]:
    """Pair every vacancy with at most one detection within 5 px."""
    away = np.hypot(*(found[:, None] - labelled).transpose(2, 0, 1))
    pairs = linear_sum_assignment(np.where(away <= NEAR_PX, away, 1e6))
    paired = away[pairs] <= NEAR_PX
    hits = int(paired.sum())
    hit = pairs[1][paired]
    missed = np.setdiff1d(np.arange(len(labelled)), hit)
    crowded = cKDTree(labelled).query(labelled, k=2)[0][:, 1] < CROWDED_PX
    return {
        "hits": hits,
        "false": len(found) - hits,
        "missed": len(labelled) - hits,
        "precision": round(hits / max(len(found), 1), 3),
        "recall": round(hits / len(labelled), 3),
        "f1": round(2 * hits / (len(found) + len(labelled)), 3),
        "f1_interval": interval(found, labelled, labelled[hit]),
        "crowded": int(crowded.sum()),
        "crowded_missed": int(crowded[missed].sum()),
    }


def interval(found: np.ndarray, labelled: np.ndarray, hit: np.ndarray) -> list[float]:
    """Return the 95 % interval of F1, bootstrapped over squares of the frame."""
    side = 1 + int(max(part.max(initial=0) for part in (found, labelled))) // SQUARE_PX
    counts = np.zeros((3, side * side))
    for number, part in enumerate((found, labelled, hit)):
        squares = (part // SQUARE_PX).astype(int) @ np.array([side, 1])
        counts[number] = np.bincount(squares, minlength=side * side)
    drawn = np.random.default_rng(0).integers(0, side * side, (2000, side * side))
    of_found, of_labelled, of_hit = counts[:, drawn].sum(-1)
    f1 = 2 * of_hit / np.maximum(of_found + of_labelled, 1)
    return [round(float(limit), 3) for limit in np.percentile(f1, [2.5, 97.5])]


def learn_and_search(
    folder: Path, frames: Path, frame: str, training: sd.TrainingOptions
) -> dict[str, Any]:
    """Train, detect in the frame that was not learned, compare."""
    quick = training.recipe == "quick"
    name = "quick" if quick else str(training.seed)
    model, started = folder / f"wse2-{name}.safetensors", time.perf_counter()
    sd.train([folder / "wse2.labels"], model, training)
    trained = time.perf_counter()
    results = folder / f"results-{name}"
    run("detect", frames / f"{frame}.dm4", "--model", model, "--out", results)
    searched = time.perf_counter()
    found = points(results / frame / "regions.csv", "class")
    labelled = points(frames / f"{frame}_columns.csv", "column")
    inside = in_labelled_part(found, points(frames / f"{frame}_columns.csv", "column", ""))
    return {
        "model": "quick model" if quick else f"networks, seed {training.seed}",
        "searched": frame,
        "members": None if quick else training.members,
        **compare(inside, labelled),
        "in_unlabelled_rim": len(found) - len(inside),
        "training_s": round(trained - started),
        "detection_s": round(searched - trained),
    }


def table(figures: list[dict[str, Any]]) -> str:
    """Return the rows of the table in docs/own-material.md."""
    names = ("model", "searched", "precision", "recall", "f1")
    counts = ("hits", "false", "missed")
    return "\n".join(
        f"| {' | '.join(str(run[name]) for name in names)} "
        f"| {run['f1_interval'][0]} to {run['f1_interval'][1]} "
        f"| {' | '.join(str(run[name]) for name in counts)} "
        f"| {run['training_s']} s | {run['detection_s']} s |"
        for run in figures
    )


def main(words: list[str] | None = None) -> list[dict[str, Any]]:
    """Train and test, write ``figures.json`` and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument("--seeds", default="0", metavar="S,S", help="networks for each")
    parser.add_argument("--members", type=int, default=3, metavar="K", help="networks per class")
    parser.add_argument("--quick", action="store_true", help="a quick model instead of networks")
    parser.add_argument("--swap", action="store_true", help="learn frame 11, search frame 2")
    options = parser.parse_args(words)
    frames = DATA / "wse2"
    learned, searched = ("frame_11", "frame_02") if options.swap else ("frame_02", "frame_11")
    label(options.out / "wse2.labels", frames, learned)
    classes = ("Bulk", CLASS)
    # A random split leaves most labels for training; the other frame is the test.
    every = [
        sd.TrainingOptions(
            name="wse2",
            classes=classes,
            splits=("random",),
            members=options.members,
            seed=int(seed),
        )
        for seed in options.seeds.split(",")
    ]
    if options.quick:
        every = [sd.TrainingOptions(name="wse2", classes=classes, recipe="quick")]
    figures = [learn_and_search(options.out, frames, searched, each) for each in every]
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(table(figures))
    return figures


if __name__ == "__main__":
    main()
