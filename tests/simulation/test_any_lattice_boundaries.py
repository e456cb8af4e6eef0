from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_stem_defects.simulation.any_lattice import MotifColumn, fill_disk, make_crystal
from napari_stem_defects.simulation.any_lattice_boundaries import (
    add_antiphase,
    add_domain,
    add_fault,
)
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect, Specimen

PERIOD = 12.0
PAIR = (MotifColumn(0, 0, 1.0), MotifColumn(0.5, 0.5, 0.4))


def perfect(lattice: str = "square", motif: tuple[MotifColumn, ...] = PAIR[:1]) -> Specimen:
    crystal = make_crystal(lattice, PERIOD, rotation_deg=20.0, motif=motif)  # type: ignore[arg-type]
    middle = np.array([150.0, 150.0])
    return Specimen(crystal, (300, 300), fill_disk(crystal, middle, middle, 600.0))


def sides(specimen: Specimen) -> np.ndarray:
    """Return the signed distance of the columns from the only line, from its vertices alone."""
    ((_, vertices),) = specimen.lines
    along = vertices[-1] - vertices[0]
    along /= np.hypot(*along)
    return (specimen.columns.position - vertices[0]) @ np.array([-along[1], along[0]])


def test_a_fault_shifts_one_side_against_the_other_by_the_given_fraction() -> None:
    before = perfect()
    fault = LatticeDefect("fault", "SF", amount=0.4, direction=(0, 1))
    after = add_fault(before, fault, np.random.default_rng(1))
    moved = after.columns.position - before.columns.position
    right = sides(after) > 0
    shift = moved[right][0] - moved[~right][0]
    assert np.allclose(moved[right], moved[right][0])
    assert np.allclose(moved[~right], moved[~right][0])
    assert np.abs(shift) == pytest.approx(np.abs(0.4 * before.crystal.base[1]))
    assert np.abs(sides(after)[after.columns.site == 0]).min() > 0.3 * PERIOD


def test_a_fault_that_ends_leaves_the_crystal_behind_its_end_perfect() -> None:
    before = perfect()
    fault = LatticeDefect("fault", "SF", amount=0.5, ends=True)
    after = add_fault(before, fault, np.random.default_rng(2))
    ((_, vertices),) = after.lines
    end, direction = vertices[4], vertices[400] - vertices[4]
    direction /= np.hypot(*direction)
    positions = after.columns.position[after.columns.site == 0]
    nearest = cKDTree(positions).query(positions, k=5)[0][:, 4]
    away = positions - end
    ahead, across = away @ direction, np.abs(away @ [-direction[1], direction[0]])
    inner = np.hypot(*away.T) < 150
    on_fault = (ahead > 40) & (across < 0.6 * PERIOD) & inner
    behind = (ahead < -40) & (across < 0.6 * PERIOD) & inner
    assert nearest[on_fault].mean() > PERIOD * 1.08
    assert nearest[behind].mean() < PERIOD * 1.03


def test_an_antiphase_boundary_exchanges_the_columns_of_one_side() -> None:
    before = perfect(motif=PAIR)
    after = add_antiphase(before, LatticeDefect("antiphase", "APB"), np.random.default_rng(3))
    beyond, first = sides(after) > 0, before.columns.site == 0
    assert np.allclose(after.columns.brightness[beyond & first], 0.4)
    assert np.allclose(after.columns.brightness[~beyond & first], 1.0)
    assert np.array_equal(after.columns.position, before.columns.position)


def test_a_twin_is_the_mirror_image_across_its_line() -> None:
    specimen = add_domain(perfect("oblique"), LatticeDefect("twin", "TB"), np.random.default_rng(4))
    ((_, vertices),) = specimen.lines
    along = (vertices[-1] - vertices[0]) / np.hypot(*(vertices[-1] - vertices[0]))
    solid = specimen.columns.position[specimen.columns.brightness > 0]
    away = solid - vertices[len(vertices) // 2]
    near = np.hypot(*away.T) < 120
    mirrored = 2 * (away @ along)[:, None] * along - away
    assert cKDTree(away).query(mirrored[near])[0].max() < 0.01


def test_a_twin_of_a_square_lattice_takes_a_direction_that_changes_it() -> None:
    before = perfect("square")
    after = add_domain(before, LatticeDefect("twin", "TB"), np.random.default_rng(5))
    apart, _ = cKDTree(before.columns.position).query(after.columns.position)
    assert np.mean(apart > 0.1 * PERIOD) > 0.3


@pytest.mark.parametrize("angle", [6.0, -25.0])
def test_a_grain_is_rotated_by_the_given_angle(angle: float) -> None:
    grain = LatticeDefect("grain", "GB", amount=angle, waviness=1.0)
    specimen = add_domain(perfect(), grain, np.random.default_rng(6))
    base = specimen.crystal.base
    turn = np.radians(angle)
    turned = base @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    solid = replace(specimen, columns=specimen.columns.select(specimen.columns.site == 0))
    side, tree = sides(solid), cKDTree(solid.columns.position)
    deep = np.hypot(*(solid.columns.position - 150).T) < 140
    for vectors, where in ((base, side > 3 * PERIOD), (turned, side < -3 * PERIOD)):
        next_column = solid.columns.position[deep & where] + vectors[0]
        assert np.median(tree.query(next_column)[0]) < 0.01
    assert tree.query(solid.columns.position, k=2)[0][:, 1].min() > 0.55 * PERIOD
