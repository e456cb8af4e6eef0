"""What the geometry of both sides of a line means for the name of its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.planar_geometry.relation import (
    DIFFERENT_DEG,
    TWIN_DEG,
    Relation,
    compare_sides,
)
from napari_stem_defects.planar_geometry.sides import GAP_PERIODS, cut_sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.planar_geometry.relation import RelationKind

    Array = NDArray[np.float64]

Verdict = Literal["confirmed", "contradicted", "measured", "not verified"]

EXPECTED: dict[str, RelationKind] = {"SF1": "fault", "SF2": "fault", "Twin_Bound": "twin"}
"""What the names of the public classes mean; other names are measured, not judged."""

_LEAST_PERIODS = 5.0
"""Length, in lattice periods, from which a shift is measured."""
_COMPARED_PERIODS = 8.0
"""Length, in lattice periods, over which the lattices beside a shorter line are compared."""
_UNSURE = 0.1
"""Three standard errors of the shift, in lattice periods, above which none cannot be stated."""


class Check(NamedTuple):
    """The check of one line.

    Attributes
    ----------
    verdict : {"confirmed", "contradicted", "measured", "not verified"}
        Whether geometry and name agree; "measured" where the name states nothing.
    looks_like : str
        What the geometry shows; "" where it could not be measured.
    reason : str
        Why the name could not be verified; "" where it could.
    relation : Relation or None
        The figures.
    """

    verdict: Verdict
    looks_like: str = ""
    reason: str = ""
    relation: Relation | None = None


def check_line(
    class_name: str,
    line: Array,
    pixels: NDArray[np.float32],
    lattice: LatticeMeasurement,
    others: Sequence[Array] = (),
    invalid: NDArray[np.bool_] | None = None,
) -> Check:
    """Check the name of a planar defect by the lattices on both of its sides.

    Parameters
    ----------
    class_name : str
        Name of its class.
    line : ndarray of float64, shape (n, 2)
        Centre line, points (y, x) in px.
    pixels : ndarray of float32, shape (Y, X)
        The image.
    lattice : LatticeMeasurement
        Of the image.
    others : sequence of ndarray of float64, shape (n, 2)
        Centre lines of the other planar defects.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.

    Returns
    -------
    Check
    """
    if lattice.cell is None:
        return Check("not verified", reason="the image shows no lattice")
    period = lattice_period(lattice.cell)
    chord = line[[0, -1]]
    if _sagitta(line) > GAP_PERIODS * period:
        return Check("not verified", reason="the line is bent")
    short = float(np.hypot(*(chord[1] - chord[0]))) < _LEAST_PERIODS * period
    if short:
        chord = _lengthened(chord, _COMPARED_PERIODS * period)
    sides = cut_sides(pixels, chord, period, others, invalid)
    if sides is None:
        reason = "too little crystal on one side: the border or another defect is near"
        return Check("not verified", reason=reason)
    relation = compare_sides(sides, [np.array(cell.vectors_px) for cell in lattice.cells])
    if relation is None:
        return Check("not verified", reason="no lattice stands out from the noise on one side")
    if short and relation.kind in ("fault", "domain", "none"):
        # Beyond its ends a short fault shifts nothing; different lattices go on.
        return Check("not verified", reason=f"shorter than {_LEAST_PERIODS:.0f} lattice periods")
    if relation.kind == "none" and 3 * (relation.shift_error_px or 0.0) > _UNSURE * period:
        return Check("not verified", reason="too noisy to measure a shift", relation=relation)
    expected = EXPECTED.get(class_name)
    if expected is not None and relation.kind == "boundary":
        # Two lattices are more than two different halves of an image that shows one.
        if relation.misorientation_deg is None and len(lattice.cells) == 1:
            reason = "the image shows one lattice, distorted on one side"
            return Check("not verified", reason=reason)
        if _is_unclear(relation, expected):
            reason = "the lattices differ too little for a boundary: strain or noise"
            return Check("not verified", reason=reason, relation=relation)
    verdict: Verdict = "measured"
    if expected is not None:
        verdict = "confirmed" if relation.kind == expected else "contradicted"
    return Check(verdict, describe(relation), "", relation)


def _is_unclear(relation: Relation, expected: RelationKind) -> bool:
    """Return whether the sides of a boundary nearly agree with a name, beyond the tolerance."""
    if relation.misorientation_deg is None:
        return False
    if expected == "twin":
        return relation.mirror_deg is not None and relation.mirror_deg < 2 * TWIN_DEG
    return relation.misorientation_deg < DIFFERENT_DEG


def _sagitta(line: Array) -> float:
    """Return the largest distance of a line from the chord between its ends, px."""
    along = line[-1] - line[0]
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
    return float(np.abs((line - line[0]) @ across).max())


def _lengthened(chord: Array, length: float) -> Array:
    """Return a line of a length with the same middle and direction."""
    along = (chord[1] - chord[0]) / max(float(np.hypot(*(chord[1] - chord[0]))), 1e-9)
    return np.asarray(chord.mean(axis=0) + np.outer([-0.5, 0.5], length * along))


def describe(relation: Relation) -> str:
    """Return what the geometry shows in the words of a crystallographer.

    Parameters
    ----------
    relation : Relation
        Of both sides.

    Returns
    -------
    str
    """
    if relation.kind == "twin":
        return "twin boundary"
    if relation.kind == "none":
        return "perfect crystal: one lattice, no shift"
    if relation.kind == "domain":
        return f"domain boundary: one lattice, the motif is {relation.motif}"
    if relation.kind == "boundary":
        if relation.misorientation_deg is None:
            return "boundary between different lattices"
        return f"boundary, {relation.misorientation_deg:.1f} degrees"
    names = {1: "intrinsic stacking fault", 2: "extrinsic stacking fault"}
    return names.get(relation.shifted_layers or 0, "fault with a shift of the lattice")
