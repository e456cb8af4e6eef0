"""The page on detection says what the figures say."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import detection_page
import unknown


def view(magnification: float, rotation: float | None, named: int, found: int) -> dict:
    classes = {
        "SF1": {"pixels": 200, "found": 200, "named": named},
        "Vacancy_CdTe": {"defects": 6, "found": found, "false": 1},
    }
    return {
        "magnification": magnification,
        "rotation_deg": rotation,
        "seed": 1,
        "classes": classes,
    }


VIEWS = [view(m, None, 150, 6) for m in (0.5, 1.0, 2.0)] + [view(1.0, 30.0, 50, 3)]


def test_scores_add_up_views_before_they_divide() -> None:
    views = [view(1, None, 200, 6), view(1, None, 100, 2)]
    assert detection_page.score(views, "SF1") == 0.75
    assert detection_page.score(views, "Vacancy_CdTe") == pytest.approx(2 * 8 / (8 + 12 + 2))
    assert detection_page.score(views, "LC") is None


def record() -> dict:
    rates = {"precision": 0.9, "precision_interval": [0.8, 0.95], "recall": None}
    figures = {"tp": 9, "fn": 1, "fp": 1, "auroc": 0.5, "calibration_error": None, **rates}
    found = {"classes": {"SF1": figures}}
    scenes = {
        "SF1": {"windows": [6, 0, 4], "found": [6, 0, 3], "named": [5, 0, 2]},
        "Bulk": {"windows": [600, 200, 200], "claimed": [0, 4, 0]},
    }
    image = {"class": "Extra", "held_out": 3, "found": 2, "false": 1, "f1": 2 / 3}
    return {
        "held_out": {
            "windows": {"New scenes": found},
            "scenes": {"New scenes": scenes},
            "disagreement": {
                "New scenes": {
                    "answers": 70,
                    "wrong": 5,
                    "wrong_of_each_seed": [6, 7],
                    "auroc_of_disagreement": 0.91,
                    "auroc_of_doubt": 0.93,
                }
            },
            "faults": {
                "SF2": {"pixels": 200, "found": 180, "named": 150},
                "Bulk": {"pixels": 5000, "claimed": 10},
            },
            "localisation": {"a.tif": {**image, "other_regions": {"SF1": 2}}},
        }
    }


def test_the_page_has_every_table() -> None:
    sources = {
        "Ge": {"known": True, "windows": 9, "unclaimed": 0.1, "auroc": None},
        "SrTiO3": {"known": False, "windows": 9, "unclaimed": 0.9, "auroc": 0.98},
    }
    figures = {
        "scale.cdte-110": {"views": VIEWS},
        "unknown.cdte-110": {"auroc": 0.987, "sources": sources},
    }
    page = detection_page.page(figures, {"cdte-110": record(), "sto-001": record()})
    for words in ("## sto-001", "0.900 (0.800-0.950)", "2 SF1", "0.987", "0.980"):
        assert words in page
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines()]
    assert ["SF1", "0.750", "0.750", "0.750", "0.250", "0.250"] in rows
    # Two scenes drawn from two: the interval reaches from the worse one to the better.
    assert ["SF1", "10", "0.700 (0.500-0.833)", "0.900 (0.750-1.000)"] in rows
    assert ["SF2", "200", "0.750", "0.900"] in rows
    assert ["Bulk", "5000", "-", "0.002"] in rows
    assert ["Bulk", "1000", "-", "0.004 (0.000-0.020)"] in rows
    assert ["New scenes", "70", "5", "6 7", "0.910", "0.930"] in rows
    assert ["Ge", "known", "9", "0.100", "-"] in rows


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    detection_page.plots({"scale.cdte-110": {"views": VIEWS}, "unknown.cdte-110": {}}, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["scale-cdte-110.png"]


def test_known_and_unknown_are_told_apart_by_score() -> None:
    known = np.array([0.9, 0.8, 0.5], np.float32)
    assert unknown.apart(known, np.array([0.1, 0.2], np.float32)) == 1
    assert unknown.apart(known, np.array([0.5, 0.5], np.float32)) == pytest.approx((2 + 0.5) / 3)
