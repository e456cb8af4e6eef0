"""Geometry of the lattice in the images that a model is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.training.image_lattices import ImageLattices, images_with_sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.training.dataset import TrainingSet

_MAX_IMAGES = 120
_MIN_SHARE = 0.2
"""Minimum share of the images that show a lattice; patches on a defect often show none."""
_MIN_AGREEING = 0.6
"""Minimum share of the measured lattices that fit the median; images of two crystals fit none."""


def measure_geometry(
    data: TrainingSet, lattices: ImageLattices | None = None
) -> LatticeGeometry | None:
    """Measure the lattice geometry of a training set.

    Parameters
    ----------
    data : TrainingSet
    lattices : ImageLattices, optional
        Those of its images that are measured already.

    Returns
    -------
    LatticeGeometry or None
        Median angle and ratio of the images with sites, evenly chosen if there are many, and the
        median spacing if their pixel size is known; None where too few show a lattice or where
        they show different ones.
    """
    lattices = lattices or ImageLattices(data.images)
    chosen = images_with_sites(data, _MAX_IMAGES)
    cells = [lattices[index].cell for index in chosen]
    found = [cell for cell in cells if cell is not None]
    if not found or len(found) < _MIN_SHARE * len(chosen):
        return None
    return geometry_of_cells(found, [data.pixel_size_nm] * len(found))


def geometry_of_cells(
    cells: Sequence[UnitCell], pixel_sizes_nm: Sequence[float | None]
) -> LatticeGeometry | None:
    """Return the geometry that unit cells of several images share.

    Parameters
    ----------
    cells : sequence of UnitCell
        At least one.
    pixel_sizes_nm : sequence of float or None
        Edge of a pixel in nm of the image of each cell.

    Returns
    -------
    LatticeGeometry or None
        Median angle and ratio, and the median spacing of the calibrated images; None where fewer
        than six of ten cells fit it.
    """
    angle = float(np.median([cell.angle_deg for cell in cells]))
    ratio = float(np.median([cell.ratio for cell in cells]))
    spacings = [
        cell.spacing_px * size
        for cell, size in zip(cells, pixel_sizes_nm, strict=True)
        if size is not None
    ]
    geometry = LatticeGeometry(
        round(min(max(angle, 60.0), 90.0), 2),
        round(max(ratio, 1.0), 3),
        spacing_nm=round(float(np.median(spacings)), 4) if spacings else None,
    )
    agreeing = np.mean([geometry.misfit(cell) <= 1 for cell in cells])
    return geometry if agreeing >= _MIN_AGREEING else None
