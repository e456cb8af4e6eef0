"""The most unusual places of an image, with the residual around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from skimage.feature import peak_local_max

from napari_stem_defects.anomaly.score import EXTENDED_POOL, POINT_POOL, local_rms

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual

_PLACES = 60
_APART, _REACH = 1.0, 3.0
"""In periods: distance of two places, and half width of the patch around one."""


class Patch(NamedTuple):
    """The residual around a place.

    Attributes
    ----------
    values : ndarray of float32, shape (e, e)
        The place is in the middle; zeros where the image ends.
    level : float
        How unusual the place is.
    """

    values: NDArray[np.float32]
    level: float


def unusual_patches(residual: LatticeResidual) -> list[Patch]:
    """Return the residual around the most unusual places of an image.

    Parameters
    ----------
    residual : LatticeResidual

    Returns
    -------
    list of Patch
        At most 60, the most unusual first.
    """
    samples = residual.sampled.samples
    reach, found = round(_REACH * samples), []
    for _, inner, values in residual.blocks(halo=reach):
        level = local_rms(values, POINT_POOL * samples) + local_rms(values, EXTENDED_POOL * samples)
        places = peak_local_max(
            level[inner],
            min_distance=round(_APART * samples),
            num_peaks=_PLACES,
            exclude_border=False,
        )
        for y, x in places + np.array([inner.start, 0]):
            top, left = max(0, y - reach), max(0, x - reach)
            patch = values[top : y + reach + 1, left : x + reach + 1]
            found.append((float(level[y, x]), (y - top, x - left), patch))
    found.sort(key=lambda each: -each[0])
    return [Patch(_centred(patch, at, reach), level) for level, at, patch in found[:_PLACES]]


def _centred(
    patch: NDArray[np.float32], middle: tuple[int, int], reach: int
) -> NDArray[np.float32]:
    """Return a patch with zeros where the image ends, its middle in the middle."""
    pads = [
        (reach - before, reach - (length - 1 - before))
        for before, length in zip(middle, patch.shape, strict=True)
    ]
    return np.pad(patch, pads)
