"""Whether the motif beyond a plane is turned or mirrored although the lattice is the same.

A lattice has more symmetry than most of its motifs: at an inversion domain boundary, or at the
mirror twin boundary of a transition-metal dichalcogenide, both sides have one lattice, and a shift
would describe its points, but not the columns. The Fourier sums of both sides at the reflections
are those of their mean unit cells. For each symmetry operation of the lattice, the correlation of
the one cell with the other, turned and shifted as fits best, is the share of the power that agrees.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.lattice.reciprocal_basis import reduce_basis
from napari_stem_defects.planar_geometry.side_lattice import Array, Patch, fourier_sums

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAME_METRIC = 0.04
"""Difference of lengths and products of base vectors up to which an operation keeps the lattice."""
_LESS_LEFT = 0.4
"""Share of what a shift alone leaves unexplained that an operation may leave at most."""
_LEAST_LEFT = 0.004
"""Least share of the power that a shift alone leaves where the motif differs; beside faults of
simulated CdTe it leaves up to 0.0005, where the polarity of the dumbbells changes 0.009."""
_OVER_NOISE = 6.0
"""How far that is above what noise leaves, and what two depths of one side do: a few large cells
have reflections that run into each other."""
_SHIFTS = 24
_HALF_TURN = ((-1, 0), (0, -1))


class Operation(NamedTuple):
    """How the motif of one side becomes that of the other.

    Attributes
    ----------
    matrix : tuple of tuple of int
        On the orders of the reflections, as rows.
    mirrored : bool
        A reflection rather than a rotation.
    angle_deg : float
        Of a rotation.
    """

    matrix: tuple[tuple[int, int], tuple[int, int]]
    mirrored: bool
    angle_deg: float

    @property
    def words(self) -> str:
        """What happens to the motif."""
        if self.matrix == _HALF_TURN:
            return "inverted"
        return "mirrored" if self.mirrored else f"turned by {self.angle_deg:.0f} degrees"


def changed_motif(
    pairs: Sequence[tuple[Patch, Patch]],
    deep: tuple[Patch, Patch],
    basis: Array,
    orders: Array,
    signal: Array,
) -> Operation | None:
    """Return the operation by which the motifs of both sides differ.

    Parameters
    ----------
    pairs : sequence of (Patch, Patch)
        Both sides near the plane, first as a whole and then in sections along it.
    deep : (Patch, Patch)
        Both sides with more depth.
    basis : ndarray of float64, shape (2, 2)
        Reciprocal vectors (y, x) of their common lattice as rows, in cycles per px.
    orders : ndarray of float64, shape (N, 2)
        Whole numbers of the reflections that stand out from the noise.
    signal : ndarray of float64, shape (N,)
        Amplitude of each over the noise.

    Returns
    -------
    Operation or None
        None where a shift explains as much as any operation, or noise hides the difference.
    """
    reduced = reduce_basis(basis)
    change = np.rint(basis @ np.linalg.inv(reduced))  # orders of the reduced basis
    orders = orders @ change
    same, *others = _operations(reduced)
    whole = pairs[0]
    left = 1 - _agreement(whole, reduced, orders, same)
    noise = len(orders) / max(float(np.square(signal).sum()), 1.0)
    if left < max(_LEAST_LEFT, _OVER_NOISE * noise):
        return None
    depths = zip(whole, deep, strict=True)
    unlike = max(1 - _agreement(depth, reduced, orders, same) for depth in depths)
    lefts = {each: 1 - _agreement(whole, reduced, orders, each) for each in others}
    found = min(lefts, key=lefts.__getitem__)
    for each in others:  # of operations that differ by a symmetry of the motif, the half turn
        if each.matrix == _HALF_TURN and lefts[each] < lefts[found] + 0.1 * left:
            found = each
    if left < _OVER_NOISE * unlike or lefts[found] > _LESS_LEFT * left:
        return None
    for pair in pairs[1:]:
        if _agreement(pair, reduced, orders, found) < _agreement(pair, reduced, orders, same):
            return None
    return found


def _operations(basis: Array) -> list[Operation]:
    """Return the symmetry operations of a lattice, the identity first."""
    metric = basis @ basis.T
    scale = float(np.sqrt(np.linalg.det(metric)))
    found = [Operation(((1, 0), (0, 1)), False, 0.0)]
    for a, b, c, d in product((-1, 0, 1), repeat=4):
        matrix = np.array([[a, b], [c, d]], np.float64)
        determinant = a * d - b * c
        if abs(determinant) != 1 or (a, b, c, d) == (1, 0, 0, 1):
            continue
        if np.abs(matrix @ metric @ matrix.T - metric).max() > _SAME_METRIC * scale:
            continue
        cosine = np.clip((a + d) / 2, -1, 1) if determinant == 1 else 1.0
        angle = float(np.degrees(np.arccos(cosine)))
        found.append(Operation(((a, b), (c, d)), determinant == -1, angle))
    return found


def _agreement(
    pair: tuple[Patch, Patch], basis: Array, orders: Array, operation: Operation
) -> float:
    """Return the highest correlation of both mean unit cells, one of them turned, over all shifts.

    1 for equal cells; their means do not count.
    """
    first = fourier_sums(pair[0], orders @ basis)
    second = fourier_sums(pair[1], orders @ np.array(operation.matrix, np.float64) @ basis)
    power = float(np.sqrt(np.square(np.abs(first)).sum() * np.square(np.abs(second)).sum()))
    turned = first * second.conj() / max(power, 1e-300)
    steps = np.arange(_SHIFTS) / _SHIFTS
    grid = np.array(list(product(steps, steps)))
    found = grid[int((np.exp(2j * np.pi * (grid @ orders.T)) @ turned).real.argmax())]
    weight = np.abs(turned)
    for _ in range(4):
        rest = orders @ found + np.angle(turned) / (2 * np.pi)
        rest -= np.rint(rest)
        root = np.sqrt(weight)
        change, *_ = np.linalg.lstsq(orders * root[:, None], -rest * root, rcond=None)
        found = found + change
    return float((np.exp(2j * np.pi * (orders @ found)) @ turned).real)
