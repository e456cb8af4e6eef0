"""The Gaussian blur of the preprocessing stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.ndimage import gaussian_filter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Blurs end at so many standard deviations.
TRUNCATE = 3.0


def blur(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur images (..., Y, X) over a standard deviation in px; 0 leaves them as they are."""
    if sigma == 0:
        return image
    axes = (image.ndim - 2, image.ndim - 1)
    blurred: NDArray[np.float32] = gaussian_filter(
        image, sigma, axes=axes, mode="reflect", truncate=TRUNCATE
    )
    return blurred


def reach_of(sigma: float) -> int:
    """Return how many px a blur sees to each side, as scipy counts."""
    return int(TRUNCATE * sigma + 0.5)
