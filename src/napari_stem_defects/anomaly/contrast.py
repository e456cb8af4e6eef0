"""Contrast of an image: bright columns on a dark ground, or dark ones on a bright ground."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.anomaly.sampling import Sampled

_MIDDLE_ROWS = 1024


def column_sign(sampled: Sampled) -> int:
    """Return whether columns are brighter or darker than what is between them.

    Columns are narrower than the ground between them, so the distribution of intensities has its
    long tail towards them: the sign of its skewness.

    Parameters
    ----------
    sampled : Sampled

    Returns
    -------
    int
        1 for bright columns (dark field), -1 for dark ones (bright field).
    """
    height = sampled.filtered.shape[0]
    top = max(0, (height - _MIDDLE_ROWS) // 2)
    middle = np.asarray(sampled.filtered[top : min(top + _MIDDLE_ROWS, height), slice(None)])
    return 1 if stats.skew(middle, axis=None) >= 0 else -1


def bright_residual(residual: LatticeResidual) -> NDArray[np.float32]:
    """Return the lattice residual as if columns were bright: a missing one is a deficit.

    Parameters
    ----------
    residual : LatticeResidual

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        In multiples of its spread.
    """
    whole = residual.whole()
    return whole if column_sign(residual.sampled) > 0 else np.negative(whole, out=whole)
