"""Turning labelled sites into what the networks train on: features and targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.progress import Progress, Report, silent
from napari_stem_defects.errors import LabelError
from napari_stem_defects.preprocessing.pipeline import (
    features,
    filter_image,
)
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows
from napari_stem_defects.training.augmentation import (
    Augmentation,
    disturbed,
    flat_view,
    quarter_view,
    square_view,
)
from napari_stem_defects.training.label_extent import strays_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_stem_defects.preprocessing.settings import (
        PreprocessingSettings,
    )
    from napari_stem_defects.training.dataset import TrainingSet

Image = NDArray[np.float32]

ABSENT_RADII = 2.5
# Shares of the crystal below which it counts as gone, and from which it counts as bulk. Local
# contrast is evened out, so that half of a crystal looks much like all of it.
NO_CRYSTAL, BULK_CRYSTAL = 0.1, 0.7


@dataclass(frozen=True)
class Samples:
    """Windows ready for the networks.

    Attributes
    ----------
    features : dict of ndarray of float32, each (N, C, H, W)
        What `preprocessing.features` gave.
    targets : ndarray of float32, shape (N, classes)
        1, 0, or NaN where nobody knows.
    """

    features: dict[str, Image]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.targets)

    def only(self, keep: NDArray[np.bool_]) -> Samples:
        """Return some of the windows."""
        return Samples({name: a[keep] for name, a in self.features.items()}, self.targets[keep])


def joined(parts: Sequence[Samples]) -> Samples:
    """Put samples of the same representation and classes together."""
    names = parts[0].features
    return Samples(
        {name: np.concatenate([part.features[name] for part in parts]) for name in names},
        np.concatenate([part.targets for part in parts]),
    )


def plain_samples(data: TrainingSet, preprocessing: PreprocessingSettings) -> Samples:
    """Cut the window of every site as it stands, one per site, in the order of the sites."""
    size = preprocessing.patch_px
    windows = np.zeros((len(data), size, size), np.float32)
    for index in np.unique(data.image):
        mine = np.flatnonzero(data.image == index)
        flat = filter_image(data.images[index], preprocessing)
        windows[mine] = _windows_at(flat, data.y[mine], data.x[mine], size)
    return Samples(features(windows, preprocessing), data.targets)


def augmented_samples(
    data: TrainingSet,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation | None,
    *,
    views: int,
    seed: int,
    most_per_class: int | None = None,
    report: Report = silent,
) -> Samples:
    """Cut windows from many views of the parents.

    Parameters
    ----------
    data : TrainingSet
    preprocessing : Preprocessing
    augmentation : Augmentation or None
        None lays every whole patch down in ``views`` of the eight ways there are, the abstract's
        four quarter turns first, and changes nothing else; sites in larger parents are then seen
        with the default `Augmentation`.
    views : int
        How often every parent is looked at.
    seed : int
    most_per_class : int, optional
        A view of a larger parent shows so many sites of a class, others each time.

    Returns
    -------
    Samples
        About ``views`` windows per site, or ``views`` times ``most_per_class`` per class that
        has more; sites that a view turned out of the frame are left out.

    Raises
    ------
    LabelError
        Where there is no site.
    """
    if len(data) == 0:
        raise LabelError("there is nothing to train on; label some places or give more patches")
    rng = np.random.default_rng(seed)
    parts: list[Samples] = []
    parents = np.unique(data.image)
    whole = np.isin(parents, data.image[data.radius_px == 0])
    if whole.any():
        patches = data.only(np.isin(data.image, parents[whole]))
        for done in range(views):
            parts.append(_patch_view(patches, preprocessing, augmentation, rng, done))
            report(Progress("augmenting patches", done + 1, views))
    larger = parents[~whole]
    for number, index in enumerate(larger):
        sites = data.only(data.image == index)
        for done in range(views):
            some = _thinned(sites, most_per_class, rng)
            parts.append(_parent_view(some, index, preprocessing, augmentation, rng))
            report(Progress("augmenting images", number * views + done + 1, views * len(larger)))
    return joined(parts)


def _patch_view(
    data: TrainingSet,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation | None,
    rng: np.random.Generator,
    number: int,
) -> Samples:
    """Look at every patch the same way, or, disturbed, turned by a quarter of its own."""
    patches = [data.images[index] for index in data.image]
    if augmentation is None:
        patches = [square_view(patch, number) for patch in patches]
    else:
        if number > 0:
            patches = [quarter_view(patch, rng) for patch in patches]
        patches = [disturbed(patch, augmentation, rng) for patch in patches]
    flat = filter_image(np.stack(patches), preprocessing)
    return Samples(features(flat, preprocessing), data.targets)


def _thinned(sites: TrainingSet, most: int | None, rng: np.random.Generator) -> TrainingSet:
    """Draw so many sites of every class that has more."""
    if most is None:
        return sites
    labels = np.array(sites.labels)
    keep = np.ones(len(sites), bool)
    for name in sorted(set(sites.labels)):
        mine = np.flatnonzero(labels == name)
        if len(mine) > most:
            keep[rng.permutation(mine)[most:]] = False
    return sites if keep.all() else sites.only(keep)


def _parent_view(
    sites: TrainingSet,
    index: int,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation | None,
    rng: np.random.Generator,
) -> Samples:
    image = sites.images[index]
    angle = rng.uniform(0, 2 * np.pi, len(sites))
    reach = strays_of(sites) * np.sqrt(rng.random(len(sites)))
    points = np.column_stack([sites.y + reach * np.sin(angle), sites.x + reach * np.cos(angle)])
    flat, moved = flat_view(image, points, preprocessing, augmentation or Augmentation(), rng)
    limits = np.array(image.shape) - 1
    inside = ((moved >= 0) & (moved <= limits)).all(1)
    # A site of which the view shows no pixel teaches nothing.
    y, x = moved[inside].round().astype(np.int64).T
    windows = _windows_at(flat, y, x, preprocessing.patch_px)
    targets = sites.targets[inside]
    seen = flat[y, x] != 0
    return Samples(features(windows[seen], preprocessing), targets[seen])


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
    """Cut windows from an image of which everything is known, as a simulated one.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    distances : dict of ndarray of float32, shape (Y, X)
        Distance in px from each pixel to the nearest defect of a class.
    classes : sequence of str
        The ensemble's classes; those without a distance are absent.
    preprocessing : Preprocessing
    crystal : ndarray of float32, shape (Y, X)
        How much of the crystal stands in each pixel; 0 in vacuum, amorphous matter and other
        crystals. A window without a defect is Bulk where most of it stands as far around its
        centre as a defect would be absent, and is not where hardly any stands at the centre.
        What a window at the crystal's edge should say is left open.
    count : int
        Number of windows; where there is a defect a third on it and a third near it.
    radius_px : float
        A class holds up to this distance, and is absent from two and a half times it. What a
        window in between should say is left open: there a defect fades out under the window
        function.
    seed : int
    """
    rng = np.random.default_rng(seed)
    y, x = _interesting_places(image.shape, distances, count, radius_px, rng)
    absent_px = ABSENT_RADII * radius_px
    targets = np.zeros((len(y), len(classes)), np.float32)
    nearest = np.full(len(y), np.inf, np.float32)
    for name, distance in distances.items():
        here = distance[y, x]
        nearest = np.minimum(nearest, here)
        if name in classes:
            column = targets[:, list(classes).index(name)]
            column[here <= radius_px] = 1
            column[(here > radius_px) & (here < absent_px)] = np.nan
    if BULK in classes:
        around, at_centre = _reaching(crystal, absent_px)[y, x], crystal[y, x]
        bulk = targets[:, list(classes).index(BULK)]
        there = (nearest > radius_px) & (at_centre >= NO_CRYSTAL)
        bulk[there] = np.nan
        bulk[there & (nearest >= absent_px) & (around >= BULK_CRYSTAL)] = 1
    windows = _windows_at(filter_image(image, preprocessing), y, x, preprocessing.patch_px)
    return Samples(features(windows, preprocessing), targets)


def _reaching(crystal: Image, distance_px: float) -> Image:
    """Return the least of the crystal that stands within a distance of each pixel."""
    least: Image = minimum_filter(crystal, 2 * round(distance_px) + 1, mode="nearest")
    return least


def _interesting_places(
    shape: tuple[int, ...],
    distances: dict[str, NDArray[np.float32]],
    count: int,
    radius_px: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    chance = np.ones(shape, np.float64)
    for distance in distances.values():
        for reach in (radius_px, 4 * radius_px):
            near = distance <= reach
            if near.any():
                chance[near] += near.size / near.sum() / len(distances)
    chosen = rng.choice(chance.size, count, p=(chance / chance.sum()).ravel())
    y, x = np.unravel_index(chosen, shape)
    return y.astype(np.int64), x.astype(np.int64)


def _windows_at(
    flat: Image,
    y: NDArray[np.float64] | NDArray[np.int64],
    x: NDArray[np.float64] | NDArray[np.int64],
    size: int,
) -> Image:
    rows, columns = np.round(y).astype(np.int64), np.round(x).astype(np.int64)
    return cut(pad_for_windows(flat, size), rows, columns, size)


# Gauss-Hermite quadrature of third order: nodes in standard deviations, and their weights.
_NODES = {-np.sqrt(3): 1 / 6, 0.0: 2 / 3, np.sqrt(3): 1 / 6}


def around(sites: TrainingSet, spread_px: float) -> Iterator[tuple[TrainingSet, float]]:
    """Yield the sites moved to where answers are averaged, with the weights of these answers.

    Whole patches stay: their labels have no place.
    """
    if spread_px == 0:
        yield sites, 1.0
        return
    reach = spread_px * (sites.radius_px > 0)
    for down, weight in _NODES.items():
        for across, other in _NODES.items():
            yield moved(sites, down * reach, across * reach), weight * other


def moved(
    sites: TrainingSet, down: NDArray[np.floating[Any]], across: NDArray[np.floating[Any]]
) -> TrainingSet:
    """Return the sites at other places, no further than the border of their images; px, (n,)."""
    limits = np.array([image.shape for image in sites.images], np.float64)[sites.image] - 1
    y, x = np.clip(sites.y + down, 0, limits[:, 0]), np.clip(sites.x + across, 0, limits[:, 1])
    return replace(sites, y=y, x=x)
