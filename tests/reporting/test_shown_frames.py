"""Frames that are drawn are spread evenly over a stack."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.reporting.shown_frames import evenly_spaced, frames_to_show


@pytest.mark.parametrize("count", [1, 2, 11, 12, 13, 1000])
def test_frames_shown_are_spread_evenly(count: int) -> None:
    shown = frames_to_show(count)
    assert len(shown) == min(count, 12)
    assert (shown[0], shown[-1]) == (0, count - 1)
    assert np.ptp(np.diff(shown)) <= 1 if count > 1 else shown == [0]


def test_no_place_is_chosen_of_an_empty_list() -> None:
    assert evenly_spaced(0, 50) == []
    assert evenly_spaced(5, 50) == [0, 1, 2, 3, 4]
