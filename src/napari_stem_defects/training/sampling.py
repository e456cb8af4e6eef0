"""Windows and targets for training: sampling, augmentation and class imbalance.

Windows are cut at labelled sites, unchanged or from augmented views of the images, or at random
positions of simulated scenes. The number of sites per class and view can be limited, so that a
common class does not dominate the training (class imbalance).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.errors import LabelError
from napari_stem_defects.inference.spatial_averaging import AVERAGING_NODES
from napari_stem_defects.preprocessing.pipeline import features, filter_image
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows
from napari_stem_defects.training.augmentation import (
    Augmentation,
    degrade_image,
    dihedral_view,
    filtered_view,
    random_quarter_turn,
)
from napari_stem_defects.training.label_extent import sampling_jitter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.training.dataset import TrainingSet

Image = NDArray[np.float32]

# Distance in radii from which a class of a simulated scene counts as absent.
ABSENT_RADII = 2.5
# Shares of the crystal below which it counts as absent, and from which it counts as Bulk. Local
# contrast is normalised, so that half of a crystal looks similar to all of it.
NO_CRYSTAL, BULK_CRYSTAL = 0.1, 0.7


@dataclass(frozen=True)
class Samples:
    """Windows as inputs of the networks, with their targets.

    Attributes
    ----------
    features : dict of ndarray of float32, each (N, C, H, W)
        Inputs by name, as `preprocessing.pipeline.features` returns them.
    targets : ndarray of float32, shape (N, classes)
        1 where the class is present, 0 where it is absent, NaN where unknown.
    """

    features: dict[str, Image]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.targets)

    def subset(self, keep: NDArray[np.bool_]) -> Samples:
        """Return some of the windows; ``keep`` is a mask of shape (N,)."""
        return Samples({name: a[keep] for name, a in self.features.items()}, self.targets[keep])


def join_samples(parts: Sequence[Samples]) -> Samples:
    """Concatenate samples of the same representation and classes.

    Parameters
    ----------
    parts : sequence of Samples
        At least one.

    Returns
    -------
    Samples
    """
    names = parts[0].features
    return Samples(
        {name: np.concatenate([part.features[name] for part in parts]) for name in names},
        np.concatenate([part.targets for part in parts]),
    )


def plain_samples(data: TrainingSet, preprocessing: PreprocessingSettings) -> Samples:
    """Cut the window at every site without augmentation.

    Parameters
    ----------
    data : TrainingSet
    preprocessing : PreprocessingSettings

    Returns
    -------
    Samples
        One window per site, in the order of the sites.
    """
    size = preprocessing.patch_px
    windows = np.zeros((len(data), size, size), np.float32)
    for index in np.unique(data.image):
        sites = np.flatnonzero(data.image == index)
        filtered = filter_image(data.images[index], preprocessing)
        windows[sites] = _windows_at(filtered, data.y[sites], data.x[sites], size)
    return Samples(features(windows, preprocessing), data.targets)


def augmented_samples(
    data: TrainingSet,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation | None,
    *,
    views: int,
    seed: int,
    max_per_class: int | None = None,
    report: ProgressCallback = silent,
) -> Samples:
    """Cut windows from augmented views of the images.

    Parameters
    ----------
    data : TrainingSet
    preprocessing : PreprocessingSettings
    augmentation : Augmentation or None
        None applies only the symmetry operations of a square to whole patches, the four quarter
        turns of the abstract first; larger images then use the default `Augmentation`.
    views : int
        Number of views of every image.
    seed : int
        Seed of the random choices.
    max_per_class : int, optional
        Largest number of sites of a class that one view of a larger image uses; every view draws
        other sites.
    report : callable
        Receives the progress after every view.

    Returns
    -------
    Samples
        About ``views`` windows per site, or ``views`` times ``max_per_class`` for a class with
        more sites; sites that are outside a view are skipped.

    Raises
    ------
    LabelError
        If there is no site.
    """
    if len(data) == 0:
        raise LabelError("there is nothing to train on; label some places or give more patches")
    rng = np.random.default_rng(seed)
    parts: list[Samples] = []
    images = np.unique(data.image)
    whole = np.isin(images, data.image[data.extent_px == 0])
    if whole.any():
        patches = data.subset(np.isin(data.image, images[whole]))
        for done in range(views):
            parts.append(_patch_view(patches, preprocessing, augmentation, rng, done))
            report(Progress("augmenting patches", done + 1, views))
    larger = images[~whole]
    for number, index in enumerate(larger):
        sites = data.subset(data.image == index)
        for done in range(views):
            some = _limit_per_class(sites, max_per_class, rng)
            parts.append(_image_view(some, index, preprocessing, augmentation, rng))
            report(Progress("augmenting images", number * views + done + 1, views * len(larger)))
    return join_samples(parts)


def _patch_view(
    data: TrainingSet,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation | None,
    rng: np.random.Generator,
    number: int,
) -> Samples:
    """Return one view of every patch: the same symmetry operation, or random augmentation."""
    patches = [data.images[index] for index in data.image]
    if augmentation is None:
        patches = [dihedral_view(patch, number) for patch in patches]
    else:
        if number > 0:
            patches = [random_quarter_turn(patch, rng) for patch in patches]
        patches = [degrade_image(patch, augmentation, rng) for patch in patches]
    filtered = filter_image(np.stack(patches), preprocessing)
    return Samples(features(filtered, preprocessing), data.targets)


def _limit_per_class(sites: TrainingSet, most: int | None, rng: np.random.Generator) -> TrainingSet:
    """Draw at most this number of sites of every class."""
    if most is None:
        return sites
    labels = np.array(sites.labels)
    keep = np.ones(len(sites), bool)
    for name in sorted(set(sites.labels)):
        sites_of_class = np.flatnonzero(labels == name)
        if len(sites_of_class) > most:
            keep[rng.permutation(sites_of_class)[most:]] = False
    return sites if keep.all() else sites.subset(keep)


def _image_view(
    sites: TrainingSet,
    index: int,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation | None,
    rng: np.random.Generator,
) -> Samples:
    """Return the windows of one augmented view, each with a random shift from its site."""
    image = sites.images[index]
    angle = rng.uniform(0, 2 * np.pi, len(sites))
    jitter = sampling_jitter(sites.kinds(), sites.extent_px) * np.sqrt(rng.random(len(sites)))
    points = np.column_stack([sites.y + jitter * np.sin(angle), sites.x + jitter * np.cos(angle)])
    view, moved = filtered_view(image, points, preprocessing, augmentation or Augmentation(), rng)
    limits = np.array(image.shape) - 1
    inside = ((moved >= 0) & (moved <= limits)).all(1)
    y, x = moved[inside].round().astype(np.int64).T
    windows = _windows_at(view, y, x, preprocessing.patch_px)
    targets = sites.targets[inside]
    is_covered = view[y, x] != 0  # the others are outside the image
    return Samples(features(windows[is_covered], preprocessing), targets[is_covered])


def scene_samples(
    image: Image,
    distances: dict[str, NDArray[np.float32]],
    classes: Sequence[str],
    preprocessing: PreprocessingSettings,
    *,
    crystal: Image,
    count: int,
    radius_px: float,
    seed: int,
) -> Samples:
    """Cut windows from a simulated image, whose ground truth is known at every pixel.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    distances : dict of ndarray of float32, shape (Y, X)
        Distance in px from each pixel to the nearest defect of a class.
    classes : sequence of str
        Classes of the ensemble; those without a distance are absent.
    preprocessing : PreprocessingSettings
    crystal : ndarray of float32, shape (Y, X)
        Share of the crystal in each pixel; 0 in vacuum, amorphous films and other crystals. A
        window without a defect is Bulk if the crystal fills its surroundings up to the distance
        at which a defect counts as absent, and is not Bulk if there is hardly any crystal at the
        centre. At the edge of the crystal the target is unknown.
    count : int
        Number of windows; if there is a defect, a third is on it and a third near it.
    radius_px : float
        A class is present up to this distance, and absent from 2.5 times it. In between the
        target is unknown: there a defect fades out under the window function.
    seed : int
        Seed of the positions.

    Returns
    -------
    Samples
        ``count`` windows.
    """
    rng = np.random.default_rng(seed)
    y, x = _positions_near_defects(image.shape, distances, count, radius_px, rng)
    targets = _scene_targets(distances, classes, crystal, y, x, radius_px)
    windows = _windows_at(filter_image(image, preprocessing), y, x, preprocessing.patch_px)
    return Samples(features(windows, preprocessing), targets)


def _scene_targets(
    distances: dict[str, NDArray[np.float32]],
    classes: Sequence[str],
    crystal: Image,
    y: NDArray[np.int64],
    x: NDArray[np.int64],
    radius_px: float,
) -> NDArray[np.float32]:
    """Return the targets (N, C) of windows at N pixels of a simulated scene."""
    absent_px = ABSENT_RADII * radius_px
    targets = np.zeros((len(y), len(classes)), np.float32)
    nearest = np.full(len(y), np.inf, np.float32)
    for name, distance in distances.items():
        at_window = distance[y, x]
        nearest = np.minimum(nearest, at_window)
        if name in classes:
            column = targets[:, list(classes).index(name)]
            column[at_window <= radius_px] = 1
            column[(at_window > radius_px) & (at_window < absent_px)] = np.nan
    if BULK in classes:
        smallest_share = minimum_filter(crystal, 2 * round(absent_px) + 1, mode="nearest")[y, x]
        bulk = targets[:, list(classes).index(BULK)]
        may_be_bulk = (nearest > radius_px) & (crystal[y, x] >= NO_CRYSTAL)
        bulk[may_be_bulk] = np.nan
        bulk[may_be_bulk & (nearest >= absent_px) & (smallest_share >= BULK_CRYSTAL)] = 1
    return targets


def _positions_near_defects(
    shape: tuple[int, ...],
    distances: dict[str, NDArray[np.float32]],
    count: int,
    radius_px: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw pixels (y, x) so that a third is on defects, a third near them and a third anywhere."""
    weight = np.ones(shape, np.float64)
    for distance in distances.values():
        for reach in (radius_px, 4 * radius_px):
            near = distance <= reach
            if near.any():
                weight[near] += near.size / near.sum() / len(distances)
    chosen = rng.choice(weight.size, count, p=(weight / weight.sum()).ravel())
    y, x = np.unravel_index(chosen, shape)
    return y.astype(np.int64), x.astype(np.int64)


