"""Images of two-dimensional lattices: sums of Gaussian columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Motif = tuple[tuple[tuple[float, float], float], ...]
ONE_COLUMN: Motif = (((0.0, 0.0), 1.0),)


def base_vectors(
    period: float, ratio: float, angle_deg: float, rotation_deg: float
) -> NDArray[np.float64]:
    """Return two base vectors (y, x) in px as rows, the shorter first."""
    angles = np.radians([rotation_deg, rotation_deg + angle_deg])
    lengths = np.array([period, period * ratio])
    return np.stack([lengths * np.sin(angles), lengths * np.cos(angles)], axis=1)


def lattice_image(
    period: float,
    ratio: float = 1.0,
    angle_deg: float = 90.0,
    rotation_deg: float = 17.0,
    *,
    size: int = 256,
    motif: Sequence[tuple[tuple[float, float], float]] = ONE_COLUMN,
    dose: float | None = None,
    jitter_px: float = 0.0,
    dark: bool = False,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Return an image of columns on a lattice; the dose is counts per px at the brightest."""
    rng = np.random.default_rng(seed)
    vectors = base_vectors(period, ratio, angle_deg, rotation_deg)
    count = int(2 * size / period) + 4
    orders = np.stack(np.mgrid[-count : count + 1, -count : count + 1], axis=-1).reshape(-1, 2)
    image = np.zeros((size, size))
    for fraction, weight in motif:
        positions = (orders + fraction) @ vectors + size / 2
        positions += rng.normal(0, jitter_px, positions.shape)
        _add_columns(image, positions, weight, min(0.18 * period, 5.0))
    image /= image.max()
    image = (1.2 - image if dark else 0.2 + image) + np.linspace(0, 0.2, size)
    counts = image if dose is None else rng.poisson(image * dose)
    return counts.astype(np.float32)


def _add_columns(
    image: NDArray[np.float64], positions: NDArray[np.float64], weight: float, sigma: float
) -> None:
    size, reach = len(image), int(np.ceil(4 * sigma))
    near = ((positions > -reach) & (positions < size + reach)).all(axis=1)
    for y, x in positions[near]:
        rows = np.arange(max(0, round(y) - reach), min(size, round(y) + reach + 1))
        columns = np.arange(max(0, round(x) - reach), min(size, round(x) + reach + 1))
        across = np.exp(-((columns - x) ** 2) / (2 * sigma**2))
        along = np.exp(-((rows - y) ** 2) / (2 * sigma**2))
        if len(rows) and len(columns):
            image[np.ix_(rows, columns)] += weight * np.outer(along, across)


def two_grains(
    first: NDArray[np.float32], second: NDArray[np.float32], direction_deg: float
) -> NDArray[np.float32]:
    """Return an image with a straight boundary through its centre along a direction."""
    y, x = np.indices(first.shape) - np.array(first.shape)[:, None, None] / 2
    angle = np.radians(direction_deg)
    return np.where(np.cos(angle) * y > np.sin(angle) * x, first, second)
