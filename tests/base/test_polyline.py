"""Length of polylines."""

from __future__ import annotations

import pytest

from napari_stem_defects.base.polyline import polyline_length


def test_the_length_is_the_sum_of_the_segments() -> None:
    assert polyline_length([(0, 0), (3, 4), (3, 10)]) == pytest.approx(11)
    assert polyline_length([(1, 1)]) == polyline_length([]) == 0
