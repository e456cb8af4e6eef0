"""Early exit of windows that the Bulk member classifies as defect-free (cascade).

In mode "fast" the Bulk member is evaluated first. Where its probability reaches a threshold, the
other members are skipped and their probability is 0; everywhere else the result is the exact one.
All members are evaluated on the coarse grid beforehand: if one of its windows shows a defect
although Bulk is certain, no window is skipped.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.defect_classes import BULK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import EnsembleSpec

# Bulk probability from which other members are skipped, where training stored no other, and the
# probability of another class that contradicts such a Bulk probability.
EARLY_EXIT_PROBABILITY = 0.985
CONTRADICTION = 0.1
# Stored by training where it found no Bulk probability to be safe.
NEVER = 1.0


class EarlyExit:
    """Decides which windows need only the Bulk member.

    Parameters
    ----------
    spec : EnsembleSpec
        Has a Bulk class and at least one other; see `supports_early_exit`.

    Attributes
    ----------
    class_index : int
        Index of Bulk among the classes.
    threshold : float
        Bulk probability from which the other members are skipped; infinite for never.
    is_active : bool
        False until the coarse grid has shown that Bulk is reliable on this image.
    """

    def __init__(self, spec: EnsembleSpec) -> None:
        self.class_index = spec.classes.index(BULK)
        stored = spec.inference.early_exit_probability
        self.threshold = EARLY_EXIT_PROBABILITY if stored is None else stored
        if stored == NEVER:  # a probability may be rounded up to 1
            self.threshold = math.inf
        self.is_active = False

    def use_coarse_grid(self, probability: NDArray[np.float32]) -> None:
        """Activate early exit unless another class contradicts a certain Bulk.

        Parameters
        ----------
        probability : ndarray of float32, shape (C, gy, gx)
            Exact probabilities on the coarse grid.
        """
        others = np.delete(probability, self.class_index, axis=0).max(0)
        is_exit = probability[self.class_index] >= self.threshold
        self.is_active = not (is_exit & (others >= CONTRADICTION)).any()

    def remaining(self, bulk_probability: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the indices of the windows that need all members.

        Parameters
        ----------
        bulk_probability : ndarray of float32, shape (N,)
        """
        return np.flatnonzero(bulk_probability < self.threshold)


def supports_early_exit(spec: EnsembleSpec) -> bool:
    """Return whether an ensemble has a Bulk class and other classes to skip."""
    return BULK in spec.classes and len(spec.classes) > 1
