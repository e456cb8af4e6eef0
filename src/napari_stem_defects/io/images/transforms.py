"""Recognition of complex Fourier transforms among complex images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PEAK = 20.0
_SAME = 1e-3
_MOST_EDGE = 1024


def is_transform(array: NDArray[Any]) -> bool:
    """Return whether a complex array is the Fourier transform of an image.

    The transform of an image has its sum at the origin of frequencies, far above all else, or,
    where the mean was removed, opposite frequencies are conjugate. The complex wave of a
    hologram has neither.

    Parameters
    ----------
    array : ndarray of complex, shape (..., Y, X)
        The first image of a stack is examined.

    Returns
    -------
    bool
        False for numbers that are not complex.
    """
    if array.dtype.kind != "c" or array.ndim < 2 or min(array.shape[-2:]) < 4:
        return False
    frame = np.asarray(array.reshape(-1, *array.shape[-2:])[0])
    height, width = frame.shape
    magnitude = np.abs(frame)
    typical = float(np.median(magnitude))
    for origin in ((0, 0), (height // 2, width // 2)):
        is_highest = magnitude[origin] >= magnitude.max()
        if is_highest and magnitude[origin] > _PEAK * typical:
            return True
        rolled = np.roll(frame, (-origin[0], -origin[1]), (0, 1))[:_MOST_EDGE]
        opposite = np.roll(frame, (-origin[0], -origin[1]), (0, 1))[-np.arange(len(rolled))]
        opposite = opposite[:, -np.arange(width)].conj()
        scale = float(np.abs(rolled).mean())
        if scale > 0 and float(np.abs(rolled - opposite).mean()) < _SAME * scale:
            return bool(np.abs(frame.imag).mean() > _SAME * scale)
    return False
