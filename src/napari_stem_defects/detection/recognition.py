"""Whether a model recognises an image at all: whether it finds perfect crystal or defects in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.detection.model_choice import ADVICE, NOT_RECOGNISED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap

MIN_BULK = 0.2
"""Minimum fraction of the valid windows that a model with Bulk must assign to it."""
MIN_KNOWN = 0.02
"""Minimum fraction of the valid windows that a model without Bulk must assign to any class."""


@dataclass(frozen=True)
class Recognition:
    """Whether a model recognises an image.

    Attributes
    ----------
    recognised : bool
    statement : str
        Why not, in one sentence; "" if it does.
    """

    recognised: bool
    statement: str = ""


def recognise(found: ProbabilityMap, thresholds: Mapping[str, float], model: str) -> Recognition:
    """Decide from the probabilities of all windows whether a model recognises the image.

    A crystal that the model knows is Bulk nearly everywhere. Another crystal is unknown or full of
    apparent defects.

    Parameters
    ----------
    found : ProbabilityMap
    thresholds : mapping of str to float
        Probability from which each class is assigned.
    model : str
        Name of the model.

    Returns
    -------
    Recognition
        Recognised where there are no valid windows, because nothing is known then.
    """
    count = int(np.count_nonzero(found.valid))
    if not count:
        return Recognition(True)
    if BULK in found.classes:
        place = found.classes.index(BULK)
        share = _share(found.probability[place] >= thresholds[BULK], found, count)
        if share >= MIN_BULK:
            return Recognition(True)
        known = f"{share:.1%} of it is Bulk to the model {model}"
    else:
        limits = np.array([thresholds[name] for name in found.classes])[:, None, None]
        assigned = np.asarray((found.probability >= limits).any(axis=0))
        share = _share(assigned, found, count)
        if share >= MIN_KNOWN:
            return Recognition(True)
        known = f"{share:.1%} of it belongs to a class of the model {model}"
    return Recognition(False, f"{NOT_RECOGNISED}: only {known}; {ADVICE}")


def _share(assigned: NDArray[np.bool_], found: ProbabilityMap, count: int) -> float:
    return int(np.count_nonzero(assigned & found.valid)) / count


def without_names(found: ProbabilityMap) -> ProbabilityMap:
    """Return a map whose windows belong to no class.

    Parameters
    ----------
    found : ProbabilityMap

    Returns
    -------
    ProbabilityMap
        The same windows with probability 0.
    """
    return replace(found, probability=np.zeros_like(found.probability))
