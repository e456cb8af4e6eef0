"""Benchmark of learning from few clicks, on public images and simulated crystals.

    python studies/few_clicks.py [--group public design report] [--method quick forest ...]
        [--task NAME ...] [--clicks 1 3 7 15] [--draws 5] [--again] [--page-only] [--limit SECONDS]

Clicks by script: k clicks in five draws, each as far off as a human clicks. Leaves its figures in
``studies/runs/few_clicks``, one file per task and method, and continues where it stopped; figures
of other code than today's are measured again. Writes ``docs/few-clicks.md`` from all figures there
are. While methods are tuned, use ``--group design`` only. ``--method survey`` measures the
label-free anomaly map.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

from few_clicks_areas import area_overlap
from few_clicks_families import simulated_tasks
from few_clicks_methods import METHODS, Teaching
from few_clicks_page import page
from few_clicks_public import public_tasks
from few_clicks_scores import scored, survey_auroc
from few_clicks_source import source_digest
from few_clicks_tasks import Task, draw_clicks

import napari_stem_defects as sd
from napari_stem_defects.io.atomic import write_bytes

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "studies" / "runs" / "few_clicks"
PAGE = ROOT / "docs" / "few-clicks.md"
PARTICLES = ROOT / "studies" / "runs" / "particles.json"
COUNTS = ROOT / "studies" / "runs" / "survey_counts.json"
STRAY = ROOT / "studies" / "runs" / "stray_clicks.json"
MANY_COLUMNS = ROOT / "studies" / "runs" / "many_columns.json"
DRAWS = 5
SURVEY = "survey"
PACKAGE_METHODS = ("quick", "few", "scratch", "any-crystal")
# Fewer draws, by the number of clicks: networks learn for seconds, and the general model does not
# depend on the clicks, which only decide what is scored.
FEWER_DRAWS = {"few": {7: 3, 15: 3, 20: 3}, "scratch": {7: 1}, "any-crystal": {7: 1}}


def all_tasks(groups: list[str]) -> list[Task]:
    """Return the tasks of some groups."""
    tasks = public_tasks() if "public" in groups else []
    for group in ("design", "report"):
        if group in groups:
            tasks += simulated_tasks(group)  # type: ignore[arg-type]
    return tasks


def run(task: Task, method: str, options: argparse.Namespace, deadline: float) -> None:
    """Measure a method on a task where figures are missing, and keep each at once."""
    path = RUNS / f"{task.name}.{method}.json"
    about = {
        "task": task.name,
        "title": task.title,
        "group": task.group,
        "kind": task.kind,
        "family": task.family,
        "dose": task.dose,
        "method": method,
        "version": sd.__version__,
    }
    source = source_digest(package=method in PACKAGE_METHODS)
    known = [] if options.again else _known(path, source)
    done = {(each["clicks"], each["draw"]) for each in known}
    wanted = [each for each in _draws(task, method, options) if each not in done]
    if not wanted:
        return
    taught, target = task.load(options.data)
    for k, draw in wanted:
        if time.monotonic() > deadline:
            return
        drawn = draw_clicks(task, taught, target, k, draw)
        if drawn is None:
            continue
        teaching = Teaching(
            taught.micrograph,
            taught.period_px,
            task.kind,
            task.class_name,
            drawn.clicks,
            drawn.bulk,
        )
        found = METHODS[method](teaching, target.micrograph)
        figures: dict[str, Any] = scored(task, target, drawn, found)
        if task.kind == "area":
            figures |= area_overlap(task, target, drawn, found)
        known.append({"clicks": k, "draw": draw, **figures, "source": source})
        write_bytes(path, json.dumps({**about, "draws": known}, indent=1).encode())
        print(task.name, method, k, draw, figures, flush=True)


def _known(path: Path, source: str) -> list[dict[str, Any]]:
    """Return the draws in a file that were measured with the given source."""
    draws = json.loads(path.read_text()).get("draws", []) if path.exists() else []
    return [draw for draw in draws if draw.get("source") == source]


def _draws(task: Task, method: str, options: argparse.Namespace) -> list[tuple[int, int]]:
    """Return the numbers of clicks and of the draw to measure; some methods have fewer."""
    fewer = FEWER_DRAWS.get(method)
    return [
        (k, draw)
        for k in options.clicks or task.clicks
        for draw in range(options.draws if fewer is None else min(options.draws, fewer.get(k, 0)))
    ]


def run_survey(task: Task, options: argparse.Namespace) -> None:
    """Measure the survey on a task."""
    path = RUNS / f"{task.name}.{SURVEY}.json"
    source = source_digest(package=True)
    if path.exists() and not options.again:
        if json.loads(path.read_text()).get("source") == source:
            return
    _, target = task.load(options.data)
    figures = survey_auroc(task, target)
    about = {"task": task.name, "title": task.title, "group": task.group, "method": SURVEY}
    about |= {"kind": task.kind, "family": task.family, "dose": task.dose}
    write_bytes(path, json.dumps({**about, **figures, "source": source}, indent=1).encode())
    print(task.name, SURVEY, figures, flush=True)


def main() -> None:
    """Measure, and write the page."""
    options = _options()
    RUNS.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + options.limit
    if not options.page_only:
        tasks = [
            task
            for task in all_tasks(options.group)
            if not options.task or task.name in options.task
        ]
        for task in tasks:
            for method in options.method:
                if time.monotonic() > deadline:
                    break
                if method == SURVEY:
                    run_survey(task, options)
                else:
                    run(task, method, options, deadline)
    figures = [json.loads(path.read_text()) for path in sorted(RUNS.glob("*.json"))]
    if figures:
        many_columns = _images_of(MANY_COLUMNS, "cells")
        particles = _images_of(PARTICLES, "particles")
        few, crowds = (_images_of(COUNTS, name) for name in ("few_periods", "crowds"))
        stray = _images_of(STRAY, "draws")
        write_bytes(PAGE, page(figures, many_columns, particles, few, crowds, stray).encode())


def _images_of(path: Path, name: str) -> list[dict[str, Any]]:
    """Return the figures of the images of another study, none where it was not run."""
    found: list[dict[str, Any]] = json.loads(path.read_text())[name] if path.exists() else []
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    groups = ["public", "design", "report"]
    methods = [*METHODS, SURVEY]
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--group", nargs="+", choices=groups, default=groups)
    parser.add_argument("--method", nargs="+", choices=methods, default=methods)
    parser.add_argument("--task", nargs="+", help="names of tasks; by default all")
    parser.add_argument("--clicks", nargs="+", type=int, help="by default those of each task")
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--limit", type=float, default=float("inf"), help="seconds; then stop")
    parser.add_argument("--again", action="store_true", help="measure everything again")
    parser.add_argument("--page-only", action="store_true", help="from figures there are")
    return parser.parse_args()


if __name__ == "__main__":
    main()
