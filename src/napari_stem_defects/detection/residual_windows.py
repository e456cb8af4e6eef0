"""Probability maps of models that see the lattice residual, in px of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.sampling import near_invalid
from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.networks.spec import EnsembleSpec


def map_in_image(
    probability: NDArray[np.float32],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    residual: LatticeResidual,
    micrograph: Micrograph,
    spec: EnsembleSpec,
) -> ProbabilityMap:
    """Return probabilities in samples as windows in px of the image.

    Parameters
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
    y, x : ndarray of float, shape (gy,) and (gx,)
        Centres in samples.
    residual : LatticeResidual
        Of the image.
    micrograph : Micrograph
        One frame.
    spec : EnsembleSpec
        Of the C classes.

    Returns
    -------
    ProbabilityMap
        Windows whose prediction depends on pixels without a value are not valid; no class has a
        probability in those outside of the crystal and at its edge.
    """
    rows, columns = (
        np.clip(np.rint(axis).astype(int), 0, length - 1)
        for axis, length in zip((y, x), residual.shape, strict=True)
    )
    shown = np.ones((len(y), len(x)), bool)
    if residual.blocked is not None:
        shown = ~residual.blocked[np.ix_(rows, columns)]
    sampled = residual.sampled
    y = sampled.to_image(np.column_stack([y, np.zeros_like(y)]))[:, 0]
    x = sampled.to_image(np.column_stack([np.zeros_like(x), x]))[:, 1]
    blocked = near_invalid(micrograph.invalid, micrograph.frame_shape, sampled.period_px)
    rows, columns = (
        np.clip(np.rint(axis).astype(int), 0, length - 1)
        for axis, length in zip((y, x), micrograph.frame_shape, strict=True)
    )
    valid = ~blocked[np.ix_(rows, columns)]
    return ProbabilityMap(
        np.where(shown & valid, probability, np.float32(0)),
        y.astype(np.float32),
        x.astype(np.float32),
        spec.classes,
        valid,
        spec.class_data,
    )


def nothing_recognised(micrograph: Micrograph, spec: EnsembleSpec) -> ProbabilityMap:
    """Return the map of an image without a lattice: one window in which no class is found.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    spec : EnsembleSpec

    Returns
    -------
    ProbabilityMap
    """
    height, width = micrograph.frame_shape
    return ProbabilityMap(
        np.zeros((len(spec.classes), 1, 1), np.float32),
        np.array([(height - 1) / 2], np.float32),
        np.array([(width - 1) / 2], np.float32),
        spec.classes,
        np.ones((1, 1), bool),
        spec.class_data,
    )
