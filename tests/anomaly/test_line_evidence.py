"""Evidence for lines from averages along the lattice."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.anomaly.line_evidence import (
    as_samples,
    line_reach,
    line_rms,
    line_vectors,
)

SAMPLES = 7.0
SQUARE = np.array([[0.0, 7.0], [7.0, 0.0]])


def _noise(size=210, seed=0):
    return np.random.default_rng(seed).normal(size=(size, size)).astype(np.float32)


def test_the_shortest_vectors_of_each_lattice_are_found_once():
    turned = np.array([[2.0, 6.7], [6.7, -2.0]])
    assert len(line_vectors([SQUARE])) == 4
    assert len(line_vectors([SQUARE, SQUARE, turned])) == 8
    lengths = sorted(float(np.hypot(*vector)) for vector in line_vectors([SQUARE]))
    np.testing.assert_allclose(lengths, np.array([1, 1, np.sqrt(2), np.sqrt(2)]) * 7)


def test_without_a_lattice_there_is_no_line():
    assert line_vectors([]) == []
    assert not line_rms(_noise(), [], SAMPLES).any()


def test_white_noise_has_evidence_of_about_one():
    assert np.median(line_rms(_noise(), line_vectors([SQUARE])[:1], SAMPLES)) == pytest.approx(
        1, abs=0.05
    )


def test_a_weak_row_that_repeats_is_found_and_ends_where_it_ends():
    residual = _noise()
    residual[100:104, :110] += 0.8 * np.sin(2 * np.pi * np.arange(110) / SAMPLES)
    evidence = as_samples(line_rms(residual, line_vectors([SQUARE]), SAMPLES), residual.shape)
    alone = as_samples(line_rms(_noise(), line_vectors([SQUARE]), SAMPLES), residual.shape)
    assert evidence[102, 30:80].min() > 1.2 * np.median(alone)
    assert evidence[102, 30:80].min() > alone[90:115].mean()
    np.testing.assert_allclose(evidence[102, 160:], alone[102, 160:])


def test_noise_is_as_high_where_lines_leave_the_image():
    evidence = line_rms(_noise(), [SQUARE[0]], SAMPLES)
    beside = evidence[:, : round(SAMPLES / 2)]
    assert np.sqrt(np.square(beside).mean()) == pytest.approx(1, abs=0.05)


def test_a_line_is_seen_up_to_the_border_that_it_crosses():
    residual = np.zeros((210, 210), np.float32)
    residual[103:106] = 1
    evidence = as_samples(line_rms(residual, [SQUARE[0]], SAMPLES), residual.shape)
    # Half of the copies are left at the border.
    assert evidence[104, 2] == pytest.approx(evidence[104, 105] / np.sqrt(2), rel=0.15)


def test_one_strong_column_is_no_line():
    residual = np.zeros((210, 210), np.float32)
    residual[103:108, 103:108] = 25
    evidence = as_samples(line_rms(residual, [SQUARE[0]], SAMPLES), residual.shape)
    assert evidence.max() < 1.1
    reach = line_reach(SAMPLES)
    assert not evidence[:, : 103 - reach].any()
    assert evidence[105, 105 - 14] == pytest.approx(evidence[105, 105], rel=0.05)


@pytest.mark.parametrize("shape", [(31, 40), (40, 31), (33, 35)])
def test_odd_shapes_keep_their_size(shape):
    evidence = line_rms(np.ones(shape, np.float32), [SQUARE[0]], SAMPLES)
    assert as_samples(evidence, shape).shape == shape


def test_vectors_longer_than_the_image_average_nothing():
    values = np.ones((20, 20), np.float32)
    alone = line_rms(values, [np.array([0.0, 30.0])], 30.0)
    assert np.isfinite(alone).all()
