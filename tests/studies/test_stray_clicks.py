"""The study of stray clicks, in miniature, and its section of the page."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import stray_clicks
from few_clicks import all_tasks
from few_clicks_page import page
from few_clicks_tasks import draw_clicks


def test_one_click_lies_on_perfect_crystal_and_changes_little() -> None:
    (task,) = (each for each in all_tasks(["design"]) if each.name == "square-pair-missing-mid")
    taught, target = task.load(Path())
    draw = draw_clicks(task, taught, target, stray_clicks.CLICKS, 0)
    assert draw is not None
    stray = stray_clicks.with_a_stray_click(task, taught, draw, 0)
    assert stray.clicks[:-1] == draw.clicks[:-1]
    y, x, _ = stray.clicks[-1]
    assert taught.distance()[round(y), round(x)] > 2.5 * taught.period_px
    as_drawn, gone = (stray_clicks.measured(task, taught, target, each) for each in (draw, stray))
    assert as_drawn["f1"] > 0.95
    assert gone["f1"] > 0.9


def test_the_page_states_what_a_stray_click_costs() -> None:
    about = {"task": "a", "title": "A", "group": "report", "kind": "point", "method": "quick"}
    drawn = {"clicks": 7, "draw": 0, "f1": 0.5, "learning_s": 1.0, "search_s": 1.0}
    rows = [
        {"task": "a", "group": "report", "kind": "point", "as_drawn": {"f1": 1.0}, "stray": stray}
        for stray in ({"f1": 1.0}, {"f1": 0.8})
    ]
    text = page([{**about, "draws": [drawn]}], stray=rows)
    (row,) = (line for line in text.splitlines() if "1 of 2" in line)
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "report", "point", "1", "F1 1.00", f"F1 {np.mean([1.0, 0.8]):.2f}", "1 of 2",
    ]  # fmt: skip
    assert "stray" not in page([{**about, "draws": [drawn]}])
