"""The lattice on a coarse grid, and the grains: connected parts with the same lattice.

Each tile of about five periods has its own lattice, fitted to the reflections of its spectrum.
Neighbouring tiles belong together where their base vectors agree; slow changes, as by strain or
drift of the scan, do not divide a grain.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from napari_stem_defects.lattice.grain_outlines import draw_outlines, grain_areas, touching
from napari_stem_defects.lattice.grains import Grain, GrainMap, LatticeMap, Neighbour
from napari_stem_defects.lattice.local_spectra import local_spectra
from napari_stem_defects.lattice.misorientation import misorientation, orientations_deg
from napari_stem_defects.lattice.orientation_match import match_tiles
from napari_stem_defects.lattice.reciprocal_basis import reduce_bases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_stem_defects.lattice.local_spectra import LocalSpectra, Rows
    from napari_stem_defects.lattice.orientation_match import TileLattices

Array = NDArray[np.float64]
Integers = NDArray[np.intp]

MIN_SCORE = 0.55
"""Least correlation of a spectrum with that of its lattice.

Tiles of crystals reach 0.68 and more down to one electron per pixel, those of amorphous films at
most 0.35; values between occur across boundaries.
"""
_LINK, _LINK_BOUNDS = 2.3, (0.02, 0.06)
"""Greatest difference of the lattices of neighbouring tiles of one grain, as a multiple of the
median difference, and its bounds as a fraction of the lengths (0.02 is 1.1 degrees).

