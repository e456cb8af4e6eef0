"""Evidence of networks and of the quick model that taught them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from napari_stem_defects.base.defect_classes import BULK, DefectClass
from napari_stem_defects.detection.teacher_evidence import (
    TeacherEvidence,
    mean_of_classes,
    mean_probability,
)
from napari_stem_defects.postprocessing.results import ProbabilityMap

CLASSES = (DefectClass(BULK, "bulk"), DefectClass("Vac", "point"), DefectClass("SF", "line"))
probabilities = st.floats(0.01, 0.99)


def _map(step: float, size: float, peaks: dict[str, tuple[float, float]]) -> ProbabilityMap:
    """A map with a step in px on which classes are likely at one place each."""
    y = x = np.arange(step / 2, size, step, dtype=np.float32)
    layers = np.full((len(CLASSES), len(y), len(x)), 0.02, np.float32)
    for name, (row, column) in peaks.items():
        away = np.hypot(y[:, None] - row, x - column)
        layers[[each.name for each in CLASSES].index(name)] += 0.95 * np.exp(-((away / 5) ** 2))
    valid = np.ones((len(y), len(x)), bool)
    return ProbabilityMap(layers, y, x, tuple(c.name for c in CLASSES), valid, CLASSES)


@given(probabilities, probabilities)
def test_the_mean_lies_between_and_both_count_alike_for_points(networks, teacher):
    mean = float(mean_probability(np.array(networks), np.array(teacher), "point"))
    assert min(networks, teacher) - 1e-6 <= mean <= max(networks, teacher) + 1e-6
    assert mean == pytest.approx(expit((logit(networks) + logit(teacher)) / 2), abs=1e-6)


def test_neither_overrules_the_other_by_being_certain():
    certain, doubtful = np.array([0.0, 1.0]), np.array([0.999, 0.001])
    mean = mean_probability(certain, doubtful, "point")
    assert (np.abs(mean - 0.5) < 0.4).all()


def test_the_teacher_decides_on_areas():
    assert mean_probability(np.array(0.99), np.array(0.1), "area") < 0.5
    assert mean_probability(np.array(0.99), np.array(0.1), "line") > 0.5


def test_classes_are_averaged_by_their_kind():
    networks = np.full((2, 3), 0.9, np.float32)
    teacher = np.full((2, 3), 0.4, np.float32)
    mean = mean_of_classes(networks, teacher, CLASSES)
    assert mean.shape == (2, 3)
    assert mean.dtype == np.float32
    assert np.allclose(mean, expit((logit(0.9) + logit(0.4)) / 2), atol=1e-6)


def test_maps_on_different_grids_are_averaged_where_they_agree():
    networks = _map(4.0, 120.0, {"Vac": (40, 60)})
    teacher = _map(5.1, 120.0, {"Vac": (40, 60), "SF": (90, 20)})
    mean = TeacherEvidence(teacher).averaged(networks)
    assert mean.probability.shape == networks.probability.shape
    vacancy, fault = mean.probability[1], mean.probability[2]
    row, column = np.unravel_index(vacancy.argmax(), vacancy.shape)
    assert abs(mean.y[row] - 40) < 4
    assert abs(mean.x[column] - 60) < 4
    assert vacancy.max() > 0.7
    assert fault.max() < 0.5  # of which the networks see nothing


def test_windows_without_a_value_stay_empty():
    networks = _map(4.0, 80.0, {"Vac": (40, 40)})
    networks.valid[:5] = False
    mean = TeacherEvidence(_map(5.0, 80.0, {})).averaged(networks)
    assert not mean.probability[:, :5].any()
    assert mean.probability[:, 5:].all()


def test_what_is_outside_of_the_crystal_to_both_stays_without_probability():
    nothing, little = np.zeros(3), np.array([0.0, 1e-9, 0.3])
    for kind in ("bulk", "point", "line", "area"):
        assert mean_probability(nothing, little, kind).astype(bool).tolist() == [False, True, True]
    networks, teacher = _map(4.0, 120.0, {"Vac": (40, 90)}), _map(5.1, 120.0, {"Vac": (40, 90)})
    networks.probability[:, :, :15] = 0
    teacher.probability[:, :, :12] = 0
    mean = TeacherEvidence(teacher).averaged(networks)
    assert not mean.probability[:, :, :15].any()
    assert mean.probability[:, :, 15:].all()
    sites = np.array([(40.0, 20.0), (40.0, 90.0)])
    at = TeacherEvidence(teacher).at_sites("Vac", np.zeros(2, np.float32), sites)
    assert at[0] == 0 < at[1]


def test_at_a_site_the_teacher_may_be_half_a_period_off():
    teacher = TeacherEvidence(_map(5.0, 100.0, {"Vac": (52.5, 52.5)}))
    sites = np.array([(52.5, 57.0), (52.5, 80.0), (-3.0, 50.0)])
    found = teacher.at_sites("Vac", np.full(3, 0.9, np.float32), sites)
    assert found[0] > 0.9
    assert found[1] < 0.5
    assert np.isfinite(found).all()  # beyond the border the nearest cells count
