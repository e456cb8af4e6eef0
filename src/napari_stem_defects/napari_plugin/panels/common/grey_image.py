"""Grey-scale pictures of patches for thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtGui import QImage

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTRAST_PERCENTILES = (0.5, 99.5)


def grey_image(values: NDArray[np.float32]) -> QImage:
    """Return an array as a grey-scale picture with stretched contrast.

    Parameters
    ----------
    values : ndarray, shape (Y, X)
        Not empty; NaN is shown black.

    Returns
    -------
    QImage
        8 bit, from black at the 0.5th to white at the 99.5th percentile.
    """
    low, high = np.nanpercentile(values, _CONTRAST_PERCENTILES)
    span = max(float(high - low), 1e-12)
    grey = np.nan_to_num(np.clip((values - low) / span, 0, 1) * 255).astype(np.uint8)
    grey = np.ascontiguousarray(grey)
    height, width = grey.shape
    return QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
