"""Whether a model recognises an image at all: whether it finds perfect crystal or defects in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter

from napari_stem_defects.anomaly.background import unsuited_window
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.detection.model_choice import ADVICE, NOT_RECOGNISED
from napari_stem_defects.matched_filter.model import Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.postprocessing.results import ProbabilityMap

MIN_BULK = 0.1
"""Minimum fraction of the valid windows that a model with Bulk must assign to it."""
MIN_CERTAINTY = 0.92
"""Minimum mean probability of the windows of Bulk, if they are scattered.

Of 90 simulated crystals of other kinds with a fitting lattice, the highest has 0.90; of scenes and
micrographs of the crystals that the bundled models know, at doses from 8, the lowest has 0.94.
"""
MIN_COHERENCE = 0.92
"""Minimum mean fraction of Bulk around the windows of Bulk, if they are less certain.

In the same crystals of other kinds the highest is 0.91.
"""
_AROUND = 7
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
    reason : str
        The reason alone, where the lattice is that of the model.
    """

    recognised: bool
    statement: str = ""
    reason: str = ""


def recognise(
    found: ProbabilityMap,
    thresholds: Mapping[str, float],
    model: str,
    measured: LatticeMeasurement | None = None,
) -> Recognition:
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
    measured : LatticeMeasurement, optional
        Lattice of the image: without one there is nothing to label or to survey either.

    Returns
    -------
    Recognition
        Recognised where there are no valid windows, because nothing is known then.
    """
    known = _decide(found, thresholds, model)
    if known.recognised or measured is None or measured.cell is not None:
        return known
    return recognise_lattice(measured)


def _decide(found: ProbabilityMap, thresholds: Mapping[str, float], model: str) -> Recognition:
    if not found.valid.any():
        return Recognition(True)
    limits = np.array([thresholds[name] for name in found.classes])[:, None, None]
    assigned = (found.probability >= limits) & found.valid
    if BULK not in found.classes:
        share = float(assigned.any(axis=0).sum() / found.valid.sum())
        if share >= MIN_KNOWN:
            return Recognition(True)
        return _refused(f"only {share:.1%} of it belongs to a class of the model {model}")
    bulk = assigned[found.classes.index(BULK)]
    share = float(bulk.sum() / found.valid.sum())
    if share < MIN_BULK:
        return _refused(f"only {share:.1%} of it is Bulk to the model {model}")
    certainty = float(found.probability[found.classes.index(BULK)][bulk].mean())
    if certainty >= MIN_CERTAINTY or _coherence(bulk, found.valid) >= MIN_COHERENCE:
        return Recognition(True)
    return _refused(
        f"{share:.1%} of it is Bulk to the model {model}, but scattered and with little certainty"
    )


def recognise_lattice(measured: LatticeMeasurement) -> Recognition:
    """Decide whether a model that suits any lattice recognises an image.

    Parameters
    ----------
    measured : LatticeMeasurement
        Lattice of the image.

    Returns
    -------
    Recognition
    """
    if measured.cell is not None:
        return Recognition(True)
    return Recognition(False, f"{NOT_RECOGNISED}: no lattice, {measured.reason}")


def recognise_spots(micrograph: Micrograph, spec: EnsembleSpec) -> Recognition:
    """Decide whether a model of spots can search an image.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    spec : EnsembleSpec
        Of a model of spots.

    Returns
    -------
    Recognition
        Not recognised where the window of the spots does not suit the image.
    """
    sizes = spec.matched_filters
    window = Window(sizes.window_px or 0.0, sizes.window_nm).in_image(micrograph.pixel_size_nm)
    fault = unsuited_window(micrograph, window)
    return Recognition(not fault, f"{NOT_RECOGNISED}: {fault}" if fault else "")


def _refused(reason: str) -> Recognition:
    generic = f"the model {GENERAL_MODEL} gives generic names"
    return Recognition(False, f"{NOT_RECOGNISED}: {reason}; {ADVICE}; {generic}", reason)


def _coherence(bulk: NDArray[np.bool_], valid: NDArray[np.bool_]) -> float:
    """Return the mean fraction of Bulk among the valid windows around those of Bulk."""
    share = [uniform_filter(each.astype(np.float32), _AROUND) for each in (bulk, valid)]
    return float((share[0][bulk] / np.maximum(share[1][bulk], 1e-3)).mean())


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
