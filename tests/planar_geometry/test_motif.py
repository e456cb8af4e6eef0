"""Whether the motif beyond a plane is turned or mirrored although the lattice is the same."""

from __future__ import annotations

import numpy as np
import pytest
from planar_scenes import PlanarScene, planar_scene, zincblende

from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.planar_geometry.motif import Operation
from napari_stem_defects.planar_geometry.relation import Relation, compare_sides
from napari_stem_defects.planar_geometry.sides import cut_sides
from napari_stem_defects.planar_geometry.verdict import check_line, describe
from napari_stem_defects.simulation.any_lattice import MotifColumn, make_crystal

SIZE, PERIOD = 360, 18.0


def _columns(vectors: np.ndarray, motif: list[tuple[float, float, float]]) -> np.ndarray:
    """Return places (y, x) relative to the middle, and brightness, of the columns of a crystal."""
    order = np.mgrid[-30:31, -30:31].reshape(2, -1).T @ vectors
    parts = [
        np.column_stack([order + (u, v) @ vectors, np.full(len(order), b)]) for u, v, b in motif
    ]
    return np.concatenate(parts)


def _scene(
    vectors: np.ndarray,
    motif: list[tuple[float, float, float]],
    beyond: np.ndarray,
    *,
    turn_deg: float = 13.0,
    electrons: float = 60.0,
) -> PlanarScene:
    """Draw a crystal that is transformed by a matrix on (y, x) beyond a line through the middle."""
    columns = _columns(vectors, motif)
    other = columns.copy()
    other[:, :2] = columns[:, :2] @ beyond.T
    columns = np.concatenate([columns[columns[:, 0] <= -3], other[other[:, 0] > 3]])
    turn = np.radians(turn_deg)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    middle = (SIZE - 1) / 2
    places = columns[:, :2] @ rotation.T + middle
    image = np.zeros((SIZE, SIZE))
    for (y, x), bright in zip(places, columns[:, 2], strict=True):
        top, left = int(y) - 9, int(x) - 9
        if -8 <= top < SIZE - 11 and -8 <= left < SIZE - 11:
            rows = np.arange(max(top, 0), min(top + 20, SIZE))
            cols = np.arange(max(left, 0), min(left + 20, SIZE))
            blob = np.exp(-((rows[:, None] - y) ** 2 + (cols - x) ** 2) / (2 * 2.4**2))
            image[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1] += bright * blob
    counts = np.random.default_rng(1).poisson(electrons * (image + 0.15)).astype(np.float32)
    along = rotation @ np.array([0.0, 1.0])
    line = middle + np.outer([-150.0, 150.0], along)
    crystal = make_crystal("square", PERIOD)
    return PlanarScene(counts, line, measure_lattices(counts), crystal)


def _relation(scene: PlanarScene) -> Relation:
    (cell, *_) = scene.lattice.cells
    sides = cut_sides(scene.pixels, scene.line, cell.period_px)
    assert sides is not None
    found = compare_sides(sides, [np.array(each.vectors_px) for each in scene.lattice.cells])
    assert found is not None
    return found


HEXAGONAL = PERIOD * np.array([[0.0, 1.0], [np.sqrt(3) / 2, 0.5]])
RECTANGULAR = PERIOD * np.array([[0.0, 1.0], [1.3, 0.0]])
DISULPHIDE = [(0.0, 0.0, 1.0), (1 / 3, 1 / 3, 0.4)]
MIRROR, HALF_TURN = np.diag([-1.0, 1.0]), -np.eye(2)


@pytest.mark.parametrize("beyond", [MIRROR, HALF_TURN])
def test_a_mirror_twin_of_a_disulphide_is_no_shift(beyond: np.ndarray) -> None:
    scene = _scene(HEXAGONAL, DISULPHIDE, beyond)
    found = _relation(scene)
    assert (found.kind, found.motif) == ("domain", "inverted")
    assert found.shift_px is None
    assert describe(found) == "domain boundary: one lattice, the motif is inverted"
    assert check_line("Fault", scene.line, scene.pixels, scene.lattice).verdict == "measured"
    assert check_line("SF1", scene.line, scene.pixels, scene.lattice).verdict == "contradicted"


def test_a_mirrored_motif_differs_from_an_inverted_one() -> None:
    oblique_pair = [(0.0, 0.0, 1.0), (0.22, 0.35, 0.8), (0.45, 0.1, 0.5)]
    assert _relation(_scene(RECTANGULAR, oblique_pair, MIRROR)).motif == "mirrored"
    assert _relation(_scene(RECTANGULAR, oblique_pair, HALF_TURN)).motif == "inverted"


def test_a_displaced_column_in_both_directions_is_a_domain_wall() -> None:
    polar = [(0.0, 0.0, 1.0), (0.5, 0.56, 0.4)]
    found = _relation(_scene(RECTANGULAR, polar, HALF_TURN, electrons=150))
    assert (found.kind, found.motif) == ("domain", "inverted")


@pytest.mark.parametrize("motif", [[(0.0, 0.0, 1.0)], [(0.0, 0.0, 1.0), (0.5, 0.5, 0.5)]])
def test_a_motif_with_the_symmetry_of_its_lattice_has_no_domains(
    motif: list[tuple[float, float, float]],
) -> None:
    assert _relation(_scene(RECTANGULAR, motif, MIRROR)).kind == "none"


@pytest.mark.parametrize("seed", range(4))
def test_a_shift_of_an_asymmetric_motif_is_a_fault(seed: int) -> None:
    motif = (MotifColumn(0, 0, 1), MotifColumn(0.3, 0.2, 0.6))
    crystal = make_crystal("oblique", 15.0, ratio=1.2, angle_deg=80, rotation_deg=20, motif=motif)
    found = _relation(planar_scene(crystal, "fault", 0.37, seed=seed, dose=20))
    assert (found.kind, found.motif) == ("fault", "")


def test_the_polarity_of_dumbbells_beside_a_fault_is_the_same() -> None:
    assert _relation(planar_scene(zincblende(), "fault", 1 / 3, seed=3)).kind == "fault"


def test_operations_are_named() -> None:
    assert Operation(((0, -1), (1, 0)), False, 90.0).words == "turned by 90 degrees"
    assert Operation(((-1, 0), (0, -1)), False, 180.0).words == "inverted"
    assert Operation(((1, 0), (0, -1)), True, 0.0).words == "mirrored"
