"""Filters of stages b and c: normalisation, background subtraction, local contrast.

The filters take and return arrays, so that whole images (`pipeline`) and strips of large images
(`tiled`) are filtered by the same arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.preprocessing.gaussian_blur import blur_axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Radius of a Gaussian blur in standard deviations.
TRUNCATE = 3.0
# Standard deviation of the background-subtracted image, in units of the maximum intensity, below
# which there is no signal but single-precision rounding.
NO_SIGNAL = 1e-6
# Minimum local contrast as a fraction of the contrast of the whole image. It keeps vacuum and
# amorphous carbon faint; without it they would be amplified until they resemble a crystal.
CONTRAST_FLOOR = 0.2


def blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur images with a Gaussian.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
    sigma : float
        Standard deviation in px; 0 returns the image itself.

    Returns
    -------
    ndarray of float32, shape of ``image``
    """
    if sigma == 0:
        return image
    return blur_axes(image, sigma, blur_radius(sigma))


def blur_radius(sigma: float) -> int:
    """Return the radius of the kernel of `blur`.

    Parameters
    ----------
    sigma : float
        Standard deviation in px.

    Returns
    -------
    int
        Radius in px, rounded as in scipy.
    """
    return int(TRUNCATE * sigma + 0.5)


def normalise_intensity(
    image: NDArray[np.float32],
    lowest: NDArray[np.float32] | np.float32,
    span: NDArray[np.float32] | np.float32,
) -> NDArray[np.float32]:
    """Map intensities from ``lowest`` to ``lowest + span`` linearly to 0 to 1.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
    lowest, span : ndarray of float32 or float32
        Lowest intensity and range of intensities, broadcastable to ``image``.

    Returns
    -------
    ndarray of float32, shape of ``image``
        0 if the span is 0.
    """
    shifted = image - lowest
    normalised: NDArray[np.float32] = np.divide(
        shifted, span, out=np.zeros_like(shifted), where=span > 0
    )
    return normalised


def background_sigma(background_px: float, smoothing_px: float) -> float:
    """Return the standard deviation of the blur that yields the background.

    Parameters
    ----------
    background_px, smoothing_px : float
        Standard deviations of the background blur and of the smoothing in px.

    Returns
    -------
    float
        Standard deviation in px of both blurs combined.
    """
    return float(np.hypot(background_px, smoothing_px))


def subtract_background(
    normalised: NDArray[np.float32], background_px: float, smoothing_px: float
) -> NDArray[np.float32]:
    """Smooth normalised images and subtract their blurred background.

    Parameters
    ----------
    normalised : ndarray of float32, shape (..., Y, X)
        Images from `normalise_intensity`.
    background_px, smoothing_px : float
        Standard deviations of the background blur and of the smoothing in px.

    Returns
    -------
    ndarray of float32, shape of ``normalised``
    """
    smooth = blur(normalised, smoothing_px)
    return smooth - blur(normalised, background_sigma(background_px, smoothing_px))


def normalise_contrast(
    image: NDArray[np.float32],
    contrast_px: float,
    overall: NDArray[np.float32] | float,
) -> NDArray[np.float32]:
    """Divide images by their local root mean square.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
        Images from `subtract_background`.
    contrast_px : float
        Standard deviation in px of the Gaussian over which the contrast is measured.
    overall : ndarray or float
        Root mean square of each whole image. The local one is at least `CONTRAST_FLOOR` of it.

    Returns
    -------
    ndarray of float32, shape of ``image``
    """
    local = np.sqrt(np.maximum(blur(image**2, contrast_px), 0))
    floor = np.asarray(np.maximum(CONTRAST_FLOOR * overall, NO_SIGNAL), np.float32)
    return np.divide(image, np.maximum(local, floor), dtype=np.float32)
