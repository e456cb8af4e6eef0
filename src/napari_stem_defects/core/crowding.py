"""Point defects set side by side, to learn from.

Where one column in thirty is odd, labels hardly show two odd ones side by side, and members take
a place where all neighbours are odd for bulk. So copies of a labelled micrograph are made in
which columns beside odd ones are exchanged for labelled odd ones.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from napari_stem_defects.core.classes import BULK
from napari_stem_defects.core.label_radius import label_radius
from napari_stem_defects.core.training_set import join

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.core.training_set import TrainingSet

    Points = NDArray[np.float64]
    Pixels = NDArray[np.float32]

FEWEST = 10
"""Labels of a class without which nothing is exchanged."""
CHANCE = 0.35
"""How likely a column beside an odd one becomes odd, in each of so many rounds."""
ROUNDS = 2
BESIDE = 1.3
"""Columns up to so many spacings apart are side by side."""
# In label radii, of which there are 2.5 from a column to the next: where its neighbours' light
# begins, where they are, and how far its surroundings reach.
_BETWEEN, _OWN, _SEEN = 1.5, 2.5, 6.0


def crowded(data: TrainingSet, *, seed: int) -> TrainingSet:
    """Return the sites in copies of their images, in which odd columns have more odd neighbours.

    Parameters
    ----------
    data : TrainingSet
        Clicks on columns; classes other than Bulk with fewer than `FEWEST` clicks stay as few.
    seed : int

    Returns
    -------
    TrainingSet
        As many sites at the same places, some of which have changed their class.
    """
    rng = np.random.default_rng(seed)
    images, names = list(data.images), np.array(data.labels, dtype=object)
    targets, reach = data.targets.copy(), data.radius_px.copy()
    radius, points = label_radius(data), np.column_stack([data.y, data.x])
    for index in np.unique(data.image):
        for column, name in enumerate(data.classes):
            mine = data.image == index
            odd, bulk = (np.flatnonzero(mine & (names == of)) for of in (name, BULK))
            if name == BULK or len(odd) < FEWEST or not len(bulk):
                continue
            alike = bulk[_alike(images[index], points[odd], points[bulk], radius)]
            made = _neighbours(points, odd, alike, rng)
            sources = points[rng.choice(odd, len(made))]
            images[index] = _exchanged(images[index], points[made], sources, radius)
            names[made] = name
            targets[made] = 0
            targets[made, column] = 1
            if len(made):
                free = cKDTree(points[made]).query(points[bulk])[0] - 2 * radius
                reach[bulk] = np.minimum(reach[bulk], np.maximum(free, radius / 2))
    return replace(
        data, images=tuple(images), labels=tuple(names), targets=targets, radius_px=reach
    )


def with_crowded(data: TrainingSet, copies: int, *, seed: int) -> TrainingSet:
    """Return the sites together with those of so many crowded copies of their images."""
    if copies == 0:
        return data
    parts = [data, *(crowded(data, seed=seed + number) for number in range(copies))]
    return join(parts, same_canvases=True).restricted(data.classes)


def _cut(image: Pixels, points: Points, reach: int) -> NDArray[np.float64]:
    """Return squares (n, 2 reach + 1, ...) around points, drawn between the pixels."""
    steps = np.arange(-reach, reach + 1)
    y = points[:, 0, None, None] + steps[:, None]
    x = points[:, 1, None, None] + steps
    squares: NDArray[np.float64] = map_coordinates(
        image.astype(np.float64), np.broadcast_arrays(y, x), order=1, mode="reflect"
    )
    return squares


def _around(reach: int, inner: float) -> NDArray[np.bool_]:
    """Return the ring of a square (2 reach + 1,) * 2 beyond an inner radius."""
    distance = np.hypot(*np.ogrid[-reach : reach + 1, -reach : reach + 1])
    ring: NDArray[np.bool_] = (distance > inner) & (distance <= reach)
    return ring


def _alike(image: Pixels, odd: Points, bulk: Points, radius: float) -> NDArray[np.bool_]:
    """Say which bulk columns stand among their neighbours as the odd ones do.

    Those whose surroundings are more like the odd ones' than like the ones least like them, which
    are another sublattice's where there is one.
    """
    reach = round(_SEEN * radius)
    ring = _around(reach, _BETWEEN * radius)
    of_odd, of_bulk = (_normal(_cut(image, points, reach)[:, ring]) for points in (odd, bulk))
    near = _normal(of_odd.mean(0))
    fits = of_bulk @ near
    far = _normal(of_bulk[fits <= np.percentile(fits, 25)].mean(0))
    alike: NDArray[np.bool_] = fits > of_bulk @ far
    return alike


def _normal(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring surroundings (..., n) to a mean of 0 and a length of 1."""
    centred = seen - seen.mean(-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    normal: NDArray[np.float64] = centred / np.maximum(length, 1e-12)
    return normal


def _neighbours(
    points: Points, odd: NDArray[np.int64], alike: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw columns beside odd ones, and then beside these."""
    if len(alike) < 2:
        return alike[:0]
    spacing = float(np.median(cKDTree(points[alike]).query(points[alike], k=2)[0][:, 1]))
    now, left = odd, alike
    for _ in range(ROUNDS):
        beside = cKDTree(points[now]).query(points[left])[0] <= BESIDE * spacing
        drawn = beside & (rng.random(len(left)) < CHANCE)
        now, left = np.concatenate([now, left[drawn]]), left[~drawn]
    return now[len(odd) :]


def _exchanged(image: Pixels, places: Points, sources: Points, radius: float) -> Pixels:
    """Return a copy with the columns at places exchanged for those at sources.

    At the height and contrast of their new surroundings, fading out where the next column is.
    """
    reach = round(_SEEN * radius)
    ring = _around(reach, 0)
    there, here = _cut(image, sources, reach), _cut(image, places.round(), reach)
    level = [part[:, ring].mean(1)[:, None, None] for part in (there, here)]
    contrast = [part[:, ring].std(1)[:, None, None] for part in (there, here)]
    moved = level[1] + (there - level[0]) * contrast[1] / np.maximum(contrast[0], 1e-12)
    distance = np.hypot(*np.ogrid[-reach : reach + 1, -reach : reach + 1])
    own = _OWN * radius
    weight = np.clip((own - distance) / (0.4 * own), 0, 1)
    changed, steps = image.copy(), np.arange(-reach, reach + 1)
    for square, (y, x) in zip(moved, places.round().astype(int), strict=True):
        rows, columns = y + steps, x + steps
        inside = np.ix_(
            (rows >= 0) & (rows < image.shape[0]), (columns >= 0) & (columns < image.shape[1])
        )
        at = np.ix_(rows[inside[0].ravel()], columns[inside[1].ravel()])
        share = weight[inside]
        changed[at] = (1 - share) * changed[at] + share * square[inside]
    return changed
