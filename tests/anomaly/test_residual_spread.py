"""The spread of a residual."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.anomaly.residual_spread import high_line, measure_spread


def magnitudes(seed=0):
    noise = np.random.default_rng(seed).normal(0, 3, (120, 160)).astype(np.float32)
    return np.abs(noise)


def test_the_spread_is_that_of_the_noise_whatever_a_few_values_are():
    values = magnitudes()
    values[60, 80] = 1e6
    found = measure_spread([values], [slice(0, 120)], 8)
    assert found.inner == pytest.approx(3, rel=0.05)
    assert [len(each) for each in found.gains] == [8, 8, 8, 8]


def test_a_spread_that_grows_towards_a_border_is_stated_there():
    values = magnitudes()
    values[:4] *= 3
    upper, lower, *_ = measure_spread([values], [slice(0, 120)], 8).gains
    assert upper[:4].min() > 2
    assert lower.max() < 1.6


def test_what_is_blocked_does_not_count():
    values = magnitudes()
    blocked = np.zeros(values.shape, bool)
    blocked[30:100] = True
    values[blocked] = 1000
    assert measure_spread([values], [slice(0, 120)], 8, blocked).inner == pytest.approx(3, rel=0.1)


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 60), slice(0, 120)])
def test_blocked_rows_leave_a_finite_spread(rows):
    blocked = np.zeros((120, 160), bool)
    blocked[rows] = True
    found = measure_spread([magnitudes()], [slice(0, 120)], 8, blocked)
    assert found.inner == pytest.approx(3, rel=0.1)
    assert all(np.isfinite(gain).all() for gain in found.gains)


def test_lines_through_columns_are_no_excess_next_to_the_border():
    """In an image with hardly any noise, most of the residual is that of columns."""
    values = magnitudes() / 100
    values[::6] += 3
    values[0] *= 2
    upper, lower, left, right = measure_spread(
        [values], [slice(0, 120)], 8, unlike_lines=True
    ).gains
    assert upper[0] > 1.8
    assert max(each.max() for each in (upper[1:], lower, left, right)) < 1.6
    assert high_line(np.quantile(values, 0.25, axis=1)) > 2.9
