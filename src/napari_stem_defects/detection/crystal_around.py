"""Defects are defects of a crystal: nothing is named where hardly anything around is recognised.

In an amorphous film a network takes a chance arrangement for a defect here and there. Around a
defect of a crystal that the model knows, most windows belong to a class, Bulk or another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

from napari_stem_defects.base.defect_classes import BULK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap

AROUND_WINDOWS = 3.0
"""Edge of the square around a window, in windows."""
MIN_ASSIGNED = 0.2
"""Least share of the windows in it that belong to a class.

At defects of simulated crystals it is 0.90 and more, at what is taken for one in amorphous films at
most 0.03, in a micrograph of which a third is unknown 0.45 and more.
"""
LEFT = np.float32(0.1)
"""What is left of the probability of a defect elsewhere: below the lowest threshold of a bundled
model, which is 0.2. The order of the places stays, for scores that compare them."""
_BELONGS = 0.5
"""Probability from which a window belongs to a class here, whatever the thresholds: these may be
changed afterwards."""


def only_in_crystal(found: ProbabilityMap, window_px: float) -> ProbabilityMap:
    """Return a map without defects where hardly any window around belongs to a class.

    Parameters
    ----------
    found : ProbabilityMap
        Of an ensemble; without Bulk among its classes it is returned as it is, because the crystal
        belongs to no class then.
    window_px : float
        Edge of a window in px of the micrograph.

    Returns
    -------
    ProbabilityMap
        Probabilities of defects outside of the crystal are a tenth of what they were; Bulk is
        unchanged.
    """
    if BULK not in found.classes or not found.valid.any():
        return found
    assigned = np.asarray((found.probability >= _BELONGS).any(axis=0) & found.valid)
    share = _around(assigned, found, window_px) / np.maximum(
        _around(found.valid, found, window_px), np.float32(1e-6)
    )
    outside = (share < MIN_ASSIGNED) & found.valid
    if not outside.any():
        return found
    defects = np.array([name != BULK for name in found.classes])[:, None, None]
    part = np.where(defects & outside, LEFT, np.float32(1))
    return replace(found, probability=found.probability * part)


def _around(
    windows: NDArray[np.bool_], found: ProbabilityMap, window_px: float
) -> NDArray[np.float32]:
    """Return the mean of some windows over the square around each; none beyond the image."""
    mean = windows.astype(np.float32)
    for axis, centres in enumerate((found.y, found.x)):
        step = float(np.diff(centres).mean()) if len(centres) > 1 else window_px
        size = 2 * round(AROUND_WINDOWS * window_px / step / 2) + 1
        mean = uniform_filter1d(mean, size, axis=axis, mode="constant")
    return mean
