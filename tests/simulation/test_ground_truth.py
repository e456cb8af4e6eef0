"""Distances and masks of ground-truth points and lines."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.simulation.ground_truth import (
    CORE_RADIUS_NM,
    POINT_RADIUS_NM,
    GroundTruthLine,
    GroundTruthPoint,
    distance_to,
    ground_truth_masks,
)

SHAPE = (30, 40)
STILL = np.zeros(SHAPE[0])
HORIZONTAL = GroundTruthLine("SF1", (12.0, -50.0), (12.0, 90.0), 3.0)
VERTICAL = GroundTruthLine("SF2", (-50.0, 20.0), (90.0, 20.0), 2.0)


def test_distance_to_a_point_is_euclidean() -> None:
    distance = distance_to([], [GroundTruthPoint("Mis", 10.0, 12.0)], SHAPE, STILL)
    assert distance.shape == SHAPE
    assert distance.dtype == np.float32
    assert distance[10, 12] == 0
    assert distance[13, 16] == pytest.approx(5)


def test_distance_to_a_line_ends_at_its_ends() -> None:
    segment = GroundTruthLine("SF1", (5.0, 10.0), (5.0, 20.0), 1.0)
    distance = distance_to([segment], [], SHAPE, STILL)
    assert distance[9, 15] == pytest.approx(4)
    assert distance[9, 23] == pytest.approx(5)


def test_the_nearest_of_several_defects_counts() -> None:
    distance = distance_to([HORIZONTAL], [GroundTruthPoint("Mis", 20.0, 5.0)], SHAPE, STILL)
    assert distance[20, 5] == 0
    assert distance[12, 30] == 0
    assert distance[19, 5] == pytest.approx(1)


def test_distance_is_infinite_without_defects() -> None:
    assert np.isinf(distance_to([], [], SHAPE, STILL)).all()


def test_lines_follow_the_shift_of_the_rows_and_points_do_not() -> None:
    shift = np.zeros(SHAPE[0])
    shift[7] = 4.0
    distance = distance_to([VERTICAL], [], SHAPE, shift)
    assert distance[6].argmin() == 20
    assert distance[7].argmin() == 24
    point = GroundTruthPoint("Mis", 7.0, 20.0)
    assert distance_to([], [point], SHAPE, shift)[7].argmin() == 20


def test_a_step_computes_every_nth_pixel() -> None:
    shift = np.linspace(0, 2, SHAPE[0])
    full = distance_to([VERTICAL], [], SHAPE, shift)
    coarse = distance_to([VERTICAL], [], SHAPE, shift, step=7)
    np.testing.assert_allclose(coarse, full[::7, ::7], atol=1e-5)


def test_masks_are_bands_of_lines_and_disks_of_points() -> None:
    px = 0.05
    points = [GroundTruthPoint("Mis", 20.0, 10.0), GroundTruthPoint("LC", 15.0, 25.0)]
    masks = ground_truth_masks([HORIZONTAL], points, SHAPE, STILL, px)
    assert set(masks) == {"SF1", "Mis", "LC"}
    assert masks["SF1"][9:16].all()
    assert not masks["SF1"][[8, 16]].any()
    for name, radius_nm in (("Mis", POINT_RADIUS_NM), ("LC", CORE_RADIUS_NM)):
        assert masks[name].sum() == pytest.approx(np.pi * (radius_nm / px) ** 2, rel=0.1)


def test_masks_of_one_class_are_joined() -> None:
    other = HORIZONTAL._replace(start=(25.0, -50.0), end=(25.0, 90.0))
    masks = ground_truth_masks([HORIZONTAL, other], [], SHAPE, STILL, 0.05)
    assert masks["SF1"][12].all()
    assert masks["SF1"][25].all()
    assert not masks["SF1"][18].any()


def test_no_defects_have_no_masks() -> None:
    assert ground_truth_masks([], [], SHAPE, STILL, 0.05) == {}
