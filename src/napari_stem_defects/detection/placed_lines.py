"""Straight planar defects moved to where the image shows them.

Where windows see a defect depends on their grid and on the orientation of the image, by a few px;
where one lattice passes into the other does not (`planar_geometry.plane_position`). What was moved
is stored as JSON-safe values among the parameters of the result, so that lines found again with
other thresholds go to the same place without the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.base.for_each import for_each
from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.planar_geometry.plane_position import locate_plane
from napari_stem_defects.postprocessing.line_ends import Crossings, new_end, still_the_line
from napari_stem_defects.postprocessing.masks import MIN_PLANAR_LENGTH_PX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.postprocessing.planar_lines import LinePlacer

    Array = NDArray[np.float64]
    Json = dict[str, Any]

PLACED_LINES = "placed_lines"
"""Key of the lines among the parameters of a result: where each was found, and its plane."""

_ROUNDS = 2
"""How often each line is placed: where its sides end depends on the places of the others."""
_SETTLED_PERIODS = 0.12
"""Movement of the ends, in lattice periods, that changes nothing for other lines."""
_LEAST_LEFT = 0.5
"""Share of a line that must be left between its crossings; of less, it is placed as it is."""
_SAME_PX = 8.0
_SAME_COSINE = np.cos(np.radians(5.0))
"""Distance and direction up to which a line is one that was found before."""


class _Scene(NamedTuple):
    """What is the same for all lines: lattices, period in px, pixels without a value, lines."""

    cells: Sequence[Array]
    period: float
    invalid: NDArray[np.bool_] | None
    lines: Sequence[Array] = ()
    fixed: Sequence[Array] = ()


def _plane_near(pixels: NDArray[np.float32], scene: _Scene, number: int) -> Array | None:
    """Return the plane near a line, None where there is none."""
    others = [*(each for n, each in enumerate(scene.lines) if n != number), *scene.fixed]
    line = scene.lines[number]
    return locate_plane(pixels, line, scene.cells, scene.period, others, scene.invalid)


class PlaneFinder:
    """Moves lines to the planes of an image, and keeps what it moved.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        The image.
    lattice : LatticeMeasurement
        Of the image; without one, nothing is moved.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.
    min_length_px : float
        Minimum length of a planar defect in px, a quarter of a window.

    Attributes
    ----------
    placed : list of dict
        JSON-safe: ``line`` and ``plane``, the ends (y, x) in px before and after.
    """

    def __init__(
        self,
        pixels: NDArray[np.float32],
        lattice: LatticeMeasurement,
        invalid: NDArray[np.bool_] | None,
        min_length_px: float = MIN_PLANAR_LENGTH_PX,
    ) -> None:
        self.placed: list[Json] = []
        self._min_length_px = min_length_px
        self._pixels = pixels
        self._cells = [np.array(cell.vectors_px) for cell in lattice.cells]
        self._period = 0.0 if lattice.cell is None else lattice_period(lattice.cell)
        self._scene = _Scene(self._cells, self._period, invalid)

    def place(self, lines: Sequence[Array], fixed: Sequence[Array]) -> list[Array]:
        """Return lines, given also lines that stay, on the planes near them.

        Parameters
        ----------
        lines : sequence of ndarray of float64, shape (2, 2)
            Ends (y, x) in px.
        fixed : sequence of ndarray of float64, shape (n, 2)

        Returns
        -------
        list of ndarray of float64, shape (2, 2)
            Those without a plane stay as they are.
        """
        places = list(lines)
        for _ in range(_ROUNDS if self._cells else 0):
            before, ended = places, self._ended(places, fixed)
            scene = self._scene._replace(lines=ended, fixed=fixed)
            planes = for_each(_plane_near, self._pixels, scene, range(len(before)))
            places = [
                line if plane is None else plane for line, plane in zip(before, planes, strict=True)
            ]
            moved = [
                0.0 if plane is None else np.abs(plane - line).max()
                for line, plane in zip(ended, planes, strict=True)
            ]
            if max(moved, default=0.0) <= _SETTLED_PERIODS * self._period:
                break
        self.placed += [
            {"line": np.round(line, 3).tolist(), "plane": np.round(plane, 3).tolist()}
            for line, plane in zip(lines, places, strict=True)
            if plane is not line
        ]
        return list(known_planes(self.placed)(lines, fixed))  # as with other thresholds

    def _ended(self, lines: Sequence[Array], fixed: Sequence[Array]) -> list[Array]:
        """Return lines from crossing or border to crossing or border, where they are near one.

        How far windows see a line, into a junction or beyond it, depends on their grid; where it
        ends sets which part of the crystal lies beside it, and what it hides from others.
        """
        every = Crossings.of([*lines, *(each for each in fixed if len(each) == 2)])
        ended = []
        for number, line in enumerate(lines):
            others = every.without(number)
            length = float(np.hypot(*(line[1] - line[0])))
            out = (line[1] - line[0]) / max(length, 1e-9)
            shape = (self._pixels.shape[0], self._pixels.shape[1])
            ends = [
                new_end(end, way, length, others, shape, self._min_length_px)
                for end, way in ((line[0], -out), (line[1], out))
            ]
            new = np.array(ends)
            ended.append(new if still_the_line(line, new, _LEAST_LEFT) else line)
        return ended


def known_planes(placed: Sequence[Mapping[str, Any]]) -> LinePlacer:
    """Return what moves lines to planes that were found before.

    Parameters
    ----------
    placed : sequence of mapping
        `PlaneFinder.placed`.

    Returns
    -------
    callable
        As `PlaneFinder.place`.
    """
    known = [(np.array(each["line"]), np.array(each["plane"])) for each in placed]

    def place(lines: Sequence[Array], _: Sequence[Array]) -> list[Array]:
        return [_on_known(line, known) for line in lines]

    return place


def _on_known(line: Array, known: Sequence[tuple[Array, Array]]) -> Array:
    """Return a line on the plane of the one that was found before at its place."""
    same = [(_apart(line, before), after) for before, after in known]
    away, plane = min(same, key=lambda each: each[0], default=(np.inf, line))
    return line if away > _SAME_PX else _projected(line, plane)


def shifted_planes(placed: Sequence[Mapping[str, Any]], top: int, left: int) -> list[Json]:
    """Return the lines of a part of a frame in px of the frame.

    Parameters
    ----------
    placed : sequence of mapping
        `PlaneFinder.placed`, in px of the part.
    top, left : int
        First row and column of the part.

    Returns
    -------
    list of dict
    """
    return [
        {key: [[y + top, x + left] for y, x in ends] for key, ends in each.items()}
        for each in placed
    ]


def _projected(line: Array, plane: Array) -> Array:
    """Return a line with its ends on the straight line through two points."""
    along = plane[1] - plane[0]
    along = along / max(float(np.hypot(*along)), 1e-9)
    return np.asarray(plane[0] + np.outer((line - plane[0]) @ along, along))


def _apart(line: Array, other: Array) -> float:
    """Return the distance of the middle of a line from a segment; infinite in other directions."""
    mine, along = line[1] - line[0], other[1] - other[0]
    length = float(np.hypot(*along))
    if abs(float(mine @ along)) < _SAME_COSINE * float(np.hypot(*mine)) * length:
        return float("inf")
    middle = line.mean(axis=0)
    share = np.clip((middle - other[0]) @ along / max(length, 1e-9) ** 2, 0, 1)
    return float(np.hypot(*(middle - other[0] - share * along)))
