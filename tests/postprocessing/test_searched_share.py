"""Share of a frame that was searched."""

from __future__ import annotations

import pytest
from probability_maps import blank_map

from napari_stem_defects.postprocessing.searched_share import (
    NO_PROBABILITY,
    NOT_SEARCHED,
    searched_share,
)

OUTSIDE = {NO_PROBABILITY: NOT_SEARCHED}


@pytest.mark.parametrize("parameters", [{}, OUTSIDE])
def test_windows_without_any_probability_are_no_part_of_it(parameters: dict[str, str]) -> None:
    found = blank_map("Bulk", "Missing", shape=(80, 80))
    found.probability[1, :, 4:] = 0.2
    found.valid[:, 8:] = False
    assert searched_share(found.probability, found.valid, parameters) == pytest.approx(4 / 8)


def test_an_image_outside_of_the_crystal_is_not_searched_but_one_not_recognised_is() -> None:
    found = blank_map("Bulk", "Missing", shape=(80, 80))
    assert searched_share(found.probability, found.valid, {}) == 1
    assert searched_share(found.probability, found.valid, OUTSIDE) == 0
    found.valid[:] = False
    assert searched_share(found.probability, found.valid, OUTSIDE) == 0
