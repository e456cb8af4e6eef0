"""The linear imaging model renders columns and counts electrons."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_stem_defects.simulation.imaging_model import Imaging, expose, render, row_shifts

SHAPE = (64, 80)
SHARP = Imaging(tail_share=0.0, background=0.0, noise_blur_px=0.0)


def signal(points: list[tuple[float, float]], imaging: Imaging = SHARP) -> np.ndarray:
    return render(np.array(points), np.ones(len(points)), SHAPE, imaging, 0.027, np.zeros(SHAPE[0]))


@pytest.mark.parametrize("place", [(30.0, 40.0), (30.25, 40.75), (31.5, 39.5)])
def test_a_column_appears_at_its_position(place: tuple[float, float]) -> None:
    assert ndimage.center_of_mass(signal([place])) == pytest.approx(place, abs=1e-3)


def test_a_column_looks_the_same_between_pixels() -> None:
    whole, between = signal([(30, 40)]), signal([(30.5, 40.5)])
    assert between.sum() == pytest.approx(whole.sum(), rel=1e-3)
    back = ndimage.shift(between, (-0.5, -0.5), order=5)
    assert np.abs(back - whole).max() < 0.02 * whole.max()


def test_the_probe_has_the_requested_width() -> None:
    row = signal([(30, 40)], Imaging(probe_fwhm_nm=0.2, tail_share=0.0))[30]
    fine = np.interp(np.linspace(0, 79, 7901), np.arange(80), row)
    assert (fine > fine.max() / 2).sum() * 0.01 * 0.027 == pytest.approx(0.2, rel=0.05)


def test_columns_outside_the_image_reach_into_it_but_not_round_it() -> None:
    image = signal([(-2.0, 40.0)])
    assert image[0].max() > 0.1 * image.max() > 0
    assert image[-1].max() < 1e-6


def test_rows_are_shifted_along_x() -> None:
    shift = np.zeros(SHAPE[0])
    shift[30] = 3.0
    image = render(np.array([[30.0, 40.0]]), np.ones(1), SHAPE, SHARP, 0.027, shift)
    assert image[30].argmax() == 43
    assert image[29].argmax() == 40


def test_the_dose_is_the_mean_count_and_the_noise_is_poissons() -> None:
    rng = np.random.default_rng(0)
    counts = expose(np.ones((200, 200)), Imaging(dose=40, noise_blur_px=0), rng)
    assert counts.dtype == np.float32
    assert counts.mean() == pytest.approx(40, rel=0.01)
    assert counts.var() == pytest.approx(40, rel=0.05)


def test_smoothing_below_a_pixel_smooths() -> None:
    rng = np.random.default_rng(0)
    counts = expose(np.ones((200, 200)), Imaging(dose=40, noise_blur_px=0.45), rng)
    assert 0.4 * 40 < counts.var() < 0.8 * 40
    assert counts.mean() == pytest.approx(40, rel=0.01)


def test_nothing_at_all_still_gives_an_image() -> None:
    counts = expose(np.zeros((64, 64)), Imaging(background=0.0), np.random.default_rng(0))
    assert np.isfinite(counts).all()


def test_drift_is_slow_and_jitter_is_not() -> None:
    rng = np.random.default_rng(0)
    drift = row_shifts(rng, 256, Imaging(jitter_px=0, drift_px=1.0))
    jitter = row_shifts(rng, 256, Imaging(jitter_px=1.0, drift_px=0))
    assert np.abs(np.diff(drift)).max() < 0.2
    assert np.ptp(drift) > 0.1
    assert np.std(jitter) == pytest.approx(1.0, rel=0.2)
