"""Evidence of the quick model that taught networks, beside that of the networks.

Matched filters measure best what clicks have in common, because they average them; networks
recognise what differs from click to click. The mean of both logits errs less than either (Hansen
and Salamon, IEEE Transactions on Pattern Analysis and Machine Intelligence 12, 993, 1990).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import maximum_filter
from scipy.special import expit, logit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.postprocessing.results import ProbabilityMap

_SHARE = {"bulk": 0.5, "point": 0.5, "line": 0.5, "area": 0.8}
"""Weight of the teacher by the kind of a class: networks draw areas a period too wide."""
_MOST_LOGIT = 6.0
"""Logits are clipped to this magnitude, so that neither overrules the other alone."""
_NEAR_CELLS = 3
"""Edge, in cells of a third of a lattice period, of where the evidence of a site is sought."""


def mean_probability(
    networks: NDArray[np.floating], teacher: NDArray[np.floating], kind: str
) -> NDArray[np.float32]:
    """Return the probability of the mean logit of networks and teacher.

    Parameters
    ----------
    networks, teacher : ndarray of float, shape (...)
        Probabilities of a class.
    kind : {"bulk", "point", "line", "area"}
        Of the class.

    Returns
    -------
    ndarray of float32, shape (...)
        0 where both are 0, as outside of the crystal.
    """
    share = _SHARE[kind]
    mean = (1 - share) * _clipped_logit(networks) + share * _clipped_logit(teacher)
    none = (np.asarray(networks) == 0) & (np.asarray(teacher) == 0)
    probability: NDArray[np.float32] = np.where(none, 0, expit(mean)).astype(np.float32)
    return probability


def mean_of_classes(
    networks: NDArray[np.floating],
    teacher: NDArray[np.floating],
    classes: Sequence[DefectClass],
) -> NDArray[np.float32]:
    """Return the probabilities of the mean logits of networks and teacher at some places.

    Parameters
    ----------
    networks, teacher : ndarray of float, shape (N, C)
        Probabilities.
    classes : sequence of DefectClass
        The C classes.

    Returns
    -------
    ndarray of float32, shape (N, C)
    """
    columns = [
        mean_probability(networks[:, column], teacher[:, column], each.kind)
        for column, each in enumerate(classes)
    ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class TeacherEvidence:
    """What the teacher finds in a frame.

    Attributes
    ----------
    map : ProbabilityMap
        Of the teacher, on cells of a third of a lattice period, with their centres in px of the
        frame.
    """

    map: ProbabilityMap

    def averaged(self, found: ProbabilityMap) -> ProbabilityMap:
        """Return the mean with what the networks found in the frame.

        Parameters
        ----------
        found : ProbabilityMap
            With the classes of the teacher, on a grid of its own.

        Returns
        -------
        ProbabilityMap
            On the grid of ``found``; no class has a probability where the networks found none,
            outside of the crystal.
        """
        grid = np.stack(np.meshgrid(found.y, found.x, indexing="ij"), axis=-1)
        layers = []
        for values, each in zip(found.probability, found.class_data, strict=True):
            taught = self._at(self._probability(each.name), grid)
            layers.append(mean_probability(values, taught, each.kind))
        # Between a cell outside of the crystal and its neighbour the teacher's are interpolated.
        searched = found.valid & found.probability.any(axis=0)
        return replace(found, probability=np.where(searched, layers, np.float32(0)))

    def at_sites(
        self, class_name: str, probability: NDArray[np.float32], sites: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the mean with what the networks find at the sites of point defects.

        Parameters
        ----------
        class_name : str
        probability : ndarray of float32, shape (N,)
            Of the networks.
        sites : ndarray of float64, shape (N, 2)
            y and x in px of the frame.

        Returns
        -------
        ndarray of float32, shape (N,)
            Of the teacher counts the highest probability within half a lattice period.
        """
        highest = maximum_filter(self._probability(class_name), _NEAR_CELLS)
        return mean_probability(probability, self._at(highest, sites), "point")

    def _probability(self, class_name: str) -> NDArray[np.float32]:
        layer: NDArray[np.float32] = self.map.probability[self.map.classes.index(class_name)]
        return layer

    def _at(
        self, probability: NDArray[np.float32], places: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Return probabilities at places (..., 2), their logits interpolated between the cells."""
        axes = self.map.y.astype(np.float64), self.map.x.astype(np.float64)
        within = np.clip(places, [axis[0] for axis in axes], [axis[-1] for axis in axes])
        none = RegularGridInterpolator(axes, (probability == 0).astype(np.float64))(within) == 1
        between = RegularGridInterpolator(axes, _clipped_logit(probability))(within)
        return np.where(none, 0.0, expit(between))


def _clipped_logit(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    lowest = float(expit(-_MOST_LOGIT))
    return np.asarray(logit(np.clip(probability.astype(np.float64), lowest, 1 - lowest)))
