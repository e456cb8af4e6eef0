"""Power and anomaly score of a residual beside its strong defects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.matched_filter.similarity import local_power
from napari_stem_defects.matched_filter.templates import REACH, gaussian_weight
from napari_stem_defects.matched_filter.usual_power import (
    is_selective,
    spreads_beside_strong,
    usual_power,
    without_strong,
)

SAMPLES, ROW = 7.0, 150
WEIGHT = gaussian_weight(SAMPLES, REACH["line"])
VACANCIES = [(y, x) for y in range(15, 290, 30) for x in range(15, 290, 30) if abs(y - ROW) > 14]


def noise(*, line: float = 0.0, height: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return smooth noise with a faint line and strong spots beside it."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(300, 300)), 0.8)
    values /= values.std()
    y, x = np.mgrid[:300, :300]
    values += line * np.exp(-((y - ROW) ** 2) / 50) * np.cos(2 * np.pi * x / SAMPLES)
    for at in VACANCIES:
        values += height * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 8)
    return values.astype(np.float32)


def test_strong_defects_do_not_raise_the_usual_power():
    usual = usual_power(noise(), WEIGHT, SAMPLES)
    assert usual == pytest.approx(float(np.median(local_power(noise(), WEIGHT))), rel=0.03)
    crowded = noise(height=-20.0)
    assert usual_power(crowded, WEIGHT, SAMPLES) == pytest.approx(usual, rel=0.2)
    assert np.median(local_power(crowded, WEIGHT)) > 1.5 * usual


def test_where_nearly_everything_is_strong_all_of_it_counts():
    strong = 30 * noise()
    assert without_strong(strong, SAMPLES) is strong
    expected = float(np.median(local_power(strong, WEIGHT)))
    assert usual_power(strong, WEIGHT, SAMPLES) == pytest.approx(expected)


def test_strong_defects_are_taken_out_with_their_flanks_and_nothing_else():
    image = noise(height=-20.0)
    left = without_strong(image, SAMPLES)
    y, x = VACANCIES[0]
    assert not left[y - 3 : y + 4, x - 3 : x + 4].any()
    assert (left == image).mean() > 0.7
    faint = np.clip(noise(), -3.9, 3.9)
    assert without_strong(faint, SAMPLES) is faint


@pytest.mark.parametrize("height", [0.0, -20.0])
def test_clicks_on_a_faint_line_are_unusual_whatever_else_there_is(height):
    image = noise(line=1.5, height=height)
    on_line = [(image, np.array([ROW, x])) for x in (60.0, 120, 200)]
    off_line = [(image, np.array([ROW + 75, x])) for x in (60.0, 120, 180)]
    assert spreads_beside_strong(on_line, SAMPLES, 0.35) > 2
    assert spreads_beside_strong(off_line, SAMPLES, 0.35) < 2


def test_clicks_on_strong_defects_are_unusual_themselves():
    image = noise(height=-20.0)
    clicks = [(image, np.array(at, float)) for at in VACANCIES[:5]]
    assert spreads_beside_strong(clicks, SAMPLES, 0.35) > 5


def test_a_faint_line_between_strong_defects_is_not_what_is_unusual():
    image = noise(line=1.5, height=-80.0)
    assert not is_selective(1.4, [image], SAMPLES)
    assert is_selective(1.4, [noise(line=1.5)], SAMPLES)
