"""Gaussian fits find place, size and direction of a peak, and refuse what is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_stem_defects.lattice import gaussian_peak
from napari_stem_defects.lattice.gaussian_peak import Peak, fit_peak

GRID = np.mgrid[-10:11, -10:11].astype(float)


def ellipse(place: tuple[float, float], angle_deg: float, long: float, short: float) -> np.ndarray:
    y, x = GRID[0] - place[0], GRID[1] - place[1]
    sine, cosine = np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))
    along, across = y * sine + x * cosine, y * cosine - x * sine
    return np.asarray(np.exp(-((along / long) ** 2 + (across / short) ** 2) / 2))


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 140.0])
def test_the_long_axis_is_found(angle: float) -> None:
    found = fit_peak(5 * ellipse((0.3, -0.6), angle, 3.5, 2.0), Peak(0, 0, 4, 2.5), ground=True)
    assert found is not None
    assert (found.y, found.x, found.height) == pytest.approx((0.3, -0.6, 5.0), abs=0.01)
    assert found.sigma == pytest.approx(np.sqrt(3.5 * 2.0), rel=0.01)
    direction = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    assert abs(direction @ np.array(found.long_axis)) == pytest.approx(3.5, rel=0.01)


def test_what_is_no_peak_there_is_refused() -> None:
    deficit = -ellipse((0, 0), 0, 2, 2)
    assert fit_peak(deficit, Peak(0, 0, 1, 2), ground=False) is None
    assert fit_peak(deficit, Peak(0, 0, -1, 2), ground=False) is not None
    assert fit_peak(ellipse((9, 9), 0, 2, 2), Peak(0, 0, 1, 2), ground=True) is None


@pytest.mark.parametrize("ground", [True, False])
def test_the_derivatives_of_a_fit_are_those_of_its_residual(
    ground: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MINPACK checks them against differences, at a place that is no solution."""
    rng = np.random.default_rng(3)
    seen: list[float] = []
    solve = gaussian_peak.optimize.leastsq

    def compare(residual: Any, start: Any, *, Dfun: Any, **options: Any) -> Any:
        place = np.asarray(start) + rng.normal(0, 0.1, len(start))
        exact, step = Dfun(place), 1e-6
        for number, row in enumerate(exact):
            aside = np.eye(len(place))[number] * step
            change = (residual(place + aside) - residual(place - aside)) / (2 * step)
            seen.append(float(np.abs(change - row).max()))
        return solve(residual, start, Dfun=Dfun, **options)

    monkeypatch.setattr(gaussian_peak.optimize, "leastsq", compare)
    y, x = np.mgrid[-10:11, -10:11]
    image = 3 * np.exp(-((y - 0.4) ** 2 + (x + 0.7) ** 2) / 8) + 0.5 * ground
    guess = Peak(0.0, 0.0, 2.0, 2.0)
    found = fit_peak(image, guess, ground=ground)
    assert found is not None
    assert (found.y, found.x) == pytest.approx((0.4, -0.7), abs=1e-3)
    assert len(seen) >= 6
    assert max(seen) < 1e-7
