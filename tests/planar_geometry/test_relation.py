"""Shift, mirror and rotation of the lattices on both sides of a plane, in simulated crystals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planar_scenes import crystal_of, planar_scene, shift_error_px, zincblende

from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.planar_geometry.relation import Relation, compare_sides
from napari_stem_defects.planar_geometry.sides import cut_sides

if TYPE_CHECKING:
    from planar_scenes import PlanarScene

    from napari_stem_defects.simulation.any_lattice import Bravais

NM = 0.027


def relation_in(scene: PlanarScene) -> Relation:
    cell = scene.lattice.cell
    assert cell is not None
    sides = cut_sides(scene.pixels, scene.line, lattice_period(cell))
    assert sides is not None
    relation = compare_sides(sides, [np.array(each.vectors_px) for each in scene.lattice.cells])
    assert relation is not None
    return relation


@settings(deadline=None, max_examples=6)
@given(rotation=st.floats(0, 180), layers=st.sampled_from([1, 2]), seed=st.integers(0, 99))
def test_the_shift_of_a_stacking_fault(rotation: float, layers: int, seed: int) -> None:
    """Truth: a third or two thirds of the row; to 8 pm in an image of 9 nm."""
    scene = planar_scene(zincblende(rotation), "fault", layers / 3, seed=seed)
    relation = relation_in(scene)
    assert relation.kind == "fault"
    assert relation.shifted_layers in (1, 2)
    assert relation.misorientation_deg == pytest.approx(0, abs=0.3)
    assert relation.shift_px is not None
    assert relation.shift_error_px is not None
    assert shift_error_px(scene.crystal, relation.shift_px, layers / 3) * NM < 0.008
    assert relation.shift_error_px * NM < 0.01


def test_a_shift_by_one_and_by_two_thirds_are_two_kinds_of_fault() -> None:
    found = [
        relation_in(planar_scene(zincblende(20.0), "fault", amount, seed=4)).shifted_layers
        for amount in (1 / 3, 2 / 3)
    ]
    assert sorted(number or 0 for number in found) == [1, 2]


@pytest.mark.parametrize("lattice", ["hexagonal", "square", "rectangular", "oblique"])
@pytest.mark.parametrize("amount", [0.25, 0.5])
def test_shifts_in_other_crystals(lattice: Bravais, amount: float) -> None:
    scene = planar_scene(crystal_of(lattice, 33.0), "fault", amount, seed=1)
    relation = relation_in(scene)
    assert relation.kind == "fault"
    assert relation.shift_px is not None
    assert shift_error_px(scene.crystal, relation.shift_px, amount) < 0.025 * 12
    assert relation.shifted_layers is None


@settings(deadline=None, max_examples=8)
@given(angle=st.floats(4, 176), rotation=st.floats(0, 90), seed=st.integers(0, 99))
def test_a_tilt_boundary_is_neither_fault_nor_twin(
    angle: float, rotation: float, seed: int
) -> None:
    scene = planar_scene(zincblende(rotation), "grain", angle, seed=seed)
    relation = relation_in(scene)
    # The lattice has the symmetry of a rhombus: turned by 180 degrees it is the same.
    expected = min(angle % 180, 180 - angle % 180)
    assert relation.kind == "boundary"
    assert relation.misorientation_deg == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize("rotation", [0.0, 37.0])
def test_a_twin_has_its_mirror_row_along_the_plane(rotation: float) -> None:
    relation = relation_in(planar_scene(zincblende(rotation), "twin", seed=2))
    assert relation.kind == "twin"
    assert relation.misorientation_deg == pytest.approx(70.53, abs=0.3)
    assert relation.mirror_deg == pytest.approx(0, abs=0.3)
    assert relation.plane in ((1, 0), (0, 1))
    assert relation.plane_misfit_deg == pytest.approx(0, abs=0.5)


def test_a_line_in_perfect_crystal_has_no_shift() -> None:
    scene = planar_scene(zincblende(), "fault", 1.0, seed=3)
    relation = relation_in(scene)
    assert relation.kind == "none"
    assert relation.shifted_layers is None


def test_figures_are_the_same_from_either_end_and_mirrored() -> None:
    scene = planar_scene(zincblende(15.0), "fault", 1 / 3, seed=5)
    turned = scene._replace(line=scene.line[::-1])
    width = scene.pixels.shape[1] - 1
    mirrored = planar_scene(zincblende(15.0), "fault", 1 / 3, seed=5)._replace(
        pixels=np.ascontiguousarray(scene.pixels[:, ::-1]),
        line=np.column_stack([scene.line[:, 0], width - scene.line[:, 1]]),
    )
    found = [relation_in(each) for each in (scene, turned, mirrored)]
    assert len({each.shifted_layers for each in found}) == 1
    lengths = [np.hypot(*(each.shift_px or (0, 0))) for each in found]
    assert lengths[1:] == pytest.approx([lengths[0]] * 2, abs=0.05)
