"""The Hotelling observer against what sites show by chance."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.matched_filter.observer import hotelling_observer

EDGE = 9
FLAT = np.ones((EDGE, EDGE), np.float32)


def _pattern(seed: int, sigma: float = 1.5) -> np.ndarray:
    y, x = np.mgrid[:EDGE, :EDGE] - EDGE // 2
    phase = np.random.default_rng(seed).uniform(0, 2 * np.pi)
    waves = np.cos(0.9 * (y * np.sin(phase) + x * np.cos(phase)))
    return (waves * np.exp(-(y**2 + x**2) / (2 * sigma**2))).astype(np.float32)


def _sites(change: np.ndarray, varied: float, defects: int = 0) -> np.ndarray:
    """Return what 600 sites show: white noise, and a pattern that varies much by chance."""
    rng = np.random.default_rng(0)
    shown = rng.normal(0, 0.1, (600, EDGE, EDGE))
    shown += rng.normal(0, varied, (600, 1, 1)) * _pattern(5)
    shown[:defects] += change
    return shown.astype(np.float32)


def _responses(observer: np.ndarray, shown: np.ndarray) -> np.ndarray:
    return np.asarray((observer * shown).sum(axis=(1, 2)))


@pytest.mark.parametrize("clicks", [1, 20])
def test_the_change_itself_has_a_response_of_one(clicks):
    change = _pattern(1)
    observer = hotelling_observer(_sites(change, 1.0), change, FLAT, clicks)
    assert observer.shape == change.shape
    assert float((observer * change).sum()) == pytest.approx(1, abs=0.05)


def test_what_varies_by_chance_counts_less():
    """The spread of the perfect sites, in units of the response to a defect, is smaller."""
    change = _pattern(1) + 0.5 * _pattern(5)
    shown = _sites(change, 1.0)
    plain = change / (change**2).sum()
    observer = hotelling_observer(shown, change, FLAT, 50)
    assert _responses(observer, shown).std() < 0.5 * _responses(plain, shown).std()


def test_defects_among_the_sites_do_not_hide_themselves():
    """A tenth of the sites are defects, whose change is taken for no chance variation."""
    change = _pattern(1)
    shown = _sites(change, 0.3, defects=60)
    observer = hotelling_observer(shown, change, FLAT, 50)
    found = _responses(observer, shown)
    assert np.median(found[:60]) == pytest.approx(1, abs=0.1)
    assert found[:60].min() > found[60:].max()


def test_noise_of_a_single_click_is_not_enlarged():
    """The observer of one click is nearly the change, that of many fits the covariance."""
    change = _pattern(1)
    shown = _sites(change, 1.0)
    one, many = (hotelling_observer(shown, change, FLAT, clicks) for clicks in (1, 200))

    def likeness(observer):
        product = float((observer * change).sum())
        return product / float(np.sqrt((observer**2).sum() * (change**2).sum()))

    assert likeness(one) > likeness(many)


def test_places_without_weight_do_not_count():
    change, weight = _pattern(1), FLAT.copy()
    weight[:, : EDGE // 2] = 0
    observer = hotelling_observer(_sites(change, 1.0), change, weight, 5)
    np.testing.assert_array_equal(observer[:, : EDGE // 2], 0)
