"""Whole defects are compared with the ground truth one by one."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from report_images import point

import napari_stem_defects as sd

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import defect_accuracy as study


def test_points_are_found_once_and_the_border_does_not_count() -> None:
    total = study.Found()
    regions = [point(100, 100, 1), point(103, 100, 2), point(300, 300, 3), point(2, 200, 4)]
    regions[0] = replace(regions[0], max_probability=0.95)
    study._add_points(total, [(101.0, 100.0), (200.0, 200.0), (398.0, 50.0)], regions)
    assert (total.true, total.false, total.missed) == (1, 2, 1)


def test_lengths_become_effective_numbers() -> None:
    total = study.Found(true=90.0, false=10.0, missed=30.0, lengths=[60.0, 60.0])
    assert total.numbers() == {
        "true_positives": 1.5,
        "false_positives": 0.17,
        "false_negatives": 0.5,
    }


@pytest.mark.slow
def test_a_scene_of_the_demo_is_compared() -> None:
    scene = sd.simulate(size=study.EDGE_PX, defects=["SF1", "vacancy"], seed=4)
    found = sd.detect(scene.micrograph, "cdte-110", stride=8, device="cpu")
    totals = {name: study.Found() for name in found.map.defect_classes}
    study.compare(found, scene, totals)
    assert totals["Vacancy_CdTe"].true >= 1
    assert totals["SF1"].true > 20 * totals["SF1"].missed
