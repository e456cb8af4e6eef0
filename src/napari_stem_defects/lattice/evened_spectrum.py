"""Spectrum of an image whose parts count alike, whatever contrast they have.

The power of reflections grows with the square of contrast and with the area: a bright phase hides
the lattice around it, as heavy columns hide those of a substrate.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from napari_stem_defects.lattice.reflections import Spectrum, spectrum_of

_PARTS = 16
"""Fraction of the edge of an image: standard deviation of the average of contrast."""
_LEAST = 0.1
"""Least contrast in units of the highest: vacuum beside a crystal shows noise alone."""
_UNEVEN = 1.6
"""Least ratio of high to low contrast (deciles) at which evening changes what is seen."""
_BLOCKS = 64


def evened_spectrum(found: Spectrum) -> Spectrum | None:
    """Return the spectrum of an image divided by its local contrast.

    Parameters
    ----------
    found : Spectrum
        Of the image as it is.

    Returns
    -------
    Spectrum or None
        None where all parts have about the same contrast.
    """
    image = found.subtracted
    block = max(1, min(image.shape) // _BLOCKS)
    height, width = (n // block * block for n in image.shape)
    parts = np.square(image[:height, :width]).reshape(height // block, block, -1, block)
    power = parts.mean(axis=(1, 3), dtype=np.float32)
    contrast = np.sqrt(ndimage.gaussian_filter(power, min(power.shape) / _PARTS, mode="nearest"))
    contrast = np.maximum(contrast, max(_LEAST * float(contrast.max()), 1e-30))
    low, high = np.percentile(contrast, [10, 90])
    if high < _UNEVEN * low:
        return None
    local = ndimage.zoom(
        contrast, block, order=1, mode="nearest", grid_mode=True, output=np.float32
    )
    missing = [(0, n - m) for n, m in zip(image.shape, local.shape, strict=True)]
    return spectrum_of(image / np.pad(local, missing, mode="edge"))
