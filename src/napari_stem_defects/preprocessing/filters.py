"""The filters of stages b and c: normalisation, background subtraction, local contrast.

Each takes and returns arrays, so that an image in memory and a strip of a larger one are
filtered by the same arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Standard deviations at which a Gaussian blur ends.
TRUNCATE = 3.0
# Standard deviation of the filtered image, in units of the maximum intensity, below which there
# is no signal: single-precision rounding, not electrons.
NO_SIGNAL = 1e-6
# Local contrast is not normalised below this share of the image's own contrast, so that vacuum
# and amorphous carbon stay faint instead of being amplified until they resemble a crystal.
CONTRAST_FLOOR = 0.2


def blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur images (..., Y, X) with a Gaussian of standard deviation ``sigma`` px; 0 copies none."""
    if sigma == 0:
        return image
    axes = (image.ndim - 2, image.ndim - 1)
    blurred: NDArray[np.float32] = gaussian_filter(
        image, sigma, axes=axes, mode="reflect", truncate=TRUNCATE
    )
    return blurred


def blur_radius(sigma: float) -> int:
    """Return how many px a blur reads to each side, as scipy counts."""
    return int(TRUNCATE * sigma + 0.5)


def normalise_intensity(
    image: NDArray[np.float32],
    lowest: NDArray[np.float32] | np.float32,
    span: NDArray[np.float32] | np.float32,
) -> NDArray[np.float32]:
    """Map intensities from ``lowest`` to ``lowest + span`` to 0 to 1; all 0 where the span is 0."""
    shifted = image - lowest
    normalised: NDArray[np.float32] = np.divide(
        shifted, span, out=np.zeros_like(shifted), where=span > 0
    )
    return normalised


def background_sigma(background_px: float, smoothing_px: float) -> float:
    """Return the standard deviation in px of the blur that is taken for the background."""
    return float(np.hypot(background_px, smoothing_px))


def subtract_background(
    normalised: NDArray[np.float32], background_px: float, smoothing_px: float
) -> NDArray[np.float32]:
    """Smooth normalised images (..., Y, X) lightly and subtract their blurred background."""
    smooth = blur(normalised, smoothing_px)
    return smooth - blur(normalised, background_sigma(background_px, smoothing_px))


def normalise_contrast(
    image: NDArray[np.float32],
    contrast_px: float,
    overall: NDArray[np.float32] | float,
) -> NDArray[np.float32]:
    """Divide images (..., Y, X) by their local root mean square.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
        What `subtract_background` returned.
    contrast_px : float
        Standard deviation in px of the Gaussian over which contrast is measured.
    overall : ndarray or float
        Root mean square of each whole image; the local one counts as at least `CONTRAST_FLOOR`
        of it.
    """
    local = np.sqrt(np.maximum(blur(image**2, contrast_px), 0))
    floor = np.asarray(np.maximum(CONTRAST_FLOOR * overall, NO_SIGNAL), np.float32)
    return np.divide(image, np.maximum(local, floor), dtype=np.float32)
