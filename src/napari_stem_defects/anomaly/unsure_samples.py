"""Samples of an image that disturbed scan rows hide from what fills them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy import ndimage

from napari_stem_defects.anomaly.sampling import at_samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Sampled
    from napari_stem_defects.preprocessing.scan_rows import ScanRows

_BESIDE = 0.12
"""Distance in length units up to which filtering spreads what was filled in."""


def unsure_samples(scan_rows: ScanRows, sampled: Sampled) -> NDArray[np.bool_] | None:
    """Return the samples that depend on gaps too wide to be filled by what is beside them.

    Parameters
    ----------
    scan_rows : ScanRows
        The image without its disturbed rows.
    sampled : Sampled
        The same image.

    Returns
    -------
    ndarray of bool, shape (rows, columns), or None
        None if there are none.
    """
    if not scan_rows.wide.any():
        return None
    reach = max(1, round(_BESIDE * sampled.unit_px))
    wide = ndimage.maximum_filter(scan_rows.wide, 2 * reach + 1)
    return at_samples(wide, sampled)
