"""Point defects made in a real micrograph, by taking a column away or putting one in.

Real vacancies and interstitials are rare. Made ones have the micrograph's own lattice, noise and
background, and a place that is known exactly; their labels say that they are simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter
from skimage.feature import peak_local_max

from napari_stem_defects.base.defect_classes import (
    PATCH_PX,
)
from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.power_spectrum import measure_lattice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.base.micrograph import Micrograph

Pixels = NDArray[np.float32]

LEFT_OF_COLUMN = (0.0, 0.35)
"""What is left of a column that is taken away; from, to."""
HEIGHT = (0.65, 1.2)
"""Height of a column put in, as a share of the others'; from, to."""
_APART = 3.0
_REACH = 0.6


@dataclass(frozen=True)
class SyntheticDefects:
    """A micrograph with defects made in it.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
    vacancies, interstitials : tuple of (y, x)
        Where they are, px.
    """

    pixels: Pixels
    vacancies: tuple[tuple[float, float], ...]
    interstitials: tuple[tuple[float, float], ...]


def away_from(places: Sequence[tuple[float, float]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels (Y, X) are too far from any place (y, x) for a patch to show both."""
    free = np.ones(shape, bool)
    if not places:
        return free
    limits = np.array(shape) - 1
    free[tuple(np.clip(np.rint(places), 0, limits).astype(np.intp).T)] = False
    apart: NDArray[np.bool_] = distance_transform_edt(free) > PATCH_PX / np.sqrt(2)
    return apart


def add_synthetic_defects(
    micrograph: Micrograph,
    bulk: NDArray[np.bool_],
    *,
    vacancies: int,
    interstitials: int,
    seed: int = 0,
) -> SyntheticDefects:
    """Make point defects at lattice sites of a bulk region.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    bulk : ndarray of bool, shape (Y, X)
        Where the crystal is perfect.
    vacancies, interstitials : int
        How many to make; fewer where there is no room for three spacings between two.
    seed : int
        Chooses sites, heights and what is left of columns.

    Raises
    ------
    InputError
        Where no lattice is found, or no site lies in the region.
    """
    lattice = measure_lattice(micrograph.pixels)
    if lattice is None:
        raise InputError(f"{micrograph.name}: no lattice was found; choose a clearer image")
    spacing, rng = float(min(lattice.d_px)), np.random.default_rng(seed)
    smooth = gaussian_filter(micrograph.pixels, spacing / 5)
    columns, gaps = (_extrema(sign * smooth, bulk, spacing) for sign in (1, -1))
    if not len(columns):
        raise InputError(f"{micrograph.name}: no column lies in the region; choose a larger one")
    pixels = micrograph.pixels.copy()
    profile = _profile(pixels, columns, spacing)
    taken: list[tuple[float, float]] = []
    empty = _draw(columns, vacancies, taken, _APART * spacing, rng)
    for site in empty:
        _take_out(pixels, site, profile, 1 - rng.uniform(*LEFT_OF_COLUMN))
    filled = _draw(gaps, interstitials, taken, _APART * spacing, rng)
    for site in filled:
        _put_in(pixels, site, float(profile.max()) * rng.uniform(*HEIGHT), spacing / 8)
    return SyntheticDefects(pixels, tuple(empty), tuple(filled))


def _extrema(smooth: Pixels, bulk: NDArray[np.bool_], spacing: float) -> NDArray[np.int64]:
    """Return the local maxima in the region that have room for a column around them."""
    reach = round(_REACH * spacing) + 1
    found: NDArray[np.int64] = peak_local_max(
        smooth, min_distance=max(1, round(spacing / 3)), exclude_border=reach
    )
    return found[bulk[found[:, 0], found[:, 1]]] if len(found) else found


def _profile(pixels: Pixels, columns: NDArray[np.int64], spacing: float) -> NDArray[np.float64]:
    """Return the mean column above what lies between columns, fading out at its rim."""
    reach = round(_REACH * spacing)
    steps = np.arange(-reach, reach + 1)
    patches = pixels[
        columns[:, 0, None, None] + steps[:, None], columns[:, 1, None, None] + steps[None]
    ]
    mean = patches.mean(axis=0, dtype=np.float64)
    distance = np.hypot(steps[:, None], steps[None])
    ring = (distance > 0.75 * reach) & (distance <= reach)
    fade = np.clip((reach + 0.5 - distance) / (0.3 * reach), 0, 1)
    return np.asarray(np.maximum(mean - np.percentile(mean[ring], 10), 0) * fade)


def _draw(
    sites: NDArray[np.int64],
    count: int,
    taken: list[tuple[float, float]],
    apart: float,
    rng: np.random.Generator,
) -> list[tuple[float, float]]:
    chosen: list[tuple[float, float]] = []
    for index in rng.permutation(len(sites)):
        y, x = float(sites[index, 0]), float(sites[index, 1])
        if len(chosen) < count and all(np.hypot(y - a, x - b) >= apart for a, b in taken):
            chosen.append((y, x))
            taken.append((y, x))
    return chosen


def _take_out(
    pixels: Pixels, site: tuple[float, float], profile: NDArray[np.float64], share: float
) -> None:
    """Subtract a share of a column, in place; its own height is fitted."""
    reach = profile.shape[0] // 2
    y, x = int(site[0]), int(site[1])
    box = np.s_[y - reach : y + reach + 1, x - reach : x + reach + 1]
    centred = profile - profile.mean()
    height = float((pixels[box] * centred).sum() / (centred**2).sum())
    pixels[box] -= (share * max(height, 0.0) * profile).astype(np.float32)


def _put_in(pixels: Pixels, site: tuple[float, float], height: float, sigma: float) -> None:
    y, x = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
    bell = np.exp(-((y - site[0]) ** 2) / (2 * sigma**2)) * np.exp(
        -((x - site[1]) ** 2) / (2 * sigma**2)
    )
    pixels += (height * bell).astype(np.float32)
