"""What few clicks on a line repeat along it."""

from __future__ import annotations

import numpy as np
import pytest
from line_in_noise import ROW, SAMPLES, WEIGHT, line_examples, noise_with_line

from napari_stem_defects.matched_filter.along_lines import (
    COPIES,
    Line,
    beside_lines,
    repeated_along,
)
from napari_stem_defects.matched_filter.templates import cut_pattern


@pytest.mark.parametrize("x", [3.0, 150.0, 296.0])
def test_a_faint_line_is_averaged_along_the_vector_it_repeats_by(x):
    image = noise_with_line(1.4)
    (found,) = repeated_along(line_examples(image, [(ROW + 1.0, x)]), WEIGHT)
    np.testing.assert_array_equal(np.abs(found.line.vector), [0, 7])
    radius = WEIGHT.shape[0] // 2
    clean = cut_pattern(
        noise_with_line(1.4) - noise_with_line(0.0), np.array([ROW + 1.0, x]), radius
    )
    if x == 150.0:
        mean = cut_pattern(found.values, found.at, radius)
        single = cut_pattern(image, np.array([ROW + 1.0, x]), radius)
        error, before = ((WEIGHT * (each - clean) ** 2).sum() for each in (mean, single))
        assert error < 2 / COPIES * before


@pytest.mark.parametrize("seed", range(6))
def test_noise_repeats_nothing(seed):
    at = [tuple(np.random.default_rng(seed).uniform(20, 280, 2))]
    assert repeated_along(line_examples(noise_with_line(0.0, seed=seed), at), WEIGHT) == []


def test_a_strong_line_that_bends_does_not_repeat():
    assert (
        repeated_along(line_examples(noise_with_line(4.0, wavy=9.0), [(ROW, 150.0)]), WEIGHT) == []
    )


def test_most_clicks_must_repeat():
    on, off = [(ROW, 60.0), (ROW, 150.0)], [(30.0, 60.0), (250.0, 99.0)]
    image = noise_with_line(1.2)
    assert len(repeated_along(line_examples(image, on + off[:1]), WEIGHT)) == 2
    assert repeated_along(line_examples(image, on + off), WEIGHT) == []


def test_without_the_lattice_nothing_is_averaged():
    assert (
        repeated_along(line_examples(noise_with_line(2.0), [(ROW, 99.0)], known=False), WEIGHT)
        == []
    )


def test_beside_a_line_there_is_as_much_power_as_before():
    image = noise_with_line(0.0)
    left = beside_lines(image, [Line(np.array([150.0, 9.0]), np.array([0.0, 7.0]))], SAMPLES)
    assert not left[142:159].any()
    assert np.square(left).mean() == pytest.approx(np.square(image).mean(), rel=0.05)
    many = [Line(np.array([y, 9.0]), np.array([0.0, 7.0])) for y in range(0, 300, 25)]
    assert beside_lines(image, many, SAMPLES) is image
