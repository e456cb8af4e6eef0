"""How strong the residual of a defect is in multiples of the noise of its image.

Half the contrast, or a quarter of the electrons, halve the residual of a defect in multiples of its
spread, and the prediction of a noisy image is another filter, which leaves less of a defect. Both
are known without any defect: the contrast of the lattice, which is what repeats from period to
period, and the response of the filter to a column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy
from scipy import fft, ndimage

from napari_stem_defects.anomaly.clear_part import clear_part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.predictor import Predictor
    from napari_stem_defects.anomaly.residual import LatticeResidual

_ROWS = 384
"""Rows in the middle of an image from which its contrast is measured."""
_POOL = 1.0
_COLUMN, _WEIGHT, _SMOOTHING = 0.2, 0.6, 0.1
"""Standard deviations, in lattice periods, of a column, of the weights of its response, and of the
smoothing of a residual."""
_LEAST = 0.02
"""Share of the power that the lattice has at least."""


def visibility(residual: LatticeResidual) -> float:
    """Return the response to a column with the contrast of the lattice, in spreads of the residual.

    Ratios between images of one crystal are those of the residuals of their defects; the value
    itself depends on the crystal.

    Parameters
    ----------
    residual : LatticeResidual

    Returns
    -------
    float
    """
    # Where several predict the crystal, a defect keeps what the best of them leaves of it.
    samples = residual.sampled.samples
    response = min(_response(each, samples) for each in residual.predictors)
    return _contrast(residual) * response / residual.spread


def _contrast(residual: LatticeResidual) -> float:
    """Return the standard deviation of what repeats from period to period in the filtered image.

    Half the mean square of the difference between places a lattice vector apart is the variance of
    the noise.
    """
    sampled, shape = residual.sampled, residual.shape
    shown = clear_part(shape, (_ROWS, shape[1]), residual.blocked)
    clear = slice(None) if shown.clear is None else shown.clear
    part = np.asarray(sampled.filtered[shown.rows, :], np.float32)
    pool = _POOL * sampled.samples
    spectrum = fft.rfft2(part)
    along_y = fft.fftfreq(part.shape[0])[:, None].astype(np.float32)
    along_x = fft.rfftfreq(part.shape[1])[None].astype(np.float32)
    noise: NDArray[np.float32] | None = None
    for vectors in sampled.lattices:
        differs = np.zeros_like(part)
        for y, x in vectors:
            phases = np.exp(np.complex64(2j * np.pi) * (along_y * y + along_x * x))
            moved = fft.irfft2(spectrum * phases, part.shape)
            differs += np.square(part - moved) / 4
        pooled = ndimage.gaussian_filter(differs, pool)
        # The lattice of the grain that a place belongs to repeats best.
        noise = pooled if noise is None else np.minimum(noise, pooled)
    total = float(np.median(ndimage.gaussian_filter(np.square(part), pool)[clear]))
    left = total - (0.0 if noise is None else float(np.median(noise[clear])))
    return float(np.sqrt(max(left, _LEAST * total)))


def _response(predictor: Predictor, samples: float) -> float:
    """Return the root mean square of the residual around an extra column of unit height."""
    reach = predictor.kernel.shape[0]
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1] / samples
    square = y**2 + x**2
    column = np.exp(-square / (2 * _COLUMN**2))
    left = scipy.signal.fftconvolve(column, predictor.kernel, mode="same")
    left = ndimage.gaussian_filter(left, _SMOOTHING * samples)
    weight = np.exp(-square / (2 * _WEIGHT**2))
    return float(np.sqrt((weight * left**2).sum() / weight.sum()))
