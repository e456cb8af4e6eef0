"""Two columns that are not resolved are found by a joint fit, each at its place."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.lattice import column_pair
from napari_stem_defects.lattice.column_pair import ColumnPair, fit_pair
from napari_stem_defects.lattice.gaussian_peak import Peak, fit_peak

GRID = np.mgrid[-14:15, -14:15].astype(float)
SIGMA = 2.3


def columns(*each: tuple[float, float, float], sigma: float = SIGMA) -> np.ndarray:
    """Return an image of columns: y, x and height."""
    return 0.4 + sum(
        h * np.exp(-((GRID[0] - y) ** 2 + (GRID[1] - x) ** 2) / (2 * sigma**2)) for y, x, h in each
    )


def fitted(image: np.ndarray) -> tuple[Peak, ColumnPair | None]:
    y, x = np.unravel_index(image.argmax(), image.shape)
    peak = fit_peak(image, Peak(y - 14.0, x - 14.0, 1.0, 2.0), ground=True)
    assert peak is not None
    long = np.array(peak.long_axis)
    short = peak.sigma**2 / np.hypot(*long)
    return peak, fit_pair(image, np.array([peak.y, peak.x]), long, short)


@pytest.mark.parametrize("distance", [4.5, 6.0])
@pytest.mark.parametrize("ratio", [0.6, 1.0])
def test_both_columns_are_found_where_one_peak_is_seen(distance: float, ratio: float) -> None:
    """With noise of 1 % of the column, to a tenth of a px; the peak itself lies elsewhere."""
    step = distance / 2 * np.array([np.sin(0.7), np.cos(0.7)])
    middle = np.array([0.4, -0.3])
    noise = np.random.default_rng(5).normal(0, 0.01, GRID.shape[1:])
    image = columns((*(middle + step), ratio), (*(middle - step), 1.0)) + noise
    peak, pair = fitted(image)
    assert pair is not None
    np.testing.assert_allclose(pair.middle, middle, atol=0.1)
    assert pair.distance_px == pytest.approx(distance, abs=0.25)
    assert sorted(pair.heights)[0] / max(pair.heights) == pytest.approx(ratio, abs=0.08)
    assert pair.sigma == pytest.approx(SIGMA, rel=0.05)
    if ratio < 1:
        assert np.hypot(peak.y - middle[0], peak.x - middle[1]) > 0.3


def test_what_was_lost_is_ascribed_to_its_column() -> None:
    image = columns((3.0, 0.0, 0.9), (-3.0, 0.0, 1.0))
    _, pair = fitted(image)
    assert pair is not None
    upper = int(pair.places[:, 0].argmin())
    one = columns((3.0, 0.0, 0.9), (-3.0, 0.0, 0.2)) - image
    lost, *_ = pair.lost(one[None])
    assert (lost[upper], lost[1 - upper]) == pytest.approx((0.8, 0.0), abs=0.02)
    both = columns((3.0, 0.0, 0.45), (-3.0, 0.0, 0.5)) - image
    assert pair.lost(both[None])[0] == pytest.approx(np.array([0.5, 0.5]), abs=0.02)


def test_a_round_column_and_a_resolved_one_are_no_pair() -> None:
    assert fitted(columns((0.2, 0.1, 1.0)))[1] is None
    assert fitted(columns((0.0, 0.0, 1.0), (11.0, 0.0, 1.0)))[1] is None


def test_a_peak_at_the_corner_of_the_window_has_too_few_pixels_for_a_pair() -> None:
    image = columns((14.0, 14.0, 1.0))
    assert fit_pair(image, np.array([15.0, 15.0]), np.array([1.5, 0.0]), 0.9) is None


@pytest.mark.parametrize("logarithm", [-800.0, 800.0])
def test_a_fit_that_ends_without_a_width_is_no_pair(
    monkeypatch: pytest.MonkeyPatch, logarithm: float
) -> None:
    """As a fit to noise does, rarely: the width of its columns underflows or overflows."""
    ended = np.array([1.0, 0.0, -1.0, 0.0, 1.0, 1.0, logarithm, 0.0])
    monkeypatch.setattr(column_pair.optimize, "leastsq", lambda *_, **__: (ended, None))
    image = columns((2.5, 0.0, 1.0), (-2.5, 0.0, 1.0))
    assert fit_pair(image, np.zeros(2), np.array([3.5, 0.0]), SIGMA) is None
