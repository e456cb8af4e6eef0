"""Lattice residual: an image minus its linear prediction from itself.

A crystal needs no model for this, neither its motif nor its defects; `anomaly.predictor` has the
filters. A grain has its own filter; where several fit, the one that leaves less counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.clear_part import clear_strips
from napari_stem_defects.anomaly.continuation import best_lattice, padded_rows
from napari_stem_defects.anomaly.grains import MAX_GRAINS, Tile, grain_tiles
from napari_stem_defects.anomaly.missed_grains import missed_grain
from napari_stem_defects.anomaly.outside_noise import far_outside, fill_with_noise
from napari_stem_defects.anomaly.predictor import (
    Predictor,
    draw_windows,
    fit_predictor,
    square_taps,
    with_cells_around,
)
from napari_stem_defects.anomaly.residual_spread import measure_spread
from napari_stem_defects.anomaly.sampling import at_samples
from napari_stem_defects.anomaly.searched_crystal import searched_crystal
from napari_stem_defects.anomaly.unsure_samples import unsure_samples
from napari_stem_defects.preprocessing.gaussian_blur import gaussian_blur
from napari_stem_defects.preprocessing.scan_rows import scan_rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Sampled, Scale
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.preprocessing.scan_rows import ScanRows

_WINDOW_PERIODS = 3
_WINDOWS = 15_000
_POOL_PERIODS = 0.6
SMOOTHING_PERIODS = 0.1
_CLIP = 25.0
_FILL_ROUNDS = 5
_BLOCK_ROWS = 240
"""A multiple of every edge of a cell of `anomaly.candidates`, so that blocks end with cells."""
_FIT_PIXELS = 2048 * 2048


@dataclass(frozen=True)
class LatticeResidual:
    """Residual of one image, computed where it is accessed.

    Attributes
    ----------
    sampled : Sampled
    predictors : tuple of Predictor
        One per grain.
    spread : float
        Robust standard deviation of the residual before it is normalised.
    gains : (ndarray, ndarray, ndarray, ndarray)
        Excess spread of the rows and columns next to the upper, lower, left and right border,
        outermost first: half of every window there is missing.
    known : ndarray of float32, shape (rows, columns), or None
        The whole residual, where it is kept.
    blocked : ndarray of bool, shape (rows, columns), or None
        Samples where the residual means nothing; see `searched_crystal.SearchedCrystal`.
    outside : ndarray of bool, shape (rows, columns), or None
        Those of them that are outside of the crystal, without its edge and without missing pixels.
    """

    sampled: Sampled
    predictors: tuple[Predictor, ...]
    spread: float
    gains: tuple[NDArray[np.float32], ...]
    known: NDArray[np.float32] | None = None
    blocked: NDArray[np.bool_] | None = None
    outside: NDArray[np.bool_] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the sampled image."""
        return self.sampled.filtered.shape[0], self.sampled.filtered.shape[1]

    def rows(self, rows: slice) -> NDArray[np.float32]:
        """Return rows of the residual in multiples of its spread, limited to +-25.

        Far outside of the crystal they are noise.

        Parameters
        ----------
        rows : slice
            With start and stop, inside the image.

        Returns
        -------
        ndarray of float32, shape (rows, columns)
        """
        if self.known is not None:
            return self.known[rows].copy()
        raw = _best_residual(self.sampled, self.predictors, rows) / np.float32(self.spread)
        height, width = self.shape
        upper, lower, left, right = self.gains
        last = height - 1
        for row in range(rows.start, rows.stop):
            if row < len(upper):
                raw[row - rows.start] /= upper[row]
            elif last - row < len(lower):
                raw[row - rows.start] /= lower[last - row]
        raw[:, : len(left)] /= left
        raw[:, width - len(right) :] /= right[::-1]
        np.clip(raw, -_CLIP, _CLIP, out=raw)
        return raw if self._far is None else fill_with_noise(raw, self._far, rows.start)

    @cached_property
    def _far(self) -> NDArray[np.bool_] | None:
        """What is far outside of the crystal."""
        return None if self.blocked is None else far_outside(self.blocked, self.sampled.period)

    def whole(self) -> NDArray[np.float32]:
        """Return the residual of the whole image, (rows, columns), limited to +-25 spreads."""
        residual = np.empty(self.shape, np.float32)
        for rows, _, values in self.blocks(halo=0):
            residual[rows] = values
        return residual

    def blocks(self, halo: int) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
        """Yield the residual in blocks of rows, from top to bottom.

        Parameters
        ----------
        halo : int
            Rows that each block has beyond its own, on both sides, inside the image.

        Yields
        ------
        rows : slice
            Rows of the block.
        inner : slice
            Where they are in the array.
        residual : ndarray of float32, shape (rows with halo, columns)
        """
        height = self.shape[0]
        step = height if height * self.shape[1] <= _FIT_PIXELS else _BLOCK_ROWS
        for top in range(0, height, step):
            rows = slice(top, min(top + step, height))
            first, last = max(0, top - halo), min(height, rows.stop + halo)
            inner = slice(top - first, rows.stop - first)
            yield rows, inner, self.rows(slice(first, last))


