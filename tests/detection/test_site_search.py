"""The place of most evidence is found from wherever a scan meets the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.detection.site_search import best_of_nine, find_maxima

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.detection.site_search import Evidence

SPACING, LIMIT = 4.0, 0.85
PEAK = np.array((40.3, 55.8))


class Hill:
    """Evidence with one maximum, as around a defect: a paraboloid that levels off far below."""

    def __init__(self, height: float) -> None:
        self.height, self.asked = height, 0

    def __call__(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        self.asked += len(at)
        away = ((at - PEAK) ** 2 / (9.0, 12.0)).sum(axis=1)
        return np.maximum(self.height - away, -12.0)


def faint(starts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logits of a scan that saw next to nothing."""
    return np.full(len(starts), LIMIT - 9)


def starts_around(radius: float) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    return PEAK + radius * np.stack([np.sin(angle), np.cos(angle)], axis=1)


@pytest.mark.parametrize("radius", [0.0, 2.0, 4.0])
def test_the_decision_does_not_depend_on_the_start(radius: float) -> None:
    """Without the search, the logits of these starts differ by up to 1.8 around the threshold."""
    hill = Hill(LIMIT + 3.2)
    centred = find_maxima(PEAK[None], faint(PEAK[None]), SPACING, LIMIT, hill).logits[0]
    assert LIMIT < centred < LIMIT + 2
    starts = starts_around(radius)
    found = find_maxima(starts, faint(starts), SPACING, LIMIT, hill)
    np.testing.assert_allclose(found.places, np.tile(PEAK, (8, 1)), atol=1e-6)
    np.testing.assert_allclose(found.logits, centred, atol=1e-6)


def test_a_hill_that_is_no_paraboloid_is_climbed_to_its_top() -> None:
    """One parabola ends up to 2.3 px away, and the logits of these starts differ by 1.2."""

    def bent(at: NDArray[np.float64]) -> NDArray[np.float64]:
        along, across = (at - PEAK).T
        return LIMIT + 3 - (along**2 + (across - 0.12 * along**2) ** 2) / 6

    starts = starts_around(5.0)
    found = find_maxima(starts, faint(starts), SPACING, LIMIT, bent)
    assert np.hypot(*(found.places - found.places.mean(axis=0)).T).max() < 0.5
    assert np.ptp(found.logits) < 0.1


def test_what_is_clear_is_not_evaluated_again() -> None:
    """The height of its maximum, by the parabola, is right all the same."""
    start = PEAK + np.array((1.0, 0.0))
    for height, looks in ((LIMIT + 9.0, 5), (LIMIT - 1.0, 5), (LIMIT + 2.0, 10)):
        hill = Hill(height)
        found = find_maxima(start[None], faint(start[None]), SPACING, LIMIT, hill)
        np.testing.assert_allclose(found.places[0], PEAK if looks == 10 else start, atol=1e-6)
        assert hill.asked == looks
        assert found.logits[0] == pytest.approx(height - 0.4 * SPACING**2 * (1 / 9 + 1 / 12))
    hopeless = Hill(LIMIT - 9.0)
    found = find_maxima(start[None], faint(start[None]), SPACING, LIMIT, hopeless)
    np.testing.assert_array_equal(found.places[0], start)
    assert hopeless.asked == 1


def test_what_the_scan_saw_decides_what_is_looked_at_together_and_nothing_else() -> None:
    starts, calls = np.concatenate([starts_around(2.0), starts_around(9.0)]), list[int]()
    hill = Hill(LIMIT + 3.2)

    def evidence(at: NDArray[np.float64]) -> NDArray[np.float64]:
        calls.append(len(at))
        return hill(at)

    apart = find_maxima(starts, faint(starts), SPACING, LIMIT, evidence)
    asked, hill.asked = hill.asked, 0
    calls.clear()
    promising = np.where(np.arange(16) < 8, LIMIT + 5.0, LIMIT - 9.0)
    together = find_maxima(starts, promising, SPACING, LIMIT, evidence)
    np.testing.assert_array_equal(together.places, apart.places)
    np.testing.assert_array_equal(together.logits, apart.logits)
    assert hill.asked == asked
    assert calls[:2] == [8 * 5, 8]


def test_a_slope_is_followed_no_further_than_the_neighbours() -> None:
    def slope(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return LIMIT + 0.1 * (at - 50).sum(axis=1)

    start = np.array([(50.0, 50.0)])
    found = find_maxima(start, faint(start), SPACING, LIMIT, slope)
    np.testing.assert_allclose(found.places[0], (54.0, 54.0))
    assert found.logits[0] == pytest.approx(LIMIT + 0.8)


def test_no_start_no_maximum() -> None:
    def never(at: NDArray[np.float64]) -> NDArray[np.float64]:
        assert not len(at)
        return np.zeros(0)

    found = find_maxima(np.zeros((0, 2)), np.zeros(0), SPACING, LIMIT, never)
    assert found.places.shape == (0, 2)
    assert found.logits.shape == (0,)


def test_the_best_of_nine_is_nearest_to_the_maximum() -> None:
    evidence: Evidence = Hill(0.0)
    best = best_of_nine(PEAK[None] + (6.0, -6.0), 5.0, evidence)
    np.testing.assert_allclose(best[0], PEAK + np.array((1.0, -1.0)))