A tile across a boundary shows a lattice between the two; it must not link them. Within a grain
few links suffice.
"""
_SAME = 0.03
"""Greatest difference of two parts of one grain with a row of such tiles between them."""
_MAX_GAP = 3
"""Distance in tiles over which a line of tiles without a lattice, as a fault, divides no grain."""
_MIN_TILES = 4
_MAX_INVALID = 0.25


def map_grains(
    image: Rows,
    vectors: Sequence[Array],
    factor: tuple[float, float] = (1.0, 1.0),
    invalid: NDArray[np.bool_] | None = None,
) -> GrainMap:
    """Map the lattice and find the grains.

    Parameters
    ----------
    image : array-like of float32, shape (Y, X)
        Image after background subtraction and contrast normalisation, of 5 to 10 px per period;
        rows are accessed in strips.
    vectors : sequence of ndarray of float64, shape (2, 2)
        Base vectors (y, x) in px of ``image`` of each unit cell that occurs, in any orientation.
    factor : (float, float)
        Magnification of ``image`` along y and x against the image in whose px the result is.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels of ``image`` without a value.

    Returns
    -------
    GrainMap
        Without grains where there is no lattice or the image is smaller than a tile.
    """
    if not vectors:
        return GrainMap()
    spectra = local_spectra(image, float(np.sqrt(abs(np.linalg.det(vectors[0])))))
    if spectra is None:
        return GrainMap()
    found = match_tiles(spectra, [_dual(each) for each in vectors])
    score = found.score.reshape(spectra.grid)
    if invalid is not None:
        score = np.where(_invalid_share(spectra, invalid) > _MAX_INVALID, 0.0, score)
    labels = _components(found.reciprocal, score)
    members = _merged(labels, found, score)
    size = (image.shape[0], image.shape[1])
    while True:
        bases = [_mean_basis(found, score, tiles) for tiles in members]
        areas = grain_areas(spectra, score, members, bases, size)
        fewer = _merged_areas(members, bases, areas)
        if len(fewer) == len(members):
            break
        members = fewer
    shape = (size[0] / factor[0], size[1] / factor[1])
    grains = _grains(areas, [_dual(basis) / factor for basis in bases], shape)
    outside = ~np.any(areas, axis=0) if areas else None
    return GrainMap(grains, _lattice_map(spectra, found, score, factor), outside)


def _dual(rows: Array) -> Array:
    """Return the bases whose scalar products with the given ones are 1 or 0."""
    return np.asarray(np.swapaxes(np.linalg.inv(rows), -1, -2), np.float64)


def _invalid_share(spectra: LocalSpectra, invalid: NDArray[np.bool_]) -> Array:
    """Return the share of the pixels of each tile that have no value."""
    total = np.zeros((invalid.shape[0] + 1, invalid.shape[1] + 1), np.int64)
    total[1:, 1:] = invalid.cumsum(axis=0).cumsum(axis=1)
    half = (spectra.edge - 1) / 2
    top, left = ((centre - half).astype(int) for centre in (spectra.centre_y, spectra.centre_x))
    bottom, right = top + spectra.edge, left + spectra.edge
    count = total[np.ix_(bottom, right)] - total[np.ix_(top, right)]
    count += total[np.ix_(top, left)] - total[np.ix_(bottom, left)]
    return np.asarray(count / spectra.edge**2)


def _components(reciprocal: Array, score: Array) -> Integers:
    """Return the number of the grain of each tile, from 1, largest first; 0 for none."""
    good = score >= MIN_SCORE
    number = np.arange(good.size).reshape(good.shape)
    pairs = np.concatenate([np.stack(pair, 1) for pair in _pairs(number, good)])
    apart = _differences(reciprocal[pairs[:, 0]], reciprocal[pairs[:, 1]])
    usual = float(np.median(apart[np.isfinite(apart)])) if np.isfinite(apart).any() else 0.0
    found = _parts(pairs[apart <= np.clip(_LINK * usual, *_LINK_BOUNDS)], good)
    # Where columns nearly touch along one direction, tiles show its period too poorly to compare.
    return found if found.any() else _parts(pairs, good)


def _parts(linked: Integers, good: NDArray[np.bool_]) -> Integers:
    """Return the number of the connected part of each tile, from 1, largest first; 0 for none."""
    graph = coo_array((np.ones(len(linked)), (linked[:, 0], linked[:, 1])), (good.size, good.size))
    part = connected_components(graph, directed=False)[1].reshape(good.shape)
    part[~good] = -1
    result = np.zeros(good.shape, np.intp)
    counts = np.bincount(part[good]) if good.any() else np.zeros(0, int)
    kept = 0
    for index in np.argsort(-counts, kind="stable"):
        if counts[index] < _MIN_TILES:
            break
        # A row of single tiles, as along a fault, is no grain.
        if ndimage.binary_opening(part == index, np.ones((2, 2))).any():
            kept += 1
            result[part == index] = kept
    return result


def _pairs(number: Integers, good: NDArray[np.bool_]) -> Iterator[tuple[Integers, Integers]]:
    """Yield pairs of neighbouring tiles with a lattice, and such pairs beyond tiles without."""
    yield np.zeros(0, np.intp), np.zeros(0, np.intp)
    for gap in range(1, _MAX_GAP + 1):
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            if gap * dy >= good.shape[0] or gap * abs(dx) >= good.shape[1]:
                continue
            steps = [(_part(good, n * dy, n * dx, gap * dy, gap * dx)) for n in range(gap + 1)]
            both = steps[0] & steps[-1]
            for between in steps[1:-1]:
                both = both & ~between
            first = _part(number, 0, 0, gap * dy, gap * dx)
            last = _part(number, gap * dy, gap * dx, gap * dy, gap * dx)
            yield first[both], last[both]


def _part(grid: NDArray[Any], y: int, x: int, height: int, width: int) -> NDArray[Any]:
    """Return the tiles from which a step leads into the grid, moved by a part of the step."""
    rows = slice(y, grid.shape[0] - height + y)
    start = x if width >= 0 else x - width
    return grid[rows, start : start + grid.shape[1] - abs(width)]


def _differences(first: Array, second: Array) -> Array:
    """Return how far the vectors of lattices are apart, over their lengths; inf if unrelated."""
    order = np.rint(second @ np.linalg.inv(first))
    away = np.linalg.norm(second - order @ first, axis=2) / np.linalg.norm(second, axis=2)
    same = np.abs(np.abs(np.linalg.det(order)) - 1) < 0.5
    return np.where(same, away.max(axis=1), np.inf)


def _merged(labels: Integers, found: TileLattices, score: Array) -> list[NDArray[np.bool_]]:
    """Return the tiles of each grain; parts with one lattice are one if nothing is between them.

    Tiles across a shift of the crystal, as a fault, have split reflections and may divide it.
    """
    members = [labels == number for number in range(1, int(labels.max()) + 1)]
    bases = np.array([_mean_basis(found, score, tiles) for tiles in members]).reshape(-1, 2, 2)
    linked = np.zeros((len(members), len(members)), bool)
    for first in range(len(members)):
        alike = _differences(np.broadcast_to(bases[first], bases.shape), bases) <= _SAME
        for second in np.flatnonzero(alike):
            if second > first:
                free = (labels == 0) | members[first] | members[second]
                wider = ndimage.binary_dilation(
                    members[first], np.ones((3, 3)), iterations=_MAX_GAP, mask=free
                )
                linked[first, second] = bool((wider & members[second]).any())
    count, part = connected_components(linked, directed=False)
    return [np.isin(labels, np.flatnonzero(part == n) + 1) for n in range(count)]


def _merged_areas(
    members: Sequence[NDArray[np.bool_]], bases: Sequence[Array], areas: Sequence[NDArray[np.bool_]]
) -> list[NDArray[np.bool_]]:
    """Return the tiles of each grain after grains with one lattice whose areas touch are joined."""
    linked = np.zeros((len(members), len(members)), bool)
    for first, second in combinations(range(len(members)), 2):
        if _differences(bases[first][None], bases[second][None])[0] <= _SAME:
            linked[first, second] = touching(areas[first], areas[second])
    count, part = connected_components(linked, directed=False)
    return [
        np.any([members[n] for n in np.flatnonzero(part == p).tolist()], axis=0)
        for p in range(count)
    ]


def _mean_basis(found: TileLattices, score: Array, tiles: NDArray[np.bool_]) -> Array:
    """Return the median reciprocal basis of the tiles of a grain, those inside it if any."""
    inner = ndimage.binary_erosion(tiles, np.ones((3, 3)), border_value=1)
    chosen = np.flatnonzero(inner if inner.any() else tiles)
    best = chosen[score.ravel()[chosen].argmax()]
    reference = found.reciprocal[best]
    order = np.rint(found.reciprocal[chosen] @ np.linalg.inv(reference))
    usable = np.abs(np.abs(np.linalg.det(order)) - 1) < 0.5
    aligned = np.linalg.inv(order[usable]) @ found.reciprocal[chosen[usable]]
    return np.asarray(np.median(aligned, axis=0), np.float64)


def _grains(
    areas: Sequence[NDArray[np.bool_]], vectors: Sequence[Array], shape: tuple[float, float]
) -> tuple[Grain, ...]:
    """Measure the grains, largest first; those that cover nothing are left out."""
    order = sorted((n for n in range(len(areas)) if areas[n].any()), key=lambda n: -areas[n].sum())
    number = {index: place + 1 for place, index in enumerate(order)}
    neighbours: dict[int, list[Neighbour]] = {index: [] for index in order}
    for first in order:
        for second in order:
            if first != second and touching(areas[first], areas[second]):
                turn = misorientation(vectors[first], vectors[second])
                angle = None if turn is None else turn.angle_deg
                beside = Neighbour(number[second], angle, turn is not None and turn.mirrored)
                neighbours[first].append(beside)
    return tuple(
        _grain(number[n], areas[n], vectors[n], shape, tuple(neighbours[n])) for n in order
    )


def _grain(
    number: int,
    area: NDArray[np.bool_],
    vectors: Array,
    shape: tuple[float, float],
    neighbours: tuple[Neighbour, ...],
) -> Grain:
    size = np.array(shape) / area.shape
    y, x = (np.argwhere(area).mean(axis=0) + 0.5) * size - 0.5
    share = float(area.mean())
    outline, holes = draw_outlines(area, shape)
    reduced = reduce_bases(vectors[None])[0]
    if reduced[0, 1] < 0 or (reduced[0, 1] == 0 and reduced[0, 0] < 0):
        reduced = -reduced
    (y0, x0), (y1, x1) = reduced.tolist()
    return Grain(
        number=number,
        y=float(y),
        x=float(x),
        area_px=share * shape[0] * shape[1],
        area_fraction=share,
        vectors_px=((y0, x0), (y1, x1)),
        orientation_deg=float(orientations_deg(vectors[None])[0]),
        outline=outline,
        holes=holes,
        neighbours=neighbours,
    )


def _lattice_map(
    spectra: LocalSpectra, found: TileLattices, score: Array, factor: tuple[float, float]
) -> LatticeMap:
    vectors = reduce_bases(_dual(found.reciprocal) / factor)
    lengths = np.linalg.norm(vectors, axis=2)
    cosine = (vectors[:, 0] * vectors[:, 1]).sum(axis=1) / lengths.prod(axis=1)
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    values = np.stack(
        [orientations_deg(vectors), angle, lengths[:, 1] / lengths[:, 0], lengths[:, 0]]
    ).reshape(4, *spectra.grid)
    values[:, score < MIN_SCORE] = np.nan
    y, x = (
        (centre + 0.5) / scale - 0.5
        for centre, scale in zip((spectra.centre_y, spectra.centre_x), factor, strict=True)
    )
    return LatticeMap(y, x, values[0], values[1], values[2], values[3], score)
