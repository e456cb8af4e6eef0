"""The part of a residual from which its noise is modelled."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.anomaly.clear_part import clear_part, clear_strips


def test_without_blocked_samples_it_is_the_middle():
    part = clear_part((100, 40), (20, 60), None)
    assert (part.rows, part.columns) == (slice(40, 60), slice(0, 40))
    assert part.share == 1
    values = np.ones((20, 40), np.float32)
    assert part.masked(values) is values


def test_it_has_the_fewest_blocked_samples_and_is_near_the_middle():
    blocked = np.zeros((100, 100), bool)
    blocked[:, :70] = True
    part = clear_part((100, 100), (20, 20), blocked)
    assert part.rows == slice(40, 60)
    assert part.columns == slice(70, 90)
    assert part.share == 1


def test_gaps_do_not_change_the_mean_square():
    rng = np.random.default_rng(0)
    blocked = np.zeros((100, 100), bool)
    blocked[:, :60] = True
    part = clear_part((100, 100), (100, 100), blocked)
    values = rng.normal(size=(100, 100)).astype(np.float32)
    masked = part.masked(values)
    assert not masked[:, :60].any()
    assert np.square(masked).mean() == pytest.approx(np.square(values[:, 60:]).mean(), rel=1e-5)


def test_a_part_with_hardly_any_crystal_is_taken_as_it_is():
    blocked = np.ones((50, 50), bool)
    blocked[0, 0] = False
    assert clear_part((50, 50), (50, 50), blocked).clear is None


def test_strips_lie_where_the_crystal_is():
    assert clear_strips((100, 20), 2000) == [slice(0, 100)]
    even = clear_strips((1000, 20), 6000)
    assert [strip.start for strip in even] == [0, 187, 374, 561, 748, 936]
    blocked = np.ones((1000, 20), bool)
    blocked[400:640] = False
    strips = clear_strips((1000, 20), 6000, blocked)
    assert (strips[0].start, strips[-1].stop) == (0, 1000)
    assert all(400 <= strip.start and strip.stop <= 640 for strip in strips[1:-1])
    assert len(clear_strips((1000, 20), 6000, np.ones((1000, 20), bool))) == 6
