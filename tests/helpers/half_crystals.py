"""Small images of crystals that end within them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from crystal_images import HEXAGONAL, SQUARE, crystal_image
from numpy.typing import NDArray
from scipy import ndimage

from napari_stem_defects.base.micrograph import Micrograph

Array = NDArray[np.float64]


class HalfCrystal(NamedTuple):
    """An image with what is not the crystal in it (Y, X), its period in px and its missing columns.

    The columns, (N, 2), are at least ``depth`` periods inside the crystal, which is known whole.
    """

    micrograph: Micrograph
    outside: NDArray[np.bool_]
    period: float
    missing: Array
    whole: NDArray[np.float32]


def half_crystal(
    beside: str,
    *,
    missing: int = 0,
    size: int = 320,
    spacing: float = 10.0,
    shape: tuple[tuple[float, float], tuple[float, float]] = HEXAGONAL,
    enclosed: bool = False,
    depth: float = 5.0,
    seed: int = 0,
) -> HalfCrystal:
    """Draw a crystal with something else in the left half, or in a disc in its middle.

    Parameters
    ----------
    beside : {"fine film", "coarse film", "vacuum", "crystal"}
    missing : int
        Number of missing columns in the whole image before a part of it is replaced.
    depth : float
        Least distance in periods of those that are returned from what is not the crystal.
    """
    rng = np.random.default_rng(seed)
    image = crystal_image(shape, size=size, spacing=spacing, missing=missing, seed=seed)
    pixels = image.pixels.astype(np.float64)
    y, x = np.mgrid[:size, :size]
    outside = np.hypot(y - size / 2, x - size / 2) < size / 5 if enclosed else x < size // 2
    if beside == "vacuum":
        other = np.full((size, size), np.quantile(pixels, 0.02))
    elif beside == "crystal":
        turned = crystal_image(SQUARE, size=size, spacing=1.3 * spacing, rotation_deg=33, seed=9)
        other = turned.pixels.astype(np.float64)
    else:
        smooth = {"fine film": 0.2, "coarse film": 0.35}[beside] * spacing
        noise = ndimage.gaussian_filter(rng.normal(size=(size, size)), smooth)
        other = noise / noise.std() * 0.6 * pixels.std() + pixels.mean()
    if beside != "crystal":
        other += 0.1 * pixels.std() * rng.normal(size=(size, size))
    whole = np.where(outside, other, pixels).astype(np.float32)
    distance = ndimage.distance_transform_edt(~outside)
    at = np.rint(image.defects).astype(int) if missing else np.zeros((0, 2), int)
    inside = distance[at[:, 0], at[:, 1]] > depth * image.period
    return HalfCrystal(
        Micrograph(whole, "half"),
        outside,
        image.period,
        np.asarray(at[inside], np.float64),
        pixels.astype(np.float32),
    )
