from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_stem_defects.simulation.any_lattice import MotifColumn, fill_disk, make_crystal
from napari_stem_defects.simulation.any_lattice_defects import APART_PERIODS, add_defect
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect, Specimen

PERIOD = 10.0
RNG = np.random.default_rng


def perfect() -> Specimen:
    motif = (MotifColumn(0, 0, 1.0), MotifColumn(0.5, 0.5, 0.5))
    crystal = make_crystal("rectangular", PERIOD, rotation_deg=10.0, motif=motif)
    middle = np.array([150.0, 150.0])
    return Specimen(crystal, (300, 300), fill_disk(crystal, middle, middle, 400.0))


def brightness_at(specimen: Specimen, places: np.ndarray) -> np.ndarray:
    apart, index = cKDTree(specimen.columns.position).query(places)
    assert apart.max() < 1e-9
    return specimen.columns.brightness[index]


@pytest.mark.parametrize(
    ("defect", "brightness"),
    [
        (LatticeDefect("missing", "V", amount=0.1, count=7, site=1), 0.05),
        (LatticeDefect("added", "I", amount=0.8, count=7), 0.8),
        (LatticeDefect("exchanged", "X", amount=1.5, count=7, site=0), 1.5),
    ],
)
def test_point_defects_change_the_columns_that_the_ground_truth_names(
    defect: LatticeDefect, brightness: float
) -> None:
    before = perfect()
    after = add_defect(before, defect, RNG(0))
    ((name, places),) = after.points
    assert (name, len(places)) == (defect.class_name, 7)
    assert brightness_at(after, places) == pytest.approx(np.full(7, brightness))
    changed = after.columns.brightness != before.columns.brightness
    assert changed.sum() == 7
    assert cKDTree(places).query(places, k=2)[0][:, 1].min() > APART_PERIODS * PERIOD


def test_point_defects_keep_away_from_lines() -> None:
    specimen = add_defect(perfect(), LatticeDefect("fault", "SF", amount=0.4), RNG(1))
    specimen = add_defect(specimen, LatticeDefect("missing", "V", count=30), RNG(2))
    ((_, line),), ((_, places),) = specimen.lines, specimen.points
    assert len(places) > 10
    assert cKDTree(line).query(places)[0].min() > APART_PERIODS * PERIOD


def test_a_precipitate_is_filled_with_another_lattice() -> None:
    before = perfect()
    after = add_defect(before, LatticeDefect("precipitate", "P", amount=1.1, count=2), RNG(3))
    assert [name for name, _ in after.areas] == ["P", "P"]
    tree = cKDTree(before.columns.position)
    solid = after.columns.position[after.columns.brightness > 0]
    new = solid[tree.query(solid)[0] > 0.05 * PERIOD]
    outlines = [outline for _, outline in after.areas]
    inside = np.zeros(len(new), bool)
    for outline in outlines:
        centre = outline.mean(axis=0)
        inside |= np.hypot(*(new - centre).T) < np.hypot(*(outline - centre).T).max()
    assert len(new) > 20
    assert inside.all()


def test_cores_lie_where_columns_lack_or_have_a_neighbour() -> None:
    specimen = add_defect(perfect(), LatticeDefect("core", "core", amount=1.0, count=3), RNG(4))
    cores = np.concatenate([places for _, places in specimen.points])
    assert len(cores) >= 2
    positions = specimen.columns.position[specimen.columns.site == 0]
    along = specimen.crystal.base[0] / PERIOD
    # The Burgers circuit: one more column in the row above the core than in the row below.
    for core in cores:
        counts = []
        for sign in (-1, 1):
            away = positions - core
            across = sign * (away @ [-along[1], along[0]])
            row = (across > 1.2 * PERIOD) & (across < 5 * PERIOD)
            local = positions[row & (np.abs(away @ along) < 4 * PERIOD)]
            nearest = cKDTree(local).query(local, k=2)[0][:, 1]
            counts.append(float(np.median(nearest)))
        assert abs(counts[0] - counts[1]) > 0.005 * PERIOD


def test_defects_that_find_no_place_are_left_out() -> None:
    crystal = make_crystal("square", 20.0)
    middle = np.array([35.0, 35.0])
    small = Specimen(crystal, (70, 70), fill_disk(crystal, middle, middle, 200.0))
    many = add_defect(small, LatticeDefect("missing", "V", count=50), RNG(5))
    assert 1 <= sum(len(places) for _, places in many.points) < 5
    crowded = add_defect(many, LatticeDefect("core", "core", amount=1.0, count=9), RNG(6))
    assert len(crowded.points) < 9