def image_residual(
    micrograph: Micrograph,
    cells: Sequence[UnitCell],
    scale: Scale | None = None,
    scan_rows: ScanRows | None = None,
) -> LatticeResidual:
    """Replace the disturbed scan rows of an image, sample it and fit its predictors.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    cells : sequence of UnitCell
        The lattices of the image, at least one.
    scale : Scale, optional
        By default what suits the image; see `anomaly.sampling.sample`.
    scan_rows : ScanRows, optional
        What is disturbed, of an image whose disturbed rows are replaced already.

    Returns
    -------
    LatticeResidual
        What is outside of the crystal or without a value does not count for its spread.
    """
    if scan_rows is None:
        scan_rows = scan_rows_of(micrograph, cells)
        micrograph = scan_rows.mended(micrograph)
    searched = searched_crystal(micrograph, cells, scale)
    sampled = searched.sampled
    residual = lattice_residual(
        sampled,
        blocked=at_samples(searched.blocked, sampled),
        unsure=unsure_samples(scan_rows, sampled),
    )
    if searched.outside is None:
        return residual
    return replace(residual, outside=at_samples(searched.outside, sampled))


def lattice_residual(
    sampled: Sampled,
    seed: int = 0,
    blocked: NDArray[np.bool_] | None = None,
    unsure: NDArray[np.bool_] | None = None,
    *,
    unlike_lines: bool = False,
) -> LatticeResidual:
    """Fit the predictors of an image.

    Parameters
    ----------
    sampled : Sampled
        At least three lattice periods along both edges.
    seed : int
        Of the windows from which the covariance is estimated.
    blocked : ndarray of bool, shape (rows, columns), optional
        Samples whose residual means nothing; spread and grains are those of the others.
    unsure : ndarray of bool, shape (rows, columns), optional
        Samples in place of which the residual shows what the lattice predicts: nothing.
    unlike_lines : bool
        See `residual_spread.measure_spread`.

    Returns
    -------
    LatticeResidual
    """
    if blocked is not None and not blocked.any():
        blocked = None
    rng = np.random.default_rng(seed)
    parts = clear_strips(sampled.filtered.shape, _FIT_PIXELS, blocked)
    image = np.concatenate([_rows_of(sampled, rows) for rows in parts])
    ignored = None if blocked is None else np.concatenate([blocked[rows] for rows in parts])
    grains = _with_crystal(grain_tiles(image, sampled.period), ignored)
    count = _WINDOWS // min(2, len(grains))
    predictors = tuple(
        _grain_predictor(sampled, image, (tiles, tiles[0]), count, rng, ignored) for tiles in grains
    )
    if unsure is not None:
        sampled = with_predicted(sampled, predictors, unsure)
    found = _residuals(sampled, predictors, parts)
    while len(predictors) < MAX_GRAINS:
        missed = missed_grain(np.concatenate(found), sampled.period, ignored)
        if missed is None:
            break
        place = missed.tiles, missed.square
        more = (*predictors, _grain_predictor(sampled, image, place, _WINDOWS // 2, rng))
        left = _residuals(sampled, more, parts)
        if not missed.is_explained(np.concatenate(left)):
            break
        predictors, found = more, left
    half = _half(predictors)
    spread = measure_spread(found, parts, half, blocked, unlike_lines=unlike_lines)
    return LatticeResidual(sampled, predictors, *spread, blocked=blocked)


def with_predictors(
    sampled: Sampled,
    predictors: tuple[Predictor, ...],
    blocked: NDArray[np.bool_] | None = None,
) -> LatticeResidual:
    """Return the residual that known filters leave, with its spread.

    Parameters
    ----------
    sampled : Sampled
    predictors : tuple of Predictor
    blocked : ndarray of bool, shape (rows, columns), optional
        See `lattice_residual`.

    Returns
    -------
    LatticeResidual
    """
    parts = clear_strips(sampled.filtered.shape, _FIT_PIXELS, blocked)
    found = _residuals(sampled, predictors, parts)
    spread = measure_spread(found, parts, _half(predictors), blocked)
    return LatticeResidual(sampled, predictors, *spread, blocked=blocked)


def with_predicted(
    sampled: Sampled, predictors: tuple[Predictor, ...], unsure: NDArray[np.bool_]
) -> Sampled:
    """Replace samples of an image by what its lattice predicts of them from the others.

    Parameters
    ----------
    sampled : Sampled
    predictors : tuple of Predictor
    unsure : ndarray of bool, shape (rows, columns)

    Returns
    -------
    Sampled
        The same for a huge image, which is filtered where it is accessed.
    """
    if not isinstance(sampled.filtered, np.ndarray):
        return sampled
    own = max(each.own for predictor in predictors for each in (predictor, *predictor.sides))
    image = sampled.filtered.copy()
    sampled = replace(sampled, filtered=image)
    # A residual is what is left of its own sample, times the middle of the kernel, and what others
    # predict: Jacobi iteration towards no residual.
    for _ in range(_FILL_ROUNDS):
        left = _best_residual(sampled, predictors, slice(0, len(image)))
        image[unsure] -= left[unsure] / np.float32(own)
    return sampled


def _half(predictors: Sequence[Predictor]) -> int:
    """Return half the width of the widest filter."""
    return max(each.half for each in predictors)


def _width(sampled: Sampled) -> int:
    """Return the edge of the square window of a prediction in samples."""
    return 2 * round(_WINDOW_PERIODS * sampled.samples / 2) + 1


def _grain_predictor(
    sampled: Sampled,
    image: NDArray[np.float32],
    place: tuple[Sequence[Tile], Tile],
    count: int,
    rng: np.random.Generator,
    ignored: NDArray[np.bool_] | None = None,
) -> Predictor:
    """Fit the predictor of a grain to windows of its tiles; a square of it shows its lattice."""
    tiles, square = place
    lattice = best_lattice(_cut(image, square), sampled.lattices)
    taps = square_taps(_width(sampled))
    if lattice is not None and (sampled.scale.units or 1) > 1:
        taps = with_cells_around(taps, lattice, (image.shape[0], image.shape[1]))
    windows = draw_windows(image, taps, tiles, count, rng, ignored)
    return replace(fit_predictor(windows, taps), lattice=lattice)


def _residuals(
    sampled: Sampled, predictors: tuple[Predictor, ...], parts: Sequence[slice]
) -> list[NDArray[np.float32]]:
    """Return the magnitude of the residual of each part of the rows."""
    return [np.abs(_best_residual(sampled, predictors, rows)) for rows in parts]


def _cut(image: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
    return image[tile.row : tile.row + tile.edge, tile.column : tile.column + tile.edge]


def _rows_of(sampled: Sampled, rows: slice) -> NDArray[np.float32]:
    return np.asarray(sampled.filtered[rows, slice(None)])


def _with_crystal(grains: list[list[Tile]], ignored: NDArray[np.bool_] | None) -> list[list[Tile]]:
    """Return the grains of which most tiles are not ignored."""
    if ignored is None:
        return grains

    def is_crystal(tile: Tile) -> bool:
        middle = tile.row + tile.edge // 2, tile.column + tile.edge // 2
        return len(grains) == 1 or not ignored[middle]

    kept = [[tile for tile in tiles if is_crystal(tile)] for tiles in grains]
    return [tiles for tiles in kept if tiles] or grains


def _best_residual(
    sampled: Sampled, predictors: Sequence[Predictor], rows: slice
) -> NDArray[np.float32]:
    """Return rows of the residual, of the predictor that leaves less around each place."""
    pool = _POOL_PERIODS * sampled.samples
    is_single = len(predictors) == 1 and not predictors[0].sides
    halo = 0 if is_single else int(4 * pool) + 1
    halo += round(4 * SMOOTHING_PERIODS * sampled.samples) + 1
    height = sampled.filtered.shape[0]
    first, last = max(0, rows.start - halo), min(height, rows.stop + halo)

    padded: dict[tuple[int, int], NDArray[np.float32]] = {}

    def residual_of(predictor: Predictor) -> NDArray[np.float32]:
        half, lattice = predictor.half, predictor.lattice
        key = half, id(lattice)
        if key not in padded:
            padded[key] = padded_rows(sampled.filtered, slice(first, last), half, lattice)
        return predictor.apply(padded[key], pool)

    best = residual_of(predictors[0])
    if len(predictors) > 1:
        least = gaussian_blur(np.square(best), pool)
        for predictor in predictors[1:]:
            residual = residual_of(predictor)
            energy = gaussian_blur(np.square(residual), pool)
            better = energy < least
            best[better], least[better] = residual[better], energy[better]
    smooth = gaussian_blur(best, SMOOTHING_PERIODS * sampled.samples)
    inner: NDArray[np.float32] = smooth[rows.start - first : rows.stop - first]
    return inner
