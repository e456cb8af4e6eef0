"""Labelled sites for both pretrained ensembles, and how they are divided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree
from skimage.transform import rescale

from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet, from_patches

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Pixels of a block of an image that is on one side of `is_on_white_square`.
BLOCK_PX = 128


def other_crystals(data: Path, names: tuple[str, ...], pixel_size_nm: float) -> TrainingSet:
    """Return sites without any class on other crystals, as negatives."""
    parents = [clicks_without_class(read(data / name).pixels) for name in names]
    return from_clicks(parents, pixel_size_nm=pixel_size_nm)


def scaled_other_crystals(
    data: Path, pixel_sizes_nm: dict[str, float], size_nm: float
) -> TrainingSet:
    """Return sites without any class on other crystals, resampled as in detection."""
    parents = []
    for name, pixel_size_nm in pixel_sizes_nm.items():
        factor = pixel_size_nm / size_nm
        image = rescale(read(data / name).pixels, factor, order=3, anti_aliasing=factor < 1)
        parents.append(clicks_without_class(image.astype(np.float32)))
    return from_clicks(parents, pixel_size_nm=size_nm)


def clicks_without_class(image: NDArray[np.float32]) -> Clicks:
    """Return sites without any class on a grid over an image."""
    y, x = np.mgrid[16 : image.shape[0] : 48, 16 : image.shape[1] : 48].reshape(2, -1)
    return Clicks(image, y.astype(float), x.astype(float), ("other",) * len(y))


def patches_of(folder: Path, label: str) -> TrainingSet:
    """Return the patches of one class of a folder."""
    patches = read_patch_folder(folder)
    mine = np.array([name == label for name in patches.classes])
    return from_patches(patches.patches[mine], [label] * int(mine.sum()))


def without_neighbours(
    data: TrainingSet, held: NDArray[np.bool_], patch_px: int
) -> tuple[TrainingSet, TrainingSet]:
    """Return the held-out sites, and the others whose windows share no pixel with theirs."""
    free = ~held
    at = np.column_stack([data.source_y, data.source_x])
    for source in np.unique(data.source[held]):
        in_source = data.source == source
        distance = cKDTree(at[held & in_source]).query(at, p=np.inf)[0]
        free &= ~in_source | (distance >= patch_px)
    return data.subset(held), data.subset(free)


def is_on_white_square(data: TrainingSet) -> NDArray[np.bool_]:
    """Return which sites are on the white squares of a chequerboard; shape (n,)."""
    blocks = data.source_y // BLOCK_PX + data.source_x // BLOCK_PX
    white: NDArray[np.bool_] = blocks % 2 == 0
    return white
