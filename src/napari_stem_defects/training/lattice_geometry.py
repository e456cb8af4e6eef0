"""Geometry of the lattice in the images that a model is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.lattice.measurement import measure_lattices

if TYPE_CHECKING:
    from napari_stem_defects.training.dataset import TrainingSet

_MAX_IMAGES = 120
_MIN_SHARE = 0.2
"""Minimum share of the images that show a lattice; patches on a defect often show none."""
_MIN_AGREEING = 0.6
"""Minimum share of the measured lattices that fit the median; images of two crystals fit none."""


def measure_geometry(data: TrainingSet) -> LatticeGeometry | None:
    """Measure the lattice geometry of a training set.

    Parameters
    ----------
    data : TrainingSet

    Returns
    -------
    LatticeGeometry or None
        Median angle and ratio of the images with sites, evenly chosen if there are many, and the
        median spacing if their pixel size is known; None where too few show a lattice or where
        they show different ones.
    """
    used = np.unique(data.image)
    chosen = used[np.linspace(0, len(used) - 1, min(len(used), _MAX_IMAGES)).round().astype(int)]
    cells = [measure_lattices(data.images[index]).cell for index in chosen]
    found = [cell for cell in cells if cell is not None]
    if not found or len(found) < _MIN_SHARE * len(chosen):
        return None
    angle = float(np.median([cell.angle_deg for cell in found]))
    ratio = float(np.median([cell.ratio for cell in found]))
    spacing_px = float(np.median([cell.spacing_px for cell in found]))
    size = data.pixel_size_nm
    geometry = LatticeGeometry(
        round(min(max(angle, 60.0), 90.0), 2),
        round(max(ratio, 1.0), 3),
        spacing_nm=None if size is None else round(spacing_px * size, 4),
    )
    agreeing = np.mean([geometry.misfit(cell) <= 1 for cell in found])
    return geometry if agreeing >= _MIN_AGREEING else None
