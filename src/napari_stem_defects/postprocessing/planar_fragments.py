"""Fragments of planar defects: the components of their masks, with the lines fitted to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.postprocessing.connected_components import Component, components_of
from napari_stem_defects.postprocessing.planar_masks import MAX_VOTE_PROBABILITY
from napari_stem_defects.postprocessing.region_shapes import measure_shapes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_stem_defects.postprocessing.connected_components import BoundingBox
    from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.region_shapes import RegionShape
    from napari_stem_defects.postprocessing.results import ProbabilityMap

Array = NDArray[np.float64]

ELONGATED = 2.0
"""Length in widths from which a line has a direction."""
_LEAST_WINDOWS = 3
_BENT_PERCENTILE, _BENT_SHARE, _BENT_PX = 80, 0.25, 1.5
"""A line is bent where this percentile of its distances from the straight fit is more than a share
of its width and some px."""
_HOOK = 1.5
"""Part of either end, in widths, that does not make a line bent."""
_LEAST_ODDS = 1e-3
_ALONG_ROW = np.cos(np.radians(4))


@dataclass(frozen=True, eq=False)
class Fragment:
    """A connected component of the mask of a class, with its centre line.

    Attributes
    ----------
    name : str
        The class.
    component : int
        Number of the component in its mask, from 1.
    path : ndarray of float64, shape (n, 2)
        Middle of the component, points (y, x) in px.
    line : ndarray of float64, shape (n, 2)
        The two ends of the fit where the path is straight, else the path.
    area : int
        Number of pixels.
    box : (slice, slice)
        Bounding box in px.
    windows : ndarray of float64, shape (n, 3)
        Windows inside the component: y, x in px and weight.
    shape : (bytes, RegionShape) or None
        `Component.digest` of the component, and what was measured of it.
    """

    name: str
    component: int
    path: Array
    line: Array
    area: int
    box: BoundingBox
    windows: Array
    shape: tuple[bytes, RegionShape] | None = None

    @cached_property
    def length(self) -> float:
        """Length of the line in px."""
        return line_length(self.line)

    @cached_property
    def width(self) -> float:
        """Mean width in px."""
        return self.area / max(self.length, 1.0)


def fragments_of(
    map: ProbabilityMap,
    draft: MaskStack,
    interpolator: WindowInterpolator,
    name: str,
    min_length_px: float,
    rows: Array,
) -> Iterator[Fragment]:
    """Yield the components of the mask of a class with the lines fitted to them.

    Parameters
    ----------
    map : ProbabilityMap
        Probabilities of all windows.
    draft : MaskStack
        Masks of all classes.
    interpolator : WindowInterpolator
        From the windows to the pixels.
    name : str
        A class of the kind "line".
    min_length_px : float
        Minimum length of a planar defect in px, a quarter of a window.
    rows : ndarray of float64, shape (N, 2)
        Unit vectors (y, x) of the dense lattice rows.

    Yields
    ------
    Fragment
        In the order of the components.
    """
    values = map.probability[map.classes.index(name)].astype(np.float64)
    bounded = np.minimum(values, MAX_VOTE_PROBABILITY)
    # A vote of its surroundings may name a window in which the class itself has probability 0.
    # The root, because a few windows with high odds would draw the line towards themselves.
    weights = np.sqrt(bounded / (1 - bounded) + _LEAST_ODDS) * _fullness(
        map, draft.shape, 2 * min_length_px
    )
    components = components_of(draft.blocks_of(name))
    shapes = measure_shapes(components, "line")
    for number, (component, shape) in enumerate(zip(components, shapes, strict=True), start=1):
        area = sum(int(np.count_nonzero(each.inside())) for each in component.segments)
        path = np.array(shape.centre_line)
        windows = _windows_inside(map, interpolator, component, weights)
        about = component.digest(), shape
        fragment = Fragment(name, number, path, path, area, component.box, windows, about)
        yield replace(fragment, line=fitted_line([fragment], rows, draft.shape))


def _windows_inside(
    map: ProbabilityMap, interpolator: WindowInterpolator, component: Component, weights: Array
) -> Array:
    """Return y, x and weight (n, 3) of the windows whose centres lie in a component."""
    found = [np.zeros((0, 3))]
    at_centres = interpolator.pixel_y, interpolator.pixel_x
    for segment in component.segments:
        sides = [(side.start, side.stop) for side in segment.box]
        down, across = (
            np.arange(*np.searchsorted(at, side))
            for at, side in zip(at_centres, sides, strict=True)
        )
        rows, columns = at_centres[0][down] - sides[0][0], at_centres[1][across] - sides[1][0]
        y, x = np.nonzero(segment.inside()[np.ix_(rows, columns)])
        y, x = down[y], across[x]
        found.append(np.column_stack([map.y[y], map.x[x], weights[y, x]]).astype(np.float64))
    return np.concatenate(found)


def _fullness(map: ProbabilityMap, shape: tuple[int, int], half_px: float) -> Array:
    """Return how much of each window, whose half edge is given, lies in the image: 0.25 to 1."""
    parts = [
        0.5 + 0.5 * np.clip(np.minimum(at, length - 1 - at) / half_px, 0, 1)
        for at, length in zip((map.y, map.x), shape, strict=True)
    ]
    return np.asarray(parts[0][:, None] * parts[1], np.float64)


def fitted_line(fragments: Sequence[Fragment], rows: Array, shape: tuple[int, int]) -> Array:
    """Return the ends of the straight line through fragments, or their path if it is bent.

    Parameters
    ----------
    fragments : sequence of Fragment
        In the order of their places along the line.
    rows : ndarray of float64, shape (N, 2)
        Unit vectors (y, x) of the dense lattice rows.
    shape : (Y, X)
        Size of the image in px.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Two points where the line is straight.
    """
    path = np.concatenate([fragment.path for fragment in fragments])
    length, area = line_length(path), sum(fragment.area for fragment in fragments)
    width = area / max(sum(line_length(fragment.path) for fragment in fragments), 1.0)
    windows = np.concatenate([fragment.windows for fragment in fragments])
    if length < ELONGATED * width or len(windows) < _LEAST_WINDOWS:
        return path[[0, -1]]
    fit = weighted_fit(windows, path, rows)
    # At a junction the middle of a band leans towards the other line.
    hook = min(_HOOK * width, length / 4)
    steps = np.arange(hook, length - hook, 1.0)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    even = np.column_stack([np.interp(steps, reached, axis) for axis in path.T])
    # Near the border the middle of a band that leaves the image is off its line.
    inner = ((even > width) & (even < np.array(shape) - width)).all(axis=1)
    even = even[inner] if inner.any() else even
    along = unit_vector(fit[1] - fit[0])
    away = np.abs((even - fit[0]) @ np.array([-along[1], along[0]]))
    bent = np.percentile(away, _BENT_PERCENTILE) > _BENT_SHARE * width + _BENT_PX
    return path if bent else fit


def weighted_fit(windows: Array, line: Array, rows: Array) -> Array:
    """Return the straight line through windows, between the ends of another line.

    Total least squares, weighted; a line within four degrees of a dense lattice row runs along it,
    because a planar defect lies in a lattice plane, whose direction the lattice gives more exactly.

    Parameters
    ----------
    windows : ndarray of float64, shape (n, 3)
        y, x in px and weight; without any, the line has the ends of the other.
    line : ndarray of float64, shape (m, 2)
        Its ends are projected.
    rows : ndarray of float64, shape (N, 2)
        Unit vectors (y, x) of the dense lattice rows.

    Returns
    -------
    ndarray of float64, shape (2, 2)
    """
    if not len(windows):  # fragments narrower than the distance of windows
        return line[[0, -1]]
    places, weight = windows[:, :2], windows[:, 2]
    if not weight.any():  # a mask drawn, or closed, where the network saw nothing
        weight = np.ones_like(weight)
    centre = np.average(places, axis=0, weights=weight)
    away = (places - centre) * np.sqrt(weight)[:, None]
    along = np.linalg.eigh(away.T @ away)[1][:, -1]
    if len(rows):
        likeness = rows @ along
        best = int(np.abs(likeness).argmax())
        if abs(likeness[best]) >= _ALONG_ROW:
            along = rows[best]
    along = along if (line[-1] - line[0]) @ along > 0 else -along
    reach = (line[[0, -1]] - centre) @ along
    return np.asarray(centre + np.outer(reach, along))


def line_length(line: Array) -> float:
    """Return the length of a polyline (n, 2)."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def distance(first: Array, second: Array) -> float:
    """Return the distance of two points (2,)."""
    return float(np.hypot(*(first - second)))


def unit_vector(vector: Array) -> Array:
    """Return a vector (2,) of length 1; a null vector stays."""
    return np.asarray(vector / max(float(np.hypot(*vector)), 1e-9))
