"""Teach an ensemble a material of one's own: selenium vacancies in WSe2.

    python examples/wse2_vacancies.py --out FOLDER [--seeds 0,1,2] [--members 3]

Learns from one labelled frame, searches another, and compares what was found with the labels of
that one. The frames (DM4, 0.04 nm per px) and their labels lie in ``wse2`` in the folder that
STEM_DEFECTS_DATA names. docs/own-material.md goes through the steps.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

import napari_stem_defects as sd
from napari_stem_defects.cli.main import main as stem_defects
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.training.recipes import TrainingOptions

CLASS = "Se_vacancy"
NEAR_PX = 5.0
RIM_PX = 2.0
CROWDED_PX = 9.5  # the next selenium column is 8 px away
SQUARE_PX = 64  # drawn anew as a whole for the interval, because vacancies are not independent
DATA = Path(os.environ.get("STEM_DEFECTS_DATA", Path(__file__).parents[1] / "../shared/data"))


def run(*words: object) -> None:
    """Run a command as a shell would."""
    if status := stem_defects([str(word) for word in words]):
        raise SystemExit(status)


def label(project: Path, frames: Path) -> None:
    """Put the labelled columns into a project, as clicks in the window would be."""
    run(
        "labels",
        "import",
        project,
        frames / "frame_02_columns.csv",
        "--image",
        frames / "frame_02.dm4",
    )
    with LabelProject.open(project) as labels:
        labels.add_class("Bulk")
        labels.merge_classes(["W", "Se2"], into="Bulk")


def points(table: Path, class_column: str, name: str = CLASS) -> np.ndarray:
    """Return where a table says that a class is, (n, 2) px."""
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if name in ("", row[class_column])]
    return np.array([(row["y_px"], row["x_px"]) for row in rows], float).reshape(-1, 2)


def in_labelled_part(found: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Leave out what lies in the rim of some 8 px in which nobody labelled any column."""
    lowest, highest = columns.min(0) - RIM_PX, columns.max(0) + RIM_PX
    inside: np.ndarray = found[((found >= lowest) & (found <= highest)).all(1)]
    return inside


def compare(found: np.ndarray, truth: np.ndarray) -> dict[str, Any]:
    """Pair every vacancy with at most one detection within 5 px."""
    away = np.hypot(*(found[:, None] - truth).transpose(2, 0, 1))
    pairs = linear_sum_assignment(np.where(away <= NEAR_PX, away, 1e6))
    paired = away[pairs] <= NEAR_PX
    hits = int(paired.sum())
    hit = pairs[1][paired]
    missed = np.setdiff1d(np.arange(len(truth)), hit)
    crowded = cKDTree(truth).query(truth, k=2)[0][:, 1] < CROWDED_PX
    return {
        "hits": hits,
        "false": len(found) - hits,
        "missed": len(truth) - hits,
        "precision": round(hits / max(len(found), 1), 3),
        "recall": round(hits / len(truth), 3),
        "f1": round(2 * hits / (len(found) + len(truth)), 3),
        "f1_interval": interval(found, truth, truth[hit]),
        "crowded": int(crowded.sum()),
        "crowded_missed": int(crowded[missed].sum()),
    }


def interval(found: np.ndarray, truth: np.ndarray, hit: np.ndarray) -> list[float]:
    """Return F1's 95 % interval: squares of the frame drawn again and again, with replacement."""
    side = 1 + int(max(part.max(initial=0) for part in (found, truth))) // SQUARE_PX
    counts = np.zeros((3, side * side))
    for number, part in enumerate((found, truth, hit)):
        squares = (part // SQUARE_PX).astype(int) @ np.array([side, 1])
        counts[number] = np.bincount(squares, minlength=side * side)
    drawn = np.random.default_rng(0).integers(0, side * side, (2000, side * side))
    of_found, of_truth, of_hit = counts[:, drawn].sum(-1)
    f1 = 2 * of_hit / np.maximum(of_found + of_truth, 1)
    return [round(float(limit), 3) for limit in np.percentile(f1, [2.5, 97.5])]


def learn_and_search(folder: Path, frames: Path, seed: int, members: int) -> dict[str, Any]:
    """Train with a seed, search the other frame, compare."""
    model, started = folder / f"wse2-{seed}.safetensors", time.perf_counter()
    # A random split costs fewest labels; what holds elsewhere is measured on the other frame.
    choices = TrainingOptions(
        name="wse2", classes=("Bulk", CLASS), splits=("random",), members=members, seed=seed
    )
    sd.train([folder / "wse2.labels"], model, choices)
    trained = time.perf_counter()
    results = folder / f"results-{seed}"
    run("detect", frames / "frame_11.dm4", "--model", model, "--out", results)
    searched = time.perf_counter()
    found = points(results / "frame_11" / "regions.csv", "class")
    truth = points(frames / "frame_11_columns.csv", "column")
    inside = in_labelled_part(found, points(frames / "frame_11_columns.csv", "column", ""))
    return {
        "seed": seed,
        "members": members,
        **compare(inside, truth),
        "in_unlabelled_rim": len(found) - len(inside),
        "training_s": round(trained - started),
        "detection_s": round(searched - trained),
    }


def table(figures: list[dict[str, Any]]) -> str:
    """Return the rows of the table in docs/own-material.md."""
    names = ("seed", "precision", "recall", "f1")
    counts = ("hits", "false", "missed")
    return "\n".join(
        f"| {' | '.join(str(run[name]) for name in names)} "
        f"| {run['f1_interval'][0]} to {run['f1_interval'][1]} "
        f"| {' | '.join(str(run[name]) for name in counts)} "
        f"| {run['training_s']} s | {run['detection_s']} s |"
        for run in figures
    )


def main(words: list[str] | None = None) -> list[dict[str, Any]]:
    """Do it for every seed, write ``figures.json`` and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="made anew")
    parser.add_argument("--seeds", default="0", metavar="S,S", help="one ensemble for each")
    parser.add_argument("--members", type=int, default=3, metavar="K", help="networks per class")
    options = parser.parse_args(words)
    frames = DATA / "wse2"
    label(options.out / "wse2.labels", frames)
    figures = [
        learn_and_search(options.out, frames, int(seed), options.members)
        for seed in options.seeds.split(",")
    ]
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(table(figures))
    return figures


if __name__ == "__main__":
    main()
