"""Edge of a crystal beside something without a lattice, to half a lattice period.

A lattice looks the same after a shift by a lattice vector. Where half of the shortest ones lead to
what looks alike there is crystal: also at its edge, where the others lead out of it. Spectra of
tiles, from which grains are known, average over five periods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Sampled

# All lengths in lattice periods.
_AROUND = 0.6
"""Standard deviation of the weights around a place that is compared."""
_ALIKE = 0.55
"""Least correlation coefficient. Amorphous films reach 0.3, the columns at an edge 0.7."""
_INSIDE, _BEYOND = 1.5, 3.0
"""Distance from where the grain ends within it, from which all is crystal whatever it looks like,
and on both sides, up to which it is compared."""
_GAP = 0.75
"""Half the width of a notch that is a defect at the edge, and not the edge."""
_STALK = 0.25
"""Half the width of something that is no part of a crystal."""
_MARGIN, _TIP = 1.75, 1.5
"""Width of the edge that is not searched, as columns there have other neighbours, and half that of
a corner that is none of the rest."""
_BLOCK = 256
"""Edge in samples of the squares that are compared."""


class CrystalEdge(NamedTuple):
    """Where there is crystal.

    Attributes
    ----------
    crystal : ndarray of bool, shape (rows, columns)
        In samples.
    lattice : ndarray of uint8, shape (rows, columns)
        Which lattice of the image each sample near the edge has.
    """

    crystal: NDArray[np.bool_]
    lattice: NDArray[np.uint8]

    def depth(self) -> NDArray[np.float64]:
        """Return the distance (rows, columns) from what is no crystal, in samples.

        Infinite where all is crystal.
        """
        return _distance(~self.crystal)

    def searched(self, period: float) -> NDArray[np.bool_]:
        """Return where something can be called unusual.

        Parameters
        ----------
        period : float
            Samples per lattice period.

        Returns
        -------
        ndarray of bool, shape (rows, columns)
        """
        depth = self.depth()
        core = depth > (_MARGIN + _TIP) * period
        near_core = _distance(core) <= _TIP * period
        found: NDArray[np.bool_] = near_core & (depth > _MARGIN * period)
        return found


def crystal_edge(sampled: Sampled, outside: NDArray[np.bool_]) -> CrystalEdge:
    """Find the edge of a crystal.

    Parameters
    ----------
    sampled : Sampled
        The image, with at least one lattice.
    outside : ndarray of bool, shape (rows, columns)
        Samples outside of the grains; see `outside_crystal.outside_crystal`.

    Returns
    -------
    CrystalEdge
    """
    period = sampled.period
    within = ndimage.distance_transform_edt(~outside)
    sure, near = within > _INSIDE * period, within <= _BEYOND * period
    near &= ndimage.distance_transform_edt(outside) <= _BEYOND * period
    alike, lattice = _alike(sampled, near)
    crystal = _opened(alike | sure, _STALK * period)
    crystal = _closed(_parts_with(sure, crystal), _GAP * period)
    return CrystalEdge(~_parts_with(outside, ~crystal), lattice)


def _parts_with(seeds: NDArray[np.bool_], mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the connected parts of a mask in which there is a seed."""
    parts, count = ndimage.label(mask)
    kept = np.zeros(count + 1, bool)
    kept[parts[seeds]] = True
    kept[0] = False
    return np.asarray(kept[parts])


def _alike(
    sampled: Sampled, near: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    """Return where a part of an image looks as it does a lattice vector away, and which lattice."""
    alike, lattice = np.zeros(near.shape, bool), np.zeros(near.shape, np.uint8)
    halo = round(2 * max(float(np.abs(each).max()) for each in sampled.lattices))
    halo += round(4 * _AROUND * sampled.period)
    for corner in np.ndindex(*(-(-length // _BLOCK) for length in near.shape)):
        own, outer, inner = _block(corner, near.shape, halo)
        if not near[own].any():
            continue
        part = np.asarray(sampled.filtered[outer])
        found = np.stack([_likeness(part, each, sampled.period) for each in sampled.lattices])
        alike[own] = near[own] & (found.max(axis=0)[inner] > _ALIKE)
        if len(found) > 1:
            smooth = ndimage.gaussian_filter(found, (0, sampled.period, sampled.period))
            lattice[own] = smooth.argmax(axis=0)[inner]
    return alike, lattice


def _block(
    corner: tuple[int, ...], shape: tuple[int, ...], halo: int
) -> tuple[tuple[slice, slice], tuple[slice, slice], tuple[slice, slice]]:
    """Return the samples of a square, those with a halo, and the former within the latter."""
    own, outer, inner = [], [], []
    for number, length in zip(corner, shape, strict=True):
        start, stop = number * _BLOCK, min((number + 1) * _BLOCK, length)
        first = max(0, start - halo)
        own.append(slice(start, stop))
        outer.append(slice(first, min(length, stop + halo)))
        inner.append(slice(start - first, stop - first))
    return (own[0], own[1]), (outer[0], outer[1]), (inner[0], inner[1])


def _likeness(
    image: NDArray[np.float32], vectors: NDArray[np.float64], period: float
) -> NDArray[np.float32]:
    """Return the third largest correlation with the six places a short lattice vector away."""
    sigma = _AROUND * period
    mean = ndimage.gaussian_filter(image, sigma)
    power = ndimage.gaussian_filter(np.square(image), sigma) - np.square(mean)
    found = []
    for shift in _three_shortest(vectors):
        there, its_mean, its_power = (_shifted(each, -shift) for each in (image, mean, power))
        both = ndimage.gaussian_filter(image * there, sigma) - mean * its_mean
        forth = both / np.sqrt(np.maximum(power * its_power, 1e-12))
        back = _shifted(forth, shift)
        is_forth, is_back = (_is_inside(image.shape, each) for each in (shift, -shift))
        # Beyond the border of the image, what is on the other side counts for both.
        found += [np.where(is_forth, forth, back), np.where(is_back, back, forth)]
    return np.asarray(np.sort(np.stack(found), axis=0)[-3], np.float32)


def _three_shortest(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the three shortest vectors of a lattice, of each pair of opposite ones one."""
    orders = np.array([(1, 0), (0, 1), (1, 1), (1, -1)])
    candidates = orders @ vectors
    shortest: NDArray[np.float64] = candidates[np.argsort(np.hypot(*candidates.T))[:3]]
    return shortest


def _shifted(image: NDArray[np.float32], shift: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(ndimage.shift(image, shift, order=1, mode="nearest"), np.float32)


def _is_inside(shape: tuple[int, ...], shift: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the places that a shift leaves within an image."""
    y, x = (np.arange(length) + by for length, by in zip(shape, shift, strict=True))
    rows, columns = ((at >= 0) & (at <= n - 1) for at, n in zip((y, x), shape, strict=True))
    return np.asarray(rows[:, None] & columns)


def _distance(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the distance of every place from a mask; what is beyond the border is none of it."""
    if not mask.any():
        return np.full(mask.shape, np.inf)
    return np.asarray(ndimage.distance_transform_edt(~mask))


def _opened(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    return np.asarray(_distance(_distance(~mask) > radius) <= radius)


def _closed(mask: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    return np.asarray(_distance(_distance(mask) > radius) > radius)
