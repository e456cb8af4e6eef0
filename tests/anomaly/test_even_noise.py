"""Noise of crystals that are thinner in some places."""

from __future__ import annotations

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.anomaly.even_noise import even_noise
from napari_stem_defects.anomaly.searched_crystal import searched_crystal
from napari_stem_defects.lattice.measurement import measure_lattices

PERIOD = 7.0
SQUARE = [np.array([[PERIOD, 0.0], [0.0, PERIOD]])]
NOWHERE = np.zeros((140, 140), bool)


def _lattice(edge: int = 140, period: float = PERIOD) -> np.ndarray:
    wave = 1 + np.cos(2 * np.pi * np.arange(edge) / period)
    return (wave[:, None] * wave).astype(np.float32) / 4


def _wedge(seed: int, edge: int = 420, period: float = 10.0) -> np.ndarray:
    """Return a crystal that is eight times as thick on one side, with shot noise."""
    rng = np.random.default_rng(seed)
    thick = np.linspace(0.12, 1.0, edge)[:, None]
    return rng.poisson(60 * (0.1 + thick * _lattice(edge, period) ** 2)).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_perfect_wedge_shows_no_line_or_area_and_hardly_a_point(seed: int) -> None:
    survey = sd.survey(sd.Micrograph(_wedge(seed), "wedge.tif"))
    assert not [each for each in survey.candidates if each.kind != "point"]
    assert len(survey.candidates) <= 2  # of noise, about one in two images


def test_noise_of_huge_images_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    wedge = sd.Micrograph(_wedge(0), "wedge.tif")
    even = searched_crystal(wedge, measure_lattices(wedge.pixels).cells).sampled.filtered
    monkeypatch.setattr(f"{searched_crystal.__module__}._LARGE", 1000)
    left = searched_crystal(wedge, measure_lattices(wedge.pixels).cells).sampled.filtered
    assert np.abs(even[:60]).mean() < 0.8 * np.abs(left[:60]).mean()


def test_missing_columns_of_a_wedge_are_found_in_its_thick_and_its_middle_part() -> None:
    image = _wedge(2)
    places = [(200, 150), (300, 290), (370, 120)]
    rng = np.random.default_rng(3)
    for y, x in places:
        image[y - 4 : y + 5, x - 4 : x + 5] = rng.poisson(6.0, (9, 9))
    found = sd.survey(sd.Micrograph(image, "wedge.tif")).candidates
    near = [min(np.hypot(c.y - y, c.x - x) for c in found) for y, x in places]
    assert max(near) < 6


def test_faint_and_noisy_parts_are_attenuated() -> None:
    rng = np.random.default_rng(4)
    noise = np.where(np.arange(140) < 50, 0.3, 0.1)[:, None]
    filtered = (_lattice() + noise * rng.normal(size=(140, 140))).astype(np.float32)
    pixels = filtered * np.where(np.arange(140) < 50, 0.3, 1.0)[:, None].astype(np.float32)
    even = even_noise(filtered, pixels, SQUARE, PERIOD, NOWHERE)
    gain = even / filtered
    assert gain[:20].mean() < 0.6
    assert gain[90:].mean() == pytest.approx(1, abs=0.03)
    assert gain.max() <= 1 + 1e-6


@pytest.mark.parametrize("faint", [False, True])
def test_what_is_only_noisy_or_only_faint_stays(faint: bool) -> None:
    rng = np.random.default_rng(5)
    part = (np.arange(140) < 50)[:, None]
    noise = 0.1 if faint else np.where(part, 0.3, 0.1)
    filtered = (_lattice() + noise * rng.normal(size=(140, 140))).astype(np.float32)
    pixels = filtered * np.where(part & faint, 0.3, 1.0).astype(np.float32)
    even = even_noise(filtered, pixels, SQUARE, PERIOD, NOWHERE)
    assert np.abs(even / filtered - 1).max() < 0.1


def test_a_hole_stays_as_unusual_as_it_is() -> None:
    rng = np.random.default_rng(6)
    filtered = (_lattice() + 0.1 * rng.normal(size=(140, 140))).astype(np.float32)
    filtered[:50] = rng.normal(size=(50, 140))
    pixels = filtered.copy()
    pixels[:50] *= 0.05
    even = even_noise(filtered, pixels, SQUARE, PERIOD, NOWHERE)
    assert np.abs(even[:40] / filtered[:40] - 1).max() < 0.1


def test_small_empty_and_blocked_images_stay() -> None:
    image = _lattice(40)
    assert even_noise(image, image, SQUARE, PERIOD, np.zeros((40, 40), bool)) is image
    image, flat = _lattice(), np.zeros((140, 140), np.float32)
    assert even_noise(image, flat, SQUARE, PERIOD, NOWHERE) is image
    assert even_noise(image, image * 2, SQUARE, PERIOD, ~NOWHERE) is image
