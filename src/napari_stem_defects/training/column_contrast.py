"""Whether the images that a model is trained on show bright or dark columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.contrast import CLEAR, column_sharpness
from napari_stem_defects.training.image_lattices import ImageLattices, images_with_sites

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.networks.spec import TrainedContrast
    from napari_stem_defects.training.dataset import TrainingSet

_MAX_IMAGES = 60
_MIN_SHARE = 0.1
"""Minimum share of the images that show a lattice; patches on a defect often show none."""
_SEVERAL, _CLEAR_OF_SEVERAL = 5, 0.2
"""Number of images from which their median is clear at a lower sharpness than a single image."""
_MOST_OTHERS = 0.1
"""Share of the clear images up to which those of the other contrast are errors."""


def measure_contrast(
    data: TrainingSet, lattices: ImageLattices | None = None
) -> TrainedContrast | None:
    """Return the contrast of the columns of a training set.

    Parameters
    ----------
    data : TrainingSet
    lattices : ImageLattices, optional
        Those of its images that are measured already.

    Returns
    -------
    {"bright", "dark", "both"} or None
        Of the images with sites, evenly chosen if there are many; None where too few are clear.
    """
    lattices = lattices or ImageLattices(data.images)
    chosen = images_with_sites(data, _MAX_IMAGES)
    found = []
    for index in chosen:
        cells = lattices[index].cells
        if cells:
            found.append(column_sharpness(data.images[index], cells))
    return None if len(found) < _MIN_SHARE * len(chosen) else contrast_of(found)


def contrast_of(found: Sequence[float]) -> TrainedContrast | None:
    """Return the contrast of images from how clear that of each is.

    Parameters
    ----------
    found : sequence of float
        `anomaly.contrast.column_sharpness` of each.

    Returns
    -------
    {"bright", "dark", "both"} or None
        None where it is not clear.
    """
    if not found:
        return None
    values = np.array(found)
    bright, dark = int((values > CLEAR).sum()), int((values < -CLEAR).sum())
    if min(bright, dark) > _MOST_OTHERS * (bright + dark):
        return "both"
    typical = float(np.median(values))
    if abs(typical) <= (CLEAR if len(values) < _SEVERAL else _CLEAR_OF_SEVERAL):
        return None
    return "bright" if typical > 0 else "dark"