def _windows_at(
    filtered: Image,
    y: NDArray[np.float64] | NDArray[np.int64],
    x: NDArray[np.float64] | NDArray[np.int64],
    size: int,
) -> Image:
    """Cut windows of an edge of ``size`` px around positions of a preprocessed image."""
    rows, columns = np.round(y).astype(np.int64), np.round(x).astype(np.int64)
    return cut(pad_for_windows(filtered, size), rows, columns, size)


def averaging_positions(sites: TrainingSet, sigma_px: float) -> Iterator[tuple[TrainingSet, float]]:
    """Yield the positions whose predictions are averaged for each site, with their weights.

    The weighted mean over these positions (Gauss-Hermite quadrature) corresponds to the spatial
    averaging of `inference.spatial_averaging` on the grid of the sliding window.

    Parameters
    ----------
    sites : TrainingSet
    sigma_px : float
        Standard deviation of the Gaussian weights in px; 0 for no averaging.

    Yields
    ------
    TrainingSet
        The shifted sites. Whole patches are not shifted: the position of their defect is unknown.
    float
        Weight of these positions; the weights sum to 1.
    """
    if sigma_px == 0:
        yield sites, 1.0
        return
    sigma = sigma_px * (sites.extent_px > 0)
    for (node_y, node_x), weight in AVERAGING_NODES.items():
        yield shift_sites(sites, node_y * sigma, node_x * sigma), weight


def shift_sites(
    sites: TrainingSet, dy: NDArray[np.floating[Any]], dx: NDArray[np.floating[Any]]
) -> TrainingSet:
    """Shift sites, at most to the border of their images.

    Parameters
    ----------
    sites : TrainingSet
    dy, dx : ndarray of float, shape (n,)
        Shift of each site in px.

    Returns
    -------
    TrainingSet
    """
    limits = np.array([image.shape for image in sites.images], np.float64)[sites.image] - 1
    y, x = np.clip(sites.y + dy, 0, limits[:, 0]), np.clip(sites.x + dx, 0, limits[:, 1])
    return replace(sites, y=y, x=x)
