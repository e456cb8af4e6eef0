"""Drift of simulated movies, to 0.1 px."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_movies import Movie, simulate_movie

from napari_stem_defects.tracking.drift import Drift, measure_drift


def measured(movie: Movie, vectors: bool = True) -> Drift:
    return measure_drift(
        lambda frame: movie.frames[frame],
        range(len(movie.frames)),
        movie.vectors_px if vectors else None,
    )


@pytest.mark.parametrize(
    ("angle_deg", "speed_px", "counts"),
    [
        (90.0, (0.7, -0.4), 60.0),
        (60.0, (-0.3, 0.2), 60.0),
        (70.5, (0.0, 0.0), 20.0),
        (90.0, (5.0, 2.0), 60.0),  # 270 px: further than the reference frame reaches
    ],
)
def test_drift_is_right_to_a_tenth_of_a_pixel(
    angle_deg: float, speed_px: tuple[float, float], counts: float
) -> None:
    movie = simulate_movie(50, angle_deg=angle_deg, speed_px=speed_px, counts=counts, seed=3)
    found = measured(movie)
    errors = np.linalg.norm(found.shift_px - movie.drift_px, axis=1)
    assert errors.max() < 0.1
    assert found.shift_px[0].tolist() == [0, 0]
    assert found.correlation[0] == 1
    assert found.correlation.min() > 0.5


def test_the_lattice_decides_between_equivalent_shifts() -> None:
    """Without defects, a perfect crystal looks the same after a lattice vector."""
    movie = simulate_movie(12, vacancies=0, speed_px=(6.0, 0.0), wander_px=0.1, seed=1)
    errors = np.linalg.norm(measured(movie).shift_px - movie.drift_px, axis=1)
    assert errors.max() < 0.1


def test_without_a_lattice_drift_is_measured_too() -> None:
    movie = simulate_movie(10, seed=5)
    errors = np.linalg.norm(measured(movie, vectors=False).shift_px - movie.drift_px, axis=1)
    assert errors.max() < 0.1


@pytest.mark.parametrize("shape", [(255, 255), (255, 256), (181, 240)])
def test_frames_of_odd_sizes_drift_like_those_of_even_ones(shape: tuple[int, int]) -> None:
    """The middle of a correlation lies on a pixel at odd sizes, too."""
    movie = simulate_movie(12, seed=5)
    cropped = movie.frames[:, : shape[0], : shape[1]]
    found = measure_drift(lambda frame: cropped[frame], range(12), movie.vectors_px)
    assert np.linalg.norm(found.shift_px - movie.drift_px, axis=1).max() < 0.1


def test_each_frame_is_read_once_and_in_order() -> None:
    movie = simulate_movie(6, size=96, vacancies=2)
    read: list[int] = []

    def read_frame(frame: int) -> np.ndarray:
        read.append(frame)
        return movie.frames[frame]

    done: list[int] = []
    found = measure_drift(read_frame, [0, 2, 5], movie.vectors_px, done.append)
    assert read == [0, 2, 5]
    assert done == [2, 3]
    assert found.frames == (0, 2, 5)
    np.testing.assert_allclose(found.shift_px, movie.drift_px[[0, 2, 5]], atol=0.15)


def test_flat_frames_have_no_drift() -> None:
    flat = np.full((64, 64), 7, np.float32)
    found = measure_drift(lambda _: flat, range(3))
    assert np.isfinite(found.shift_px).all()
    assert found.correlation.tolist() == [1, 0, 0]
