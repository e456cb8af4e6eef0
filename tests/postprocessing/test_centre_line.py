"""Centre lines of bands of known length, direction and shape."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_stem_defects.postprocessing.centre_line import centre_line, direction_deg

Mask = NDArray[np.bool_]


def band(angle_deg: float, length: float, width: float, size: int = 300) -> Mask:
    """Return a straight band through the middle; the angle is counter-clockwise from x."""
    y, x = np.mgrid[:size, :size] - size / 2 + 0.3
    angle = np.deg2rad(angle_deg)
    along, across = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    found: Mask = (abs(along) <= length / 2) & (abs(across) <= width / 2)
    return found


def length_of(line: NDArray[np.float64]) -> float:
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


@given(
    st.floats(0, 180), st.sampled_from([(200.0, 16.0), (240.0, 40.0), (60.0, 16.0), (40.0, 30.0)])
)
def test_a_straight_band_has_its_length_and_direction(
    angle_deg: float, shape: tuple[float, float]
) -> None:
    length, width = shape
    line = centre_line(band(angle_deg, length, width))
    assert length_of(line) == pytest.approx(length, abs=2.5)
    away = abs(direction_deg(line) - angle_deg) % 180
    assert min(away, 180 - away) < (3 if length > 2 * width else 12)


def test_an_arc_is_as_long_as_its_middle() -> None:
    y, x = np.mgrid[:300, :300]
    arc = abs(np.hypot(y - 300, x) - 200) < 10
    line = centre_line(arc)
    assert length_of(line) == pytest.approx(200 * np.pi / 2, abs=3)
    np.testing.assert_allclose(np.hypot(line[:, 0] - 300, line[:, 1]), 200, atol=3)
    # Its ends are (100, 0) and (300, 200): the chord falls to the right.
    assert direction_deg(line) == pytest.approx(135, abs=2)


def test_a_branch_does_not_lengthen_or_bend_a_band() -> None:
    mask = band(20, 200, 16)
    mask[140:175, 150:160] = True
    line = centre_line(mask)
    assert length_of(line) == pytest.approx(200, abs=3)
    assert direction_deg(line) == pytest.approx(20, abs=2)


def test_single_invalid_pixels_do_not_matter() -> None:
    mask = band(35, 220, 24)
    mask &= np.random.default_rng(0).random(mask.shape) > 0.02
    line = centre_line(mask)
    assert length_of(line) == pytest.approx(220, abs=5)


def test_the_steps_of_windows_do_not_lengthen_a_band() -> None:
    coarse = np.kron(band(30, 25, 3, size=60), np.ones((8, 8), bool))
    assert length_of(centre_line(coarse)) == pytest.approx(200, abs=10)


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (1, 50), (3, 3), (40, 5)])
def test_a_row_of_n_pixels_is_n_long(shape: tuple[int, int]) -> None:
    line = centre_line(np.ones(shape, bool))
    assert length_of(line) == pytest.approx(max(shape), abs=0.05)


def test_the_line_starts_at_the_upper_then_left_end() -> None:
    for mask in (band(0, 100, 10), band(90, 100, 10), band(45, 100, 10), band(135, 100, 10)):
        line = centre_line(mask)
        assert tuple(np.round(line[0], 1)) <= tuple(np.round(line[-1], 1))


@given(st.integers(0, 2**32 - 1))
def test_any_connected_region_has_a_line_within_it(seed: int) -> None:
    """Random walks of any shape: the line is finite and stays near the region."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-1, 2, (rng.integers(1, 120), 2)).cumsum(axis=0)
    mask = np.zeros(np.ptp(steps, axis=0) + 1, bool)
    mask[tuple((steps - steps.min(axis=0)).T)] = True
    line = centre_line(mask)
    assert np.isfinite(line).all()
    assert len(line) >= 2
    assert (line >= -0.75).all()
    assert (line <= np.array(mask.shape) - 0.25).all()
    assert length_of(line) <= 1.5 * mask.sum() + 1
    assert 0 <= direction_deg(line) < 180
