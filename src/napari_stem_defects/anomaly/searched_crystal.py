"""The part of an image in which something can be unusual, and the image sampled for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.continued_crystal import continued_crystal
from napari_stem_defects.anomaly.crystal_edge import crystal_edge
from napari_stem_defects.anomaly.even_noise import even_noise
from napari_stem_defects.anomaly.grain_structure import grains_of
from napari_stem_defects.anomaly.outside_crystal import outside_crystal
from napari_stem_defects.anomaly.sampling import at_pixels, at_samples, near_invalid, sample
from napari_stem_defects.lattice.unit_cell import lattice_period

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Sampled, Scale
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.grains import GrainMap
    from napari_stem_defects.lattice.unit_cell import UnitCell


_LARGE = 1 << 24
"""Pixels beyond which copies of an image would take too much memory: its noise stays as it is."""


@dataclass(frozen=True)
class SearchedCrystal:
    """A sampled image, and where its residual means something.

    Attributes
    ----------
    sampled : Sampled
        Its crystal is continued beyond its edge.
    grain_map : GrainMap
        The grains of the image.
    outside : ndarray of bool, shape (Y, X), or None
        Parts of the image that show no lattice and reach its border; None if there are none.
    unknown : ndarray of bool, shape (Y, X)
        Pixels without a value, and those whose prediction depends on them.
    blocked : ndarray of bool, shape (Y, X)
        Those, what is outside of the crystal, and its edge.
    """

    sampled: Sampled
    grain_map: GrainMap
    outside: NDArray[np.bool_] | None
    unknown: NDArray[np.bool_]
    blocked: NDArray[np.bool_]


def searched_crystal(
    micrograph: Micrograph, cells: Sequence[UnitCell], scale: Scale | None = None
) -> SearchedCrystal:
    """Sample an image, and find where its residual means something.

    Parameters
    ----------
    micrograph : Micrograph
        One frame, without disturbed scan rows.
    cells : sequence of UnitCell
        The lattices of the image, at least one.
    scale : Scale, optional
        By default what suits the image; see `anomaly.sampling.sample`.

    Returns
    -------
    SearchedCrystal
    """
    pixels, shape = micrograph.pixels, micrograph.frame_shape
    sampled = sample(pixels, cells, scale)
    grain_map = grains_of(sampled, micrograph.invalid)
    outside = outside_crystal(pixels, grain_map)
    unknown = near_invalid(micrograph.invalid, shape, lattice_period(cells[0]))
    if outside is None:
        even = _with_even_noise(sampled, unknown)
        return SearchedCrystal(even, grain_map, None, unknown, unknown)
    edge = crystal_edge(sampled, at_samples(outside, sampled))
    blocked = unknown | ~at_pixels(edge.searched(sampled.period), sampled, shape)
    sampled = sample(continued_crystal(pixels, sampled, edge), cells, scale)
    even = _with_even_noise(sampled, blocked)
    return SearchedCrystal(even, grain_map, outside, unknown, blocked)


def _with_even_noise(sampled: Sampled, blocked: NDArray[np.bool_]) -> Sampled:
    """Return an image whose crystal has the same noise everywhere, see `anomaly.even_noise`."""
    filtered, pixels = sampled.filtered, sampled.pixels
    if pixels is None or pixels.size > _LARGE or not isinstance(filtered, np.ndarray):
        return sampled
    even = even_noise(filtered, pixels, sampled.lattices, sampled.period, blocked)
    return replace(sampled, filtered=even)
