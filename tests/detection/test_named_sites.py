"""Sites that have a name, and cores that are one defect."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.detection.named_sites import named_sites, with_single_cores
from napari_stem_defects.postprocessing.results import ProbabilityMap

LIMITS = {"Bulk": 0.5, "Missing": 0.5, "Core": 0.9}
PERIOD, SEPARATION, STEP = 10.0, 7.0, 2.0


def _map(**places):
    probability = np.full((3, 60, 60), 0.01, np.float32)
    classes = ("Bulk", "Missing", "Core")
    rows, columns = np.indices((60, 60)) * STEP
    for name, peaks in places.items():
        layer = probability[classes.index(name)]
        for y, x, height in peaks:
            layer[:] = np.maximum(
                layer, height * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 2 / 3.0**2)
            )
    centres = np.arange(60, dtype=np.float32) * np.float32(STEP)
    valid = np.ones((60, 60), bool)
    kinds = ProbabilityMap(probability, centres, centres, classes, valid)
    return kinds


def test_sites_of_all_classes_are_listed_once() -> None:
    found = _map(Missing=[(20, 20, 0.9), (60, 80, 0.7), (90, 40, 0.3)], Core=[(40, 100, 0.97)])
    sites = named_sites(found, LIMITS, SEPARATION)
    assert sorted(map(tuple, sites.tolist())) == [(20, 20), (40, 100), (60, 80)]
    assert named_sites(_map(), LIMITS, SEPARATION).shape == (0, 2)


@pytest.mark.parametrize(("away", "left"), [(10.0, 1), (16.0, 2)])
def test_what_surrounds_a_core_is_no_core(away, left) -> None:
    found = _map(Core=[(60, 60, 0.99), (60, 60 + away, 0.96)])
    assert len(named_sites(found, LIMITS, SEPARATION)) == 2
    single = with_single_cores(found, LIMITS, SEPARATION, PERIOD)
    sites = named_sites(single, LIMITS, SEPARATION)
    assert len(sites) == left
    assert (60, 60) in map(tuple, sites.tolist())


def test_other_classes_and_single_cores_stay() -> None:
    found = _map(Missing=[(60, 60, 0.9), (60, 70, 0.9)], Core=[(20, 20, 0.99)])
    assert with_single_cores(found, LIMITS, SEPARATION, PERIOD) is found
