"""The grains of an image, found in its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.anomaly.sampling import Sampled, at_samples, sample
from napari_stem_defects.lattice.grain_map import map_grains
from napari_stem_defects.lattice.grains import GrainMap

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.unit_cell import UnitCell


def grains_of(sampled: Sampled, invalid: NDArray[np.bool_] | None = None) -> GrainMap:
    """Find the grains of an image that is sampled already.

    Parameters
    ----------
    sampled : Sampled
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels of the image without a value.

    Returns
    -------
    GrainMap
        Positions and lengths in px of the image.
    """
    missing = None if invalid is None or not invalid.any() else at_samples(invalid, sampled)
    return map_grains(sampled.filtered, sampled.lattices, sampled.factor, missing)


def find_grains(micrograph: Micrograph, cells: Sequence[UnitCell]) -> GrainMap:
    """Find the grains of a single-frame micrograph.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    cells : sequence of UnitCell
        The unit cells measured in it.

    Returns
    -------
    GrainMap
        Without grains if there is no unit cell.
    """
    if not cells:
        return GrainMap()
    return grains_of(sample(micrograph.pixels, cells), micrograph.invalid)
