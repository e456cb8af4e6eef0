"""Scores of a survey that noise does not reach."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, crystal_image
from few_periods import small_image

from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.score import score_blocks
from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.anomaly.survey_limits import Levels, survey_limits
from napari_stem_defects.base.micrograph import Micrograph


def _residual(**options):
    image = crystal_image(**options)
    return lattice_residual(sample(image.pixels, image.cells))


def _whole(residual):
    return residual.rows(slice(0, residual.shape[0]))


def test_the_noise_of_few_electrons_makes_excesses_less_unusual_than_deficits():
    differences = []
    for seed in range(3):
        limits = survey_limits(_residual(seed=seed, size=320, counts=15))
        differences.append(limits.excess - limits.deficit)
    assert np.mean(differences) > 0.05


def test_noise_without_skew_has_one_limit_for_both_signs():
    residual = _residual(size=320)
    noise = np.random.default_rng(0).normal(size=residual.shape).astype(np.float32)
    limits = survey_limits(residual, noise)
    assert limits.deficit == pytest.approx(limits.excess, rel=0.05)


@pytest.mark.parametrize("missing", [8, 20])
def test_defects_do_not_raise_the_limits(missing):
    plain, defective = (survey_limits(_residual(missing=n, size=320)) for n in (0, missing))
    assert defective.deficit < 1.15 * plain.deficit
    assert defective.excess < 1.15 * plain.excess


def test_columns_that_differ_widen_the_limits():
    """Noise with random phases spreads their differences over the whole cell."""
    alike, unlike = (
        [survey_limits(_residual(size=320, unlike=each, seed=seed)) for seed in range(3)]
        for each in (0.0, 0.12)
    )
    assert max(limits.unlike_points for limits in alike) < 1.15
    assert min(limits.unlike_points for limits in unlike) > 1.15
    for limits in unlike:
        assert limits.threshold == pytest.approx(1 + limits.unlike_points * (limits.point - 1))


def test_few_defects_do_not_make_columns_unlike():
    found = [survey_limits(_residual(missing=6, size=320, seed=seed)) for seed in range(3)]
    assert np.mean([limits.unlike_points for limits in found]) < 1.1


def test_the_residual_need_not_be_computed_twice():
    residual = _residual()
    assert survey_limits(residual, _whole(residual)) == survey_limits(residual)


@pytest.mark.parametrize("seed", range(3))
def test_a_perfect_crystal_hardly_exceeds_the_limits(seed):
    residual = _residual(seed=seed, size=320)
    limits = survey_limits(residual)
    (scores,) = score_blocks(residual, limits.point)
    levels = limits.levels(scores, len(scores.point), residual.sampled.samples)
    assert max(float(level.max()) for level in levels) < 1.35
    score = limits.score(levels)
    assert np.median(score) == pytest.approx(1, abs=0.15)
    assert score.max() < 1.25 * limits.point


def test_a_level_of_one_is_the_limit_of_its_sign():
    residual = _residual(missing=4)
    limits = survey_limits(residual)
    (scores,) = score_blocks(residual, limits.point)
    # Next to the border half of each average is missing, and the limit is higher.
    inside = slice(12, -12), slice(12, -12)
    levels = limits.levels(scores, len(scores.point), residual.sampled.samples)
    point, missing = levels.point[inside], scores.mean[inside] < 0
    unusual = scores.point[inside]
    np.testing.assert_array_equal(point[missing] >= 1, unusual[missing] >= limits.deficit)
    np.testing.assert_array_equal(point[~missing] >= 1, unusual[~missing] >= limits.excess)
    edge = levels.point[0, 60], scores.point[0, 60]
    limit = limits.deficit if scores.mean[0, 60] < 0 else limits.excess
    assert edge[0] == pytest.approx((edge[1] - 1) / (limit - 1) / np.sqrt(2), rel=0.06)


def test_evidence_adds_up():
    one, none = np.ones((2, 2), np.float32), np.full((2, 2), -1, np.float32)
    np.testing.assert_allclose(Levels(one, none, none).together(), 1)
    assert (Levels(one, none, one).together() > 1.2).all()
    assert not Levels(none, none, none).together().any()


def test_levels_of_columns_in_a_whole_residual_are_those_of_its_scores():
    residual = _residual()
    limits = survey_limits(residual)
    (scores,) = score_blocks(residual, limits.point)
    samples, height = residual.sampled.samples, residual.shape[0]
    values = residual.rows(slice(0, height))
    np.testing.assert_allclose(
        limits.point_level(values, samples),
        limits.levels(scores, height, samples).point,
        rtol=1e-4,
        atol=1e-4,
    )


SHAPES = [HEXAGONAL, SQUARE, OBLIQUE]


@pytest.mark.parametrize("counts", [0, 8])
def test_few_periods_of_a_perfect_crystal_are_not_unusual(counts):
    """What a prediction leaves of every column is all there is in an image without noise."""
    places, cases = 0, [(shape, periods) for shape in SHAPES for periods in (5, 6.5, 8)]
    for shape, periods in cases:
        image = small_image(shape, periods, counts=counts, seed=round(10 * periods))
        places += len(survey_frame(Micrograph(image.pixels, "crystal")).candidates)
    assert places <= 4


def test_a_scale_bar_makes_few_periods_of_a_perfect_crystal_no_more_unusual():
    places = 0
    for shape in SHAPES:
        pixels = small_image(shape, 8, seed=80).pixels
        bar = np.zeros(pixels.shape, bool)
        bar[-22:-10, 10:60] = True
        places += len(survey_frame(Micrograph(pixels, "crystal", invalid=bar)).candidates)
    assert places <= 1


@pytest.mark.parametrize("counts", [0, 8])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_missing_column_in_few_periods_is_the_first_place(shape, counts):
    for periods in (6.5, 8, 11):
        image = small_image(shape, periods, missing=True, counts=counts, seed=round(10 * periods))
        found = survey_frame(Micrograph(image.pixels, "crystal")).candidates
        assert found
        away = np.hypot(found[0].y - image.missing[0], found[0].x - image.missing[1])
        assert away < image.period / 2
        assert found[0].sign == "deficit"
        assert len(found) <= 3 or not counts  # columns cut by the border stand out without noise
