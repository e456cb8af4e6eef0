"""Whether an image shows one lattice, several or none, and their unit cells.

The spectrum yields the reflections, a basis that explains them, and what is left over. The highest
reflections are often harmonics of weak ones, so finer reciprocal lattices (superlattices) are
tested where their reflections should be, and coarser ones where they should be missing.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.lattice.basis_fit import fit_basis
from napari_stem_defects.lattice.column_spacing import column_spacing
from napari_stem_defects.lattice.evened_spectrum import evened_spectrum
from napari_stem_defects.lattice.faint_lattice import faint_basis
from napari_stem_defects.lattice.few_periods import (
    LEAST_AGREEMENT,
    FittedBasis,
    basis_of_few_periods,
    find_few_periods,
    has_few_periods,
)
from napari_stem_defects.lattice.reciprocal_basis import (
    best_basis,
    explained_peaks,
    reduce_basis,
    refine_basis,
    same_lattice,
)
from napari_stem_defects.lattice.reflections import (
    MIN_HEIGHT,
    Spectrum,
    find_peaks,
    isolation,
    reflections_at,
    spectrum,
)
from napari_stem_defects.lattice.superlattice import local_share, primitive_basis
from napari_stem_defects.lattice.unit_cell import UnitCell, unit_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Array = NDArray[np.float64]
LatticeKind = Literal["one", "several", "none"]

_MAX_SIZE_PX = 1024
_MOST_RECENT = 8
"""Of larger images only the centre is used: scan distortion would smear the peaks."""
MIN_SIZE_PX = 24
_MIN_PERIODS = 3
_MAX_LATTICES = 4
_MIN_FIRST_SHARE = 0.55
"""Minimum fraction of the weight of the peaks that a single lattice explains."""
_MANY = 5
"""Number of reflections that make a lattice, whatever share of the weight they have."""
_MOST_ELSEWHERE = 0.2
"""Largest fraction of the power in most parts of the image that a lattice of few reflections
leaves to others."""
_MIN_TURNED = (0.1, 2)
_MIN_OTHER = (0.25, 4)
"""Minimum fraction of the weight and minimum number of the peaks that only a further lattice
explains: one of the same cell, turned or mirrored, and one of another cell."""
_FILLED_SHARE, _FILLED_PARTS = 0.85, 3
"""Fewer reflections make a further lattice where they have that fraction of the power in as many
parts of the image."""
_MIN_LOCAL_SHARE = 0.4
"""Minimum fraction of the power in one part of the image. Planar defects are much thinner."""
_MIN_SHARPNESS = 2.5
_MIN_ISOLATION = 5.0
"""Minimum height of a reflection over the lines through it: 16 and more in crystals down to 0.1
electrons per pixel, at most 2.2 in random walks, steps and gradients."""


@dataclass(frozen=True)
class LatticeMeasurement:
    """What lattice an image shows.

    Attributes
    ----------
    kind : {"one", "several", "none"}
        One lattice; several, such as twins, grains or two phases; or none.
    reason : str
        One sentence: what was found, or why there is no lattice.
    cells : tuple of UnitCell
        Unit cell of each lattice, the one of the strongest reflections first; empty if none.
    """

    kind: LatticeKind
    reason: str
    cells: tuple[UnitCell, ...] = ()

    def __repr__(self) -> str:
        return f"LatticeMeasurement({self.kind!r}, {self.reason!r})"

    @property
    def cell(self) -> UnitCell | None:
        """Unit cell of the strongest lattice; None if there is none."""
        return self.cells[0] if self.cells else None

    def to_json(self, pixel_size_nm: float | None = None) -> dict[str, Any]:
        """Return the measurement as JSON-safe values.

        Parameters
        ----------
        pixel_size_nm : float, optional
            Edge of a pixel in nm.

        Returns
        -------
        dict
            ``kind``, ``reason``, the entries of `UnitCell.to_json` for the strongest lattice, and
            ``others``, the same for the further ones.
        """
        cells = [cell.to_json(pixel_size_nm) for cell in self.cells]
        first = cells[0] if cells else {}
        reason = _statement(self.cells, pixel_size_nm) if self.cells else self.reason
        return {"kind": self.kind, "reason": reason, **first, "others": cells[1:]}


class _Measured(NamedTuple):
    """The unit cells of an image, and the number of peaks of its spectrum where there are none."""

    cells: tuple[UnitCell, ...]
    peaks: int


class _RecentMeasurements:
    """Measurements of the most recent images, found by the hash of their pixels.

    The choice of a model, the match of its scale and the search measure the same image.
    """

    def __init__(self) -> None:
        self._found: dict[bytes, _Measured] = {}
        self._lock = threading.Lock()

    def get(
        self,
        pixels: NDArray[np.float32],
        faint: bool,
        measure: Callable[[NDArray[np.float32], bool], _Measured],
    ) -> _Measured:
        """Return the measurement of an image, computed unless it is known."""
        key = hashlib.blake2b(repr((pixels.shape, pixels.dtype, faint)).encode())
        key.update(np.ascontiguousarray(pixels).data)
        digest = key.digest()
        found = self._found.get(digest)
        if found is None:
            found = measure(pixels, faint)
            with self._lock:
                self._found[digest] = found
                while len(self._found) > _MOST_RECENT:
                    del self._found[next(iter(self._found))]
        return found


_RECENT = _RecentMeasurements()


def measure_lattices(
    pixels: NDArray[np.float32], pixel_size_nm: float | None = None, *, faint: bool = True
) -> LatticeMeasurement:
    """Measure the lattice or lattices of an image.

    Periods from about 4 to 80 px are found, if the image shows at least three of them.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit, columns bright or dark. Of images larger than 1024 px the
        centre is used.
    pixel_size_nm : float, optional
        Edge of a pixel in nm, with which the reason states lengths in nm, too.
    faint : bool
        Whether reflections that are certain only together make a lattice; see `faint_lattice`
        and `few_periods`.

    Returns
    -------
    LatticeMeasurement
        Of kind "none", with the reason, for an empty, amorphous or too small image.
    """
    height, width = pixels.shape
    if min(height, width) < MIN_SIZE_PX:
        size = list_in_both_units((width, height), pixel_size_nm)
        return LatticeMeasurement("none", f"the image, {size}, is too small to measure a lattice")
    part = _crop_centre(pixels)
    low, high = float(part.min()), float(part.max())
    if not high - low > 1e-6 * max(abs(low), abs(high)):
        return LatticeMeasurement("none", "the image is empty: all pixels are equal")
    cells, peaks = _RECENT.get(part, faint, _measure)
    if not cells:
        return LatticeMeasurement("none", _why_none(peaks, part.shape, pixel_size_nm))
    kind: LatticeKind = "one" if len(cells) == 1 else "several"
    return LatticeMeasurement(kind, _statement(cells, pixel_size_nm), cells)


def _measure(part: NDArray[np.float32], faint: bool) -> _Measured:
    """Measure the lattices of an image that is large enough and not empty."""
    found = spectrum(part)
    lattices = list(_lattices(found))
    if len(lattices) == 1 and (evened := evened_spectrum(found)):
        lattices += _lattices(evened, known=lattices[0].basis)
    cells = tuple(each.cell for each in lattices)
    refused = False
    if len(lattices) == 1 and has_few_periods(lattices[0].basis, part.shape):
        few = _of_few_periods(part, found, lattices[0].basis)
        refused = few is not None and few.agreement < LEAST_AGREEMENT
        cells = () if refused else (_settled(found, few, cells[0]),)
    largest = min(part.shape) / _MIN_PERIODS
    cells = tuple(each for each in cells if each.period_px <= largest)
    if not cells and faint:
        cells = _of_all_reflections(part, found, tried=refused)
    return _Measured(cells, 0 if cells else len(find_peaks(found)[0]))


def _of_all_reflections(
    part: NDArray[np.float32], found: Spectrum, *, tried: bool
) -> tuple[UnitCell, ...]:
    """Return the lattice that the image shows although its spectrum does not, if there is one.

    Without faint reflections where others have been ``tried`` and make no lattice.
    """
    if not tried and (basis := faint_basis(found)):
        faint = _faint_cell(*basis)
        reciprocal = np.array(faint.reciprocal)
        if not has_few_periods(reciprocal, found.subtracted.shape):
            return (faint,)
        return (_settled(found, _of_few_periods(part, found, reciprocal), faint),)
    if few := find_few_periods(found.subtracted):
        return (_few_cell(found, _of_few_periods(part, found, few.basis) or few),)
    return ()


def _crop_centre(image: NDArray[np.float32]) -> NDArray[np.float32]:
    start = [max(0, (n - _MAX_SIZE_PX) // 2) for n in image.shape]
    return image[start[0] : start[0] + _MAX_SIZE_PX, start[1] : start[1] + _MAX_SIZE_PX]


class _Lattice(NamedTuple):
    """A reciprocal basis that explains reflections, and the unit cell fitted to them."""

    basis: Array
    cell: UnitCell


def _lattices(found: Spectrum, known: Array | None = None) -> Iterator[_Lattice]:
    """Yield the lattices in a spectrum, strongest first, without one that is known already."""
    positions, heights = find_peaks(found)
    weights = np.sqrt(heights)  # amplitudes: streaks of a jittery scan have little weight
    sharp = reflections_at(found, positions)[1] > _MIN_SHARPNESS
    left = np.ones(len(positions), bool)
    bases: list[Array] = []
    if known is not None:
        bases.append(known)
        left &= ~explained_peaks(known, positions, found.bin_size)
    while len(bases) < _MAX_LATTICES and left.sum() >= 2:
        allowed = positions if bases else positions[left]
        basis = _next_basis(allowed, weights if bases else weights[left], left, found.bin_size)
        if basis is None:
            return
        basis = primitive_basis(found, basis)
        hit = explained_peaks(basis, positions, found.bin_size)
        new = hit & left
        share = float(weights[new].sum() / weights.sum())
        if bases:
            # Peaks on the streak of a planar defect belong to no further lattice.
            new &= sharp
            share = float(weights[new].sum() / weights.sum())
            if not new.any():
                return
            local = local_share(found, positions[new], bases[0])
            if local.max() < _MIN_LOCAL_SHARE:
                return
            if not (
                _is_further(bases[0], basis, share, int(new.sum()))
                or _fills_parts(basis, positions[new], local)
            ):
                return
        if any(same_lattice(each, basis) for each in bases):
            return
        if not bases and share < _MIN_FIRST_SHARE and not _is_matrix(found, basis, positions, hit):
            return
        if not bases and not _spanned_by_isolated(found, basis, positions[hit]):
            return
        bases.append(basis)
        left &= ~hit
        fitted, covariance = fit_basis(found, basis)
        strength = float(np.median(heights[hit]))
        confidence = share * strength / (strength + 20)
        cell = unit_cell(fitted, covariance, confidence, column_spacing(found, fitted))
        yield _Lattice(basis, cell)


def _of_few_periods(part: NDArray[np.float32], found: Spectrum, basis: Array) -> FittedBasis | None:
    """Return a lattice fitted to the image, or without its background where that is uneven."""
    few = basis_of_few_periods(part, basis)
    if few is not None and few.agreement < LEAST_AGREEMENT:
        few = basis_of_few_periods(found.subtracted, basis)
    return few


def _settled(found: Spectrum, few: FittedBasis | None, cell: UnitCell) -> UnitCell:
    """Return a cell as few periods show it; as it is where they do not."""
    return cell if few is None or few.agreement < LEAST_AGREEMENT else _few_cell(found, few)


def _few_cell(found: Spectrum, fitted: FittedBasis) -> UnitCell:
    """Return the unit cell of a lattice of few periods."""
    spacing = column_spacing(found, fitted.basis)
    return unit_cell(fitted.basis, fitted.covariance, fitted.agreement, spacing)


def _faint_cell(found: Spectrum, basis: Array) -> UnitCell:
    """Return the unit cell of a lattice whose reflections are faint."""
    fitted, covariance = fit_basis(found, basis)
    strength = float(np.median(find_peaks(found, 0.5 * MIN_HEIGHT)[1]))
    confidence = strength / (strength + MIN_HEIGHT)
    return unit_cell(fitted, covariance, confidence, column_spacing(found, fitted))


def _is_matrix(found: Spectrum, basis: Array, positions: Array, hit: NDArray[np.bool_]) -> bool:
    """Return whether a lattice counts although it does not explain most of the peaks.

    It has many reflections, or the others are those of a part of the image, as of a precipitate:
    a filtered image may show no more than the first reflections of its matrix.
    """
    count = int(hit.sum())
    if count >= _MANY:
        return True
    elsewhere = local_share(found, positions[~hit], basis)
    return count > 2 and float(np.median(elsewhere)) < _MOST_ELSEWHERE


def _spanned_by_isolated(found: Spectrum, basis: Array, positions: Array) -> bool:
    """Return whether isolated reflections in two directions span a lattice."""
    isolated = positions[isolation(found, positions) > _MIN_ISOLATION]
    order = np.rint(isolated @ np.linalg.inv(basis))
    return len(isolated) > 1 and bool(np.linalg.matrix_rank(order) == 2)


def _is_further(first: Array, basis: Array, share: float, peaks: int) -> bool:
    """Return whether the peaks left by the lattices before are those of another one."""
    metric = [np.sort(np.hypot(*reduce_basis(each).T)) for each in (first, basis)]
    alike = np.allclose(metric[0], metric[1], rtol=0.06)
    alike &= bool(np.isclose(abs(np.linalg.det(first)), abs(np.linalg.det(basis)), rtol=0.08))
    min_share, min_peaks = _MIN_TURNED if alike else _MIN_OTHER
    return share >= min_share and peaks >= min_peaks


def _fills_parts(basis: Array, positions: Array, local: Array) -> bool:
    """Return whether a further lattice of few reflections is what some parts of the image show."""
    order = np.rint(positions @ np.linalg.inv(basis))
    filled = int((local > _FILLED_SHARE).sum())
    return filled >= _FILLED_PARTS and bool(np.linalg.matrix_rank(order) == 2)


def _next_basis(
    positions: Array, weights: Array, left: NDArray[np.bool_], bin_size: float
) -> Array | None:
    """Return the basis that explains most of the peaks that are left."""
    if left.all():
        basis, _ = best_basis(positions, weights, bin_size)
    else:
        # Twins share reflections: peaks of the lattices before may be base vectors, unweighted.
        basis, _ = best_basis(positions, np.where(left, weights, 1e-6), bin_size)
    if basis is None:
        return None
    return reduce_basis(refine_basis(basis, positions, weights, bin_size))


def _why_none(peaks: int, shape: tuple[int, ...], pixel_size_nm: float | None) -> str:
    if peaks == 0:
        size = list_in_both_units((shape[1], shape[0]), pixel_size_nm)
        return (
            "the spectrum has no reflections: amorphous, empty, out of focus,"
            f" or fewer than three periods in {size}"
        )
    return (
        f"no lattice explains the {peaks} peak{'s' * (peaks > 1)} of the spectrum:"
        " fringes of one direction, many small grains, or fewer than three periods"
    )


def _statement(cells: Sequence[UnitCell], pixel_size_nm: float | None = None) -> str:
    first = cells[0]
    lengths = [round(length, 2) for length in first.lengths_px]
    periods = list_in_both_units(lengths, pixel_size_nm, " and ")
    shape = f"{first.symmetry} lattice, {periods} at {first.angle_deg:.1f} degrees"
    if len(cells) == 1:
        return f"one {shape}"
    return f"{len(cells)} lattices (twins, grains or phases), the strongest a {shape}"
