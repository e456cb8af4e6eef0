"""Which windows show anything: their middle has contrast and valid pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

from napari_stem_defects.postprocessing.mask_stack import row_slices

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.preprocessing.tiled import FilteredImage
    from napari_stem_defects.preprocessing.windows import Grid

# A window is blank if its middle has less than this share of the contrast of the image.
BLANK_CONTRAST = 0.02
# A window is invalid if more than this share of its middle is.
MAX_INVALID_SHARE = 0.05


def valid_windows(
    filtered: FilteredImage,
    invalid: NDArray[np.bool_] | None,
    grid: Grid,
    settings: PreprocessingSettings,
) -> NDArray[np.bool_]:
    """Return which windows are neither blank nor invalid.

    Parameters
    ----------
    filtered : FilteredImage
        The filtered image at the pixel size of the model.
    invalid : ndarray of bool or None
        Pixels without a value, shape of the original image.
    grid : Grid
        Window centres in px of the filtered image.
    settings : PreprocessingSettings

    Returns
    -------
    ndarray of bool, shape (gy, gx)
        True where the middle of the window, a square of half its edge, has contrast and at most
        5 % invalid pixels.
    """
    middle_px = settings.patch_px // 2
    # After local contrast normalisation, 1 is the mean square wherever there is contrast.
    usual = 1.0 if settings.contrast_px > 0 else _mean_square(filtered)
    local = _local_means(filtered, grid, middle_px, np.square)
    valid: NDArray[np.bool_] = local > BLANK_CONTRAST**2 * usual
    if invalid is not None:
        from skimage.transform import resize  # slow to import, and most images are whole

        share = resize(invalid.astype(np.float32), filtered.shape, order=1)
        valid &= _local_means(share, grid, middle_px, np.asarray) <= MAX_INVALID_SHARE
    return valid


def _mean_square(image: FilteredImage) -> float:
    total = 0.0
    for rows in row_slices(image.shape):
        total += float(np.square(image[rows, slice(None)]).sum(dtype=np.float64))
    return total / float(np.prod(image.shape))


def _local_means(
    image: FilteredImage,
    grid: Grid,
    width_px: int,
    function: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return the mean of a function of the pixels in a square around each centre, (gy, gx)."""
    means = np.zeros((len(grid.y), len(grid.x)), np.float32)
    for rows in row_slices(image.shape):
        inside = (grid.y >= rows.start) & (grid.y < rows.stop)
        top = max(0, rows.start - width_px)
        values = function(image[slice(top, rows.stop + width_px), slice(None)])
        local = uniform_filter(values, width_px, mode="reflect")
        means[inside] = local[np.ix_(grid.y[inside] - top, grid.x)]
    return means
