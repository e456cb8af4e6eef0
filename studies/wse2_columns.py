"""How well simple methods separate single columns of the WSe2 frames, given their positions.

    python studies/wse2_columns.py [--data FOLDER]

Simple methods find the selenium vacancies among the labelled selenium columns of a
frame: by the brightness of a column, and by a logistic regression on the 9x9 px around it. They
get the position of every column, so an ensemble, which has to find the columns as well, cannot be
expected to do much better. Leaves its figures in ``studies/runs``; docs/own-material.md has them.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from baselines import logistic, standardised
from scipy.ndimage import map_coordinates

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.images.read import read
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
REACH_PX = 4
# Half the lengths of the preprocessing of columns, which looks at them magnified twice.
SETTINGS = PreprocessingSettings(
    representation="real", smoothing_px=1.0, background_px=24.0, contrast_px=48.0
)


class Columns(NamedTuple):
    """Selenium columns: pixels around them (n, 9, 9), which are vacancies, and their x in px."""

    pixels: NDArray[np.float64]
    vacant: NDArray[np.bool_]
    x: NDArray[np.float64]

    def only(self, keep: NDArray[np.bool_]) -> Columns:
        """Return some of the columns."""
        return Columns(*(part[keep] for part in self))


def columns_of(folder: Path, frame: str) -> Columns:
    """Cut out every labelled selenium column of a frame."""
    with (folder / f"{frame}_columns.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["column"].startswith("Se")]
    y, x = (np.array([row[f"{axis}_px"] for row in rows], float) for axis in "yx")
    steps = np.arange(-REACH_PX, REACH_PX + 1)
    flat = filter_image(read(folder / f"{frame}.dm4").pixels, SETTINGS)
    places = np.broadcast_arrays(y[:, None, None] + steps[:, None], x[:, None, None] + steps)
    pixels = map_coordinates(flat, places, order=1, mode="reflect").astype(float)
    return Columns(pixels, np.array([row["column"] == "Se_vacancy" for row in rows]), x)


def f1_at_every_limit(
    score: NDArray[np.float64], vacant: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return every limit, the highest first, and the F1 of the columns that reach it."""
    order = np.argsort(-score)
    hits = np.cumsum(vacant[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + vacant.sum())
    return score[order], f1


def brightness(learned: Columns, shown: Columns) -> tuple[NDArray[np.float64], ...]:
    """Score columns by how dark their middle is."""
    first, second = (-part.pixels[:, REACH_PX, REACH_PX] for part in (learned, shown))
    return first, second


def regression(learned: Columns, shown: Columns) -> tuple[NDArray[np.float64], ...]:
    """Score columns by a logistic regression on the pixels around them."""
    flat = (part.pixels.reshape(len(part.pixels), -1) for part in (learned, shown))
    samples, tested = standardised(*flat)
    weights = logistic(samples, learned.vacant.astype(np.float32))
    first, second = (part @ weights[:-1] + weights[-1] for part in (samples, tested))
    return first, second


def measured(learned: Columns, shown: Columns) -> dict[str, Any]:
    """Return F1 at the limit that was best where it was learned, and at the best one."""
    found = {"vacancies": int(shown.vacant.sum()), "columns": len(shown.vacant)}
    for name, method in {"brightness": brightness, "regression": regression}.items():
        of_learned, of_shown = method(learned, shown)
        limits, f1 = f1_at_every_limit(of_learned, learned.vacant)
        positive = of_shown >= limits[f1.argmax()]
        hits = (positive & shown.vacant).sum()
        f1_transferred = 2 * hits / (positive.sum() + shown.vacant.sum())
        best = f1_at_every_limit(of_shown, shown.vacant)[1].max()
        found[name] = {
            "f1": round(float(f1_transferred), 3),
            "f1_at_its_best": round(float(best), 3),
        }
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    folder = parser.parse_args().data / "wse2"
    first, second = (columns_of(folder, name) for name in ("frame_02", "frame_11"))
    left = second.x < second.x.max() / 2
    figures = {
        "frame 11, learned from frame 2": measured(first, second),
        "left half of frame 11, learned from its right half": measured(
            second.only(~left), second.only(left)
        ),
        "right half of frame 11, learned from its left half": measured(
            second.only(left), second.only(~left)
        ),
    }
    print(json.dumps(figures, indent=1))
    write_bytes(
        ROOT / "studies" / "runs" / "wse2_columns.json", json.dumps(figures, indent=1).encode()
    )


if __name__ == "__main__":
    main()
