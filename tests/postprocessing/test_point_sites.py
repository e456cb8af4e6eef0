"""Sites of point defects: one per column, whatever the step between windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from probability_maps import HALF, blank_map, bump, count_components, draw_masks

from napari_stem_defects.postprocessing.point_sites import find_sites

SIZE = 320


@settings(deadline=None, max_examples=40)
@given(
    stride=st.integers(2, 16),
    seed=st.integers(0, 2**32 - 1),
    offset=st.tuples(st.floats(0, 16), st.floats(0, 16)),
)
def test_the_count_does_not_depend_on_the_step(
    stride: int, seed: int, offset: tuple[float, float]
) -> None:
    """A noisy plateau of the label extent around each column, at every step and position."""
    rng = np.random.default_rng(seed)
    columns = [(y + offset[0], x + offset[1]) for y in (60, 130, 200) for x in (60, 140, 220)]
    found = blank_map("Bulk", "Vacancy_CdTe", shape=(SIZE, SIZE), stride=stride)
    for y, x in columns:
        away = np.hypot(found.y[:, None] - y, found.x[None] - x)
        # Within half the diagonal of the coarsest step a window is always near enough.
        dips = rng.uniform(0.0, 0.6, away.shape) * (rng.random(away.shape) < 0.2)
        value = np.where(away <= 11.4, 0.98 - dips * (away > 0.75 * stride), 0.0)
        found.probability[1] = np.maximum(found.probability[1], value)
    _, masks = draw_masks(found, (SIZE, SIZE), HALF, separation_px=23.0)
    assert count_components(masks[0]) == len(columns)


@pytest.mark.parametrize("distance", [12, 40])
def test_peaks_within_the_separation_are_one_defect(distance: int) -> None:
    found = blank_map("Bulk", "Vacancy_CdTe", stride=2)
    found.probability[1] = np.maximum(bump(found, 80, 60, 3), bump(found, 80, 60 + distance, 3))
    _, masks = draw_masks(found, (160, 200), HALF, separation_px=16)
    assert count_components(masks[0]) == (1 if distance < 16 else 2)
    assert masks[0, 80, 60]
    assert masks[0, 80, 60 + distance]


def test_the_site_is_where_the_evidence_is() -> None:
    found = blank_map("Vacancy_CdTe", stride=2)
    values = np.maximum(0.9 * bump(found, 80, 60, 6), 0.95 * bump(found, 80, 73, 1.5))
    sites = find_sites(found, values, values >= 0.5, 0.2, 16.0)
    assert len(sites.windows) == 1
    y, x = found.y[sites.windows[0, 0]], found.x[sites.windows[0, 1]]
    assert np.hypot(y - 80, x - 60) < 3


def test_without_a_passing_window_there_is_no_site() -> None:
    found = blank_map("Vacancy_CdTe")
    sites = find_sites(found, found.probability[0], found.probability[0] > 0, 0.2, 16.0)
    assert sites.windows.shape == (0, 2)
    assert sites.joined.shape == (0, 2, 2)
