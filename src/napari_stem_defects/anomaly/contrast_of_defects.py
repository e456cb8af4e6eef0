"""Whether columns are bright or dark, where only defects show it.

Where gaps between columns are as sharp as the columns, the crystal itself does not show which are
which. A column that is missing or brighter does: it changes the image by what the lattice has in
its place, with the opposite sign or the same one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Sampled

_HALF, _WEIGHT = 0.8, 0.12
"""Half the edge of the surroundings of a place, and standard deviation of their weights, in length
units: what is compared is the middle of a column, without the columns beside it where they nearly
touch."""
_SMOOTHING = 0.1
_STEPS = 2
"""Lattice vectors along both directions up to which places are compared."""
_FEWEST = 6
_LIKE = 0.4
"""Correlation with what the lattice has in its place from which a place is a changed column."""


def changed_columns(
    sampled: Sampled, places: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compare places with what their like places show.

    Parameters
    ----------
    sampled : Sampled
        The image, filtered as a whole.
    places : ndarray of int, shape (N, 2)
        Point defects, y and x in samples.

    Returns
    -------
    correlation : ndarray of float64, shape (N,)
        Of what differs with what like places show: -1 for a missing column, 1 for a brighter one,
        0 where too few like places are in the image.
    change : ndarray of float64, shape (N,)
        Mean of what differs.
    """
    half = round(_HALF * sampled.samples)
    image = np.asarray(sampled.filtered[0 : sampled.filtered.shape[0], slice(None)], np.float32)
    image = ndimage.gaussian_filter(image, _SMOOTHING * sampled.samples)
    offsets = np.mgrid[-half : half + 1, -half : half + 1].reshape(2, -1).T
    weight = np.exp(-np.square(offsets).sum(axis=1) / 2 / (_WEIGHT * sampled.samples) ** 2)
    weight /= weight.sum()
    steps = np.arange(-_STEPS, _STEPS + 1)
    moves = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) @ sampled.lattices[0]
    moves = moves[np.hypot(*moves.T) > 1e-6]
    tree, last = cKDTree(places), np.array(image.shape) - 1
    correlation, change = np.zeros(len(places)), np.zeros(len(places))
    for number, place in enumerate(places):
        like = place + moves
        inside = ((like >= half) & (like <= last - half)).all(axis=1)
        like = like[inside & (tree.query(like)[0] > sampled.samples / 2)]
        if len(like) < _FEWEST:
            continue
        shown, own = (
            ndimage.map_coordinates(image, (at[:, None] + offsets).reshape(-1, 2).T, order=1)
            for at in (like, place[None].astype(np.float64))
        )
        usual = np.median(shown.reshape(len(like), -1), axis=0)
        differs = own - usual
        change[number] = weight @ differs
        first, second = differs - change[number], usual - weight @ usual
        norm = np.sqrt((weight @ first**2) * (weight @ second**2))
        correlation[number] = weight @ (first * second) / max(norm, 1e-12)
    return correlation, change


def sign_map(sampled: Sampled, places: NDArray[np.intp], sign: int) -> NDArray[np.int8]:
    """Return whether columns are bright or dark around places that changed columns decide.

    A place that is like a changed column decides for itself, so that columns may be bright in one
    part of an image and dark in another; the others follow the majority.

    Parameters
    ----------
    sampled : Sampled
        The image, filtered as a whole.
    places : ndarray of int, shape (N, 2)
        Point defects, y and x in samples.
    sign : int
        What is more probable without them: 1 for bright columns, -1 for dark ones.

    Returns
    -------
    ndarray of int8, shape (rows, columns)
        1 or -1, that of the nearest place.
    """
    shape = sampled.filtered.shape[0], sampled.filtered.shape[1]
    if not len(places):
        return np.full(shape, sign, np.int8)
    correlation, change = changed_columns(sampled, places)
    clear = np.abs(correlation) >= _LIKE
    votes = np.where(clear, np.sign(correlation * change), 0).astype(int)
    majority = int(np.sign(votes.sum())) or sign
    votes[votes == 0] = majority
    numbers = np.full(shape, -1, np.int32)
    numbers[tuple(places.T)] = np.arange(len(places))
    nearest = ndimage.distance_transform_edt(
        numbers < 0, return_distances=False, return_indices=True
    )
    signs: NDArray[np.int8] = votes.astype(np.int8)[numbers[tuple(nearest)]]
    return signs
