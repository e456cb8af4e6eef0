"""Anomaly score and the score that noise does not reach."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import crystal_image

from napari_stem_defects.anomaly import residual as residual_module
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.score import (
    highest_of_noise,
    local_rms,
    null_thresholds,
    score_blocks,
)


def _residual(**options):
    image = crystal_image(**options)
    return lattice_residual(sample(image.pixels, image.cells))


def test_white_noise_has_a_score_of_one():
    noise = np.random.default_rng(1).normal(size=(200, 200)).astype(np.float32)
    assert np.median(local_rms(noise, 5.0)) == pytest.approx(1, rel=0.02)


def test_contrast_and_dose_do_not_change_the_scale_of_the_score():
    medians = []
    for counts in (20, 200):
        (scores,) = score_blocks(_residual(counts=counts), 3.0)
        medians.append(float(np.median(scores.point)))
    np.testing.assert_allclose(medians, 1, atol=0.12)


@pytest.mark.parametrize("seed", range(3))
def test_a_perfect_crystal_hardly_exceeds_the_threshold(seed):
    residual = _residual(seed=seed, size=320)
    limits = null_thresholds(residual)
    (scores,) = score_blocks(residual, 3.0)
    assert scores.point.max() < 1.25 * limits.point
    assert scores.extended.max() < 1.25 * limits.extended


def test_defects_do_not_raise_the_threshold():
    plain, defective = (null_thresholds(_residual(missing=count)) for count in (0, 8))
    assert defective.point < 1.2 * plain.point


def test_missing_columns_exceed_the_threshold_with_a_negative_mean():
    image = crystal_image(missing=8)
    residual = lattice_residual(sample(image.pixels, image.cells))
    (scores,) = score_blocks(residual, 3.0)
    y, x = np.rint(residual.sampled.to_samples(image.defects)).astype(int).T
    assert (scores.point[y, x] > null_thresholds(residual).point).all()
    assert (scores.mean[y, x] < 0).all()


def test_blocks_agree_with_the_whole_image(monkeypatch):
    residual = _residual(size=320, missing=6)
    (whole,) = score_blocks(residual, 3.0)
    monkeypatch.setattr(residual_module, "_FIT_PIXELS", 1)
    monkeypatch.setattr(residual_module, "_BLOCK_ROWS", 60)
    parts = list(score_blocks(residual, 3.0))
    assert len(parts) > 2
    joined = np.concatenate([part.point for part in parts])
    np.testing.assert_allclose(joined, whole.point, atol=5e-3)
    lines = np.concatenate([part.line for part in parts])
    np.testing.assert_allclose(lines, whole.line, atol=0.02)


def test_a_known_residual_gives_the_same_scores():
    residual = _residual(missing=3)
    (first,) = score_blocks(residual, 3.0)
    (second,) = score_blocks(residual, 3.0, residual.rows(slice(0, residual.shape[0])))
    np.testing.assert_array_equal(first.point, second.point)


def test_noise_exceeds_a_limit_as_often_as_expected():
    found = []
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(size=(160, 160)).astype(np.float32)
        score = local_rms(noise, 2.0)
        limit = highest_of_noise(local_rms(noise[::-1].T.copy(), 2.0), 1.0, 0.5)
        found.append(float(score.max()) > limit)
    assert 0.2 < np.mean(found) < 0.6
