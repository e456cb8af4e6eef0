"""Grey-scale pictures of patches for thumbnails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtGui import QImage

from napari_stem_defects.reporting.contrast import to_grey8

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
    grey = to_grey8(values)
    height, width = grey.shape
    return QImage(grey.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
