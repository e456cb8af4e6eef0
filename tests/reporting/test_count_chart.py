"""The chart of counts over time."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.reporting.count_chart import count_chart
from napari_stem_defects.statistics.rates import Observed, rate
from napari_stem_defects.tracking.histories import FrameCount


def counts(name: str, values: list[int]) -> list[FrameCount]:
    rates = {value: rate([Observed((1.0,) * value, 1.0)]) for value in set(values)}
    return [FrameCount(frame, name, rates[value]) for frame, value in enumerate(values)]


def test_each_class_found_has_a_panel_in_its_colour() -> None:
    found = [*counts("Vac", [3, 5, 4]), *counts("Add", [1, 0, 2]), *counts("SF1", [0, 0, 0])]
    colours = {"Vac": "#d55e00", "Add": "#0072b2", "SF1": "#009e73"}
    two = count_chart(found, colours, "movie")
    one = count_chart(counts("Vac", [3, 5, 4]), colours, "movie", 0.5)
    none = count_chart(counts("Vac", [0, 0]), colours, "movie")
    assert two.size[0] == one.size[0]
    assert two.size[1] > one.size[1]
    assert none.size[1] == one.size[1]
    pixels = np.asarray(one).reshape(-1, 3).astype(int)
    orange = (abs(pixels - (0xD5, 0x5E, 0x00)) < 40).all(axis=1)
    assert orange.sum() > 100


def test_a_single_frame_and_thousands_can_be_drawn() -> None:
    for length in (1, 3000):
        picture = count_chart(counts("Vac", [2, 3, 4] * (length // 3 or 1)), {}, "movie")
        assert np.asarray(picture).std() > 5
