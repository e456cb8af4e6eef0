"""One click of five beside every defect: what a quick model makes of it.

    python studies/stray_clicks.py

Repeats tasks of `few_clicks.py` with points and lines at five clicks, as they are and with the last
click on perfect crystal instead; the same defects are scored. Writes
``studies/runs/stray_clicks.json``, which `few_clicks.py` puts into ``docs/few-clicks.md``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from few_clicks import all_tasks
from few_clicks_methods import Teaching, TrainedModel
from few_clicks_scores import scored
from few_clicks_tasks import Click, Draw, Labelled, Task, draw_clicks, perfect_places

from napari_stem_defects.io.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
FIGURES = ROOT / "studies" / "runs" / "stray_clicks.json"
GROUPS = ("public", "report")
CLICKS, DRAWS = 5, 2
SEED = 83


def cases(data: Path) -> Iterator[tuple[Task, Labelled, Labelled, Draw, int]]:
    """Yield each task with its images and the clicks of each draw."""
    for task in all_tasks(list(GROUPS)):
        if task.kind == "area" or task.single:
            continue
        taught, target = task.load(data)
        for number in range(DRAWS):
            draw = draw_clicks(task, taught, target, CLICKS, number)
            if draw is not None:
                yield task, taught, target, draw, number


def with_a_stray_click(task: Task, taught: Labelled, draw: Draw, number: int) -> Draw:
    """Return the clicks of a draw with the last one on perfect crystal."""
    rng = np.random.default_rng([SEED, number, *task.name.encode()])
    (place,) = perfect_places(taught, 1, rng)
    stray = Click(float(place[0]), float(place[1]), task.class_name)
    return draw._replace(clicks=(*draw.clicks[:-1], stray))


def measured(task: Task, taught: Labelled, target: Labelled, draw: Draw) -> dict[str, Any]:
    """Return the figures of a quick model that learned from the clicks."""
    teaching = Teaching(
        taught.micrograph, taught.period_px, task.kind, task.class_name, draw.clicks, draw.bulk
    )
    return scored(
        task, target, draw, TrainedModel("quick", bulk=False)(teaching, target.micrograph)
    )


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    rows = []
    for task, taught, target, draw, number in cases(parser.parse_args().data):
        row = {"task": task.name, "group": task.group, "kind": task.kind, "draw": number}
        row["as_drawn"] = measured(task, taught, target, draw)
        row["stray"] = measured(
            task, taught, target, with_a_stray_click(task, taught, draw, number)
        )
        rows.append(row)
        print(json.dumps(row), flush=True)
    write_bytes(FIGURES, json.dumps({"draws": rows}, indent=1).encode())


if __name__ == "__main__":
    main()
