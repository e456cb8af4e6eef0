"""Names of point defects that are seen by the networks as if each were alone.

The networks have learned from point defects a few periods apart. Where one column in ten is
missing, most windows show several, and look like nothing that was learned. And what is predicted
from a defect differs from the crystal, too: without noise, it is surrounded by a rosette that looks
like a boundary. So each place is left out of what its surroundings are predicted from, and put into
the residual of the crystal without the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.special import expit, logit

from napari_stem_defects.base.defect_classes import BULK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.anomaly.sampling import Sampled
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import ProbabilityMap

_RADIUS = 0.9
"""Radius in length units within which the residual belongs to the nearest place."""
_EXTENT = 0.35
"""Distance in length units from a place up to which windows show its defect."""
_OWN = 0.5
"""Distance in length units up to which windows near a place show no other defect."""
_BESIDE = 1.5
"""Distance in length units up to which a line or an area may be the surroundings of a point."""
_HIGHEST = 25.0
"""Height of a place up to which networks see it as it is: what is limited on all of its width looks
like no column."""
_MARGIN = 8
"""Samples between the windows of two places."""
_LOWEST = 1e-5


class PlacesAlone(NamedTuple):
    """Point defects, each as if it were alone.

    Attributes
    ----------
    places : ndarray of int, shape (N, 2)
        y and x in samples.
    values : ndarray of float32, shape (rows, columns)
        The residual without a limit, of each place against a crystal without the others.
    rest : LatticeResidual
        Of the crystal without the places.
    """

    places: NDArray[np.intp]
    values: NDArray[np.float32]
    rest: LatticeResidual


@dataclass(frozen=True)
class PlaceNames:
    """What networks see in places that are alone.

    Attributes
    ----------
    alone : PlacesAlone
    sign : int, or ndarray of int8, shape (rows, columns)
        1 for bright columns, -1 for dark ones.
    ensemble : Ensemble
        With the representation "residual".
    device : str
        A torch device name.
    """

    alone: PlacesAlone
    sign: int | NDArray[np.int8]
    ensemble: Ensemble
    device: str

    def added_to(
        self,
        found: ProbabilityMap,
        thresholds: Mapping[str, float],
        chosen: NDArray[np.bool_] | None = None,
    ) -> ProbabilityMap:
        """Return a probability map with the names of the places.

        Parameters
        ----------
        found : ProbabilityMap
            With its windows in px of the image.
        thresholds : mapping of str to float
            Of all classes.
        chosen : ndarray of bool, shape (N,), optional
            The places whose names are added; all by default.

        Returns
        -------
        ProbabilityMap
            Near a place that has a name, only this point class has a probability.
        """
        points = [c.name for c in found.class_data if c.kind == "point" and c.name != BULK]
        places = self.alone.places
        if not len(places) or not points:
            return found
        probability = found.probability.copy()
        logits = np.stack([_logit(self.probabilities(name)) for name in points])
        bulk = _logit(self.probabilities(BULK)) if BULK in found.classes else None
        limits = np.array([float(logit(thresholds[name])) for name in points])
        best = (logits - limits[:, None]).argmax(axis=0)
        grid, away, nearest = self._windows(found)
        near = away <= _OWN
        if chosen is not None:
            near &= chosen[nearest]
        at = tuple(grid[near].T)
        share = np.square(away[near] / _EXTENT)
        of = nearest[near]
        for number, name in enumerate(points):
            layer = probability[found.classes.index(name)]
            above = logits[number] - limits[number]
            # At the extent of a column the threshold; only the best name of a place has more.
            shaped = limits[number] + above[of] - np.abs(above[of]) * share
            shaped = np.where(best[of] == number, shaped, np.minimum(shaped, limits[number] - 1))
            layer[at] = np.where(found.valid[at], expit(shaped), 0)
        if bulk is not None:
            layer = probability[found.classes.index(BULK)]
            layer[at] = np.minimum(layer[at], expit(bulk[of]))
        return replace(found, probability=probability)

    def probabilities(self, class_name: str) -> NDArray[np.float32]:
        """Return the probability of a class at each place, as if it were alone.

        Parameters
        ----------
        class_name : str

        Returns
        -------
        ndarray of float32, shape (N,)
        """
        # Imported here so that panels can use the package without loading torch.
        from napari_stem_defects.inference.site_evidence import SiteEvidence

        edge = self._tiles.shape[1]
        evidence = SiteEvidence(self._tiles, self.ensemble, class_name, self.device)
        middles = np.full((len(self.alone.places), 2), edge // 2, np.float64)
        middles[:, 0] += edge * np.arange(len(middles))
        return evidence.probabilities(middles)

    @cached_property
    def _tiles(self) -> NDArray[np.float32]:
        """Return the surroundings of each place, one below the other: (N * edge, edge)."""
        half = self.ensemble.spec.preprocessing.patch_px // 2 + _MARGIN
        edge = 2 * half + 1
        rest = np.pad(self.alone.rest.whole(), half)
        values = np.pad(self.alone.values, half)
        corners = self.alone.places
        offsets = np.mgrid[-half : half + 1, -half : half + 1].reshape(2, -1).T
        radius = _RADIUS * self.alone.rest.sampled.samples
        within = np.flatnonzero(np.hypot(*offsets.T) <= radius)
        reach = round(_EXTENT * self.alone.rest.sampled.samples)
        middle = slice(half - reach, half + reach + 1)
        tree = cKDTree(self.alone.places)
        tiles = np.empty((len(corners), edge, edge), np.float32)
        for tile, (y, x), number in zip(tiles, corners, range(len(corners)), strict=True):
            tile[:] = rest[y : y + edge, x : x + edge]
            own = within[tree.query(offsets[within] + (y, x))[1] == number]
            seen = values[y : y + edge, x : x + edge]
            peak = float(np.abs(seen[middle, middle]).max())
            seen = np.clip(seen * min(1.0, _HIGHEST / max(peak, 1.0)), -_HIGHEST, _HIGHEST)
            tile.reshape(-1)[own] = seen.reshape(-1)[own]
        signs = np.broadcast_to(self.sign, self.alone.values.shape)[tuple(corners.T)]
        tiles *= signs[:, None, None]
        return tiles.reshape(-1, edge)

    def _windows(
        self, found: ProbabilityMap
    ) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.intp]]:
        """Return the windows (M, 2) of a map, and how far from which place, in length units.

        The window that is nearest to a place counts as at it.
        """
        sampled = self.alone.rest.sampled
        grid = np.argwhere(np.ones(found.valid.shape, bool))
        samples = sampled.to_samples(found.centres_of(grid))
        away, nearest = cKDTree(self.alone.places).query(samples)
        closest = cKDTree(samples).query(self.alone.places)[1]
        away[closest], nearest[closest] = 0, np.arange(len(closest))
        return grid, away / sampled.samples, nearest


class NamedNear(NamedTuple):
    """Which places have no name, and which are in a line or an area.

    Attributes
    ----------
    unnamed, extended : ndarray of bool, shape (N,)
    """

    unnamed: NDArray[np.bool_]
    extended: NDArray[np.bool_]

    def any(self) -> bool:
        """Return whether there is such a place.

        Returns
        -------
        bool
        """
        return bool(self.unnamed.any() or self.extended.any())


def named_near(
    found: ProbabilityMap,
    places: NDArray[np.intp],
    sampled: Sampled,
    thresholds: Mapping[str, float],
) -> NamedNear:
    """Return what has a name near some places.

    Parameters
    ----------
    found : ProbabilityMap
        With its windows in px of the image.
    places : ndarray of int, shape (N, 2)
        y and x in samples.
    sampled : Sampled
        The image.
    thresholds : mapping of str to float
        Of all classes.

    Returns
    -------
    NamedNear
    """
    grid = np.meshgrid(found.y, found.x, indexing="ij")
    samples = sampled.to_samples(np.stack(grid, axis=-1).reshape(-1, 2).astype(np.float64))
    passes = []
    for kinds, near in ((("point",), _OWN), (("line", "area"), _BESIDE)):
        named = np.zeros(found.valid.shape, bool)
        for each, layer in zip(found.class_data, found.probability, strict=True):
            if each.kind in kinds and each.name != BULK:
                named |= layer >= thresholds[each.name]
        at = samples[named.ravel()]
        away = cKDTree(at).query(places)[0] if len(at) else np.full(len(places), np.inf)
        passes.append(np.asarray(away <= near * sampled.samples))
    return NamedNear(~passes[0], passes[1])


def _logit(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    clipped = np.clip(probability.astype(np.float64), _LOWEST, 1 - _LOWEST)
    return np.asarray(logit(clipped))
