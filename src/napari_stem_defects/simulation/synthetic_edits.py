"""Synthetic point defects in a real micrograph, made by removing or adding a column.

Real vacancies and interstitials are rare. Synthetic ones have the lattice, the noise and the
background of the micrograph, and their positions are known exactly. Their labels are marked as
simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.feature import peak_local_max

from napari_stem_defects.base.defect_classes import PATCH_PX
from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.power_spectrum import measure_lattice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.base.micrograph import Micrograph

Pixels = NDArray[np.float32]

REMAINING_FRACTION = (0.0, 0.35)
"""Range of the fraction of a removed column that remains."""
RELATIVE_HEIGHT = (0.65, 1.2)
"""Range of the height of an added column, relative to the other columns."""
_MIN_DISTANCE = 3.0
_COLUMN_RADIUS = 0.6


@dataclass(frozen=True)
class SyntheticDefects:
    """A micrograph with synthetic point defects.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Intensities with the defects.
    vacancies, interstitials : tuple of (y, x)
        Positions of the defects in px.
    """

    pixels: Pixels
    vacancies: tuple[tuple[float, float], ...]
    interstitials: tuple[tuple[float, float], ...]


def pixels_far_from(
    positions: Sequence[tuple[float, float]], shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return the pixels so far from positions that no patch shows both.

    Parameters
    ----------
    positions : sequence of (float, float)
        y, x in px.
    shape : (int, int)
        Height and width of the image in px.

    Returns
    -------
    ndarray of bool, shape (Y, X)
    """
    free = np.ones(shape, bool)
    if not positions:
        return free
    limits = np.array(shape) - 1
    free[tuple(np.clip(np.rint(positions), 0, limits).astype(np.intp).T)] = False
    min_distance: NDArray[np.bool_] = distance_transform_edt(free) > PATCH_PX / np.sqrt(2)
    return min_distance


def add_synthetic_defects(
    micrograph: Micrograph,
    bulk: NDArray[np.bool_],
    *,
    vacancies: int,
    interstitials: int,
    seed: int = 0,
) -> SyntheticDefects:
    """Add point defects at lattice sites of a bulk region.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    bulk : ndarray of bool, shape (Y, X)
        Pixels of the perfect crystal.
    vacancies, interstitials : int
        Number of defects of each kind; fewer if there is no room for three lattice spacings between
        them.
    seed : int
        Seed of the random sites, heights and remaining fractions.

    Returns
    -------
    SyntheticDefects

    Raises
    ------
    InputError
        If no lattice is found, or no column is in the region.
    """
    lattice = measure_lattice(micrograph.pixels)
    if lattice is None:
        raise InputError(f"{micrograph.name}: no lattice was found; choose a clearer image")
    spacing, rng = float(min(lattice.d_px)), np.random.default_rng(seed)
    smooth = gaussian_filter(micrograph.pixels, spacing / 5)
    columns, gaps = (_extrema(sign * smooth, bulk, spacing) for sign in (1, -1))
    if not len(columns):
        raise InputError(f"{micrograph.name}: no column is in the region; choose a larger one")
    pixels = micrograph.pixels.copy()
    profile = _profile(pixels, columns, spacing)
    occupied: list[tuple[float, float]] = []
    vacant = _draw_sites(columns, vacancies, occupied, _MIN_DISTANCE * spacing, rng)
    for site in vacant:
        _remove_column(pixels, site, profile, 1 - rng.uniform(*REMAINING_FRACTION))
    filled = _draw_sites(gaps, interstitials, occupied, _MIN_DISTANCE * spacing, rng)
    for site in filled:
        _add_column(pixels, site, float(profile.max()) * rng.uniform(*RELATIVE_HEIGHT), spacing / 8)
    return SyntheticDefects(pixels, tuple(vacant), tuple(filled))


def _extrema(smooth: Pixels, bulk: NDArray[np.bool_], spacing: float) -> NDArray[np.int64]:
    """Return the local maxima in the region that are at least a column radius from the border."""
    radius = round(_COLUMN_RADIUS * spacing) + 1
    found: NDArray[np.int64] = peak_local_max(
        smooth, min_distance=max(1, round(spacing / 3)), exclude_border=radius
    )
    return found[bulk[found[:, 0], found[:, 1]]] if len(found) else found


def _profile(pixels: Pixels, columns: NDArray[np.int64], spacing: float) -> NDArray[np.float64]:
    """Return the mean profile of a column above its surroundings, tapered at the rim."""
    radius = round(_COLUMN_RADIUS * spacing)
    steps = np.arange(-radius, radius + 1)
    patches = pixels[
        columns[:, 0, None, None] + steps[:, None], columns[:, 1, None, None] + steps[None]
    ]
    mean = patches.mean(axis=0, dtype=np.float64)
    distance = np.hypot(steps[:, None], steps[None])
    ring = (distance > 0.75 * radius) & (distance <= radius)
    fade = np.clip((radius + 0.5 - distance) / (0.3 * radius), 0, 1)
    return np.asarray(np.maximum(mean - np.percentile(mean[ring], 10), 0) * fade)


def _draw_sites(
    sites: NDArray[np.int64],
    count: int,
    occupied: list[tuple[float, float]],
    min_distance: float,
    rng: np.random.Generator,
) -> list[tuple[float, float]]:
    chosen: list[tuple[float, float]] = []
    for index in rng.permutation(len(sites)):
        y, x = float(sites[index, 0]), float(sites[index, 1])
        if len(chosen) < count and all(np.hypot(y - a, x - b) >= min_distance for a, b in occupied):
            chosen.append((y, x))
            occupied.append((y, x))
    return chosen


def _remove_column(
    pixels: Pixels, site: tuple[float, float], profile: NDArray[np.float64], share: float
) -> None:
    """Subtract a fraction of a column in place; the height of the column is fitted."""
    radius = profile.shape[0] // 2
    y, x = int(site[0]), int(site[1])
    box = np.s_[y - radius : y + radius + 1, x - radius : x + radius + 1]
    centred = profile - profile.mean()
    height = float((pixels[box] * centred).sum() / (centred**2).sum())
    pixels[box] -= (share * max(height, 0.0) * profile).astype(np.float32)


def _add_column(pixels: Pixels, site: tuple[float, float], height: float, sigma: float) -> None:
    y, x = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    bell = np.exp(-((y - site[0]) ** 2) / (2 * sigma**2)) * np.exp(
        -((x - site[1]) ** 2) / (2 * sigma**2)
    )
    pixels += (height * bell).astype(np.float32)
