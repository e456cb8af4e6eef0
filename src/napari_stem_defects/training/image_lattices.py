"""Lattices of the images of a training set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.lattice.measurement import measure_lattices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.training.dataset import TrainingSet


class ImageLattices:
    """Lattices of images, each measured once, when it is first wanted.

    The geometry of a training set and the contrast of its columns want those of many small images.

    Parameters
    ----------
    images : sequence of ndarray of float32, shape (Y, X)
    """

    def __init__(self, images: Sequence[NDArray[np.float32]]) -> None:
        self._images = images
        self._measured: dict[int, LatticeMeasurement] = {}

    def __getitem__(self, index: int) -> LatticeMeasurement:
        """Return the measurement of the image of this number."""
        if index not in self._measured:
            self._measured[index] = measure_lattices(self._images[index])
        return self._measured[index]


def images_with_sites(data: TrainingSet, most: int) -> NDArray[np.int64]:
    """Return the numbers of the images of a training set that have sites, evenly chosen if many.

    Parameters
    ----------
    data : TrainingSet
    most : int
        Number of images up to which all are returned.

    Returns
    -------
    ndarray of int64
    """
    used = np.unique(data.image)
    evenly = np.linspace(0, len(used) - 1, min(len(used), most)).round().astype(np.intp)
    return np.asarray(used[evenly], np.int64)
