from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation.any_lattice import (
    BRAVAIS,
    Bravais,
    MotifColumn,
    PlanarCrystal,
    fill_disk,
    make_crystal,
)


@pytest.mark.parametrize(
    ("lattice", "ratio", "angle"),
    [
        ("hexagonal", 1.0, 120.0),
        ("square", 1.0, 90.0),
        ("rectangular", 1.5, 90.0),
        ("centred rectangular", 1.0, 70.0),
        ("oblique", 1.5, 70.0),
    ],
)
def test_base_vectors_have_the_lengths_and_angle_of_the_lattice(
    lattice: Bravais, ratio: float, angle: float
) -> None:
    base = make_crystal(lattice, 10.0, rotation_deg=33.0, ratio=1.5, angle_deg=70.0).base
    lengths = np.hypot(*base.T)
    assert lengths == pytest.approx([10.0, 10.0 * ratio])
    assert np.degrees(np.arccos(base[0] @ base[1] / lengths.prod())) == pytest.approx(angle)


def test_all_bravais_lattices_are_made() -> None:
    assert len({make_crystal(lattice, 10.0).vectors for lattice in BRAVAIS}) == 5


def test_period_is_the_shortest_lattice_vector() -> None:
    assert PlanarCrystal(((0.0, 10.0), (4.0, 9.0))).period_px == pytest.approx(np.hypot(4, 1))


def test_the_hole_is_far_from_all_columns() -> None:
    assert make_crystal("square", 10.0).hole == (0.5, 0.5)
    dumbbell = (MotifColumn(0, 0, 1.0), MotifColumn(0.5, 0.5, 1.0))
    u, v = make_crystal("square", 10.0, motif=dumbbell).hole
    assert {u, v} == {0.0, 0.5}


def test_a_disk_holds_every_column_once() -> None:
    crystal = make_crystal(
        "oblique", 8.0, motif=(MotifColumn(0, 0, 1.0), MotifColumn(0.4, 0.5, 0.5))
    )
    centre = np.array([300.0, -40.0])
    columns = fill_disk(crystal, centre, np.array([3.0, 5.0]), 100.0)
    area = abs(np.linalg.det(crystal.base))
    for site in range(3):
        count = int((columns.site == site).sum())
        assert count == pytest.approx(np.pi * 100**2 / area, rel=0.05)
    assert cKDTree(columns.position).query(columns.position, k=2)[0][:, 1].min() > 2
    assert set(columns.brightness[columns.site == 2]) == {0.0}
    cells = (columns.position[columns.site == 0] - [3.0, 5.0]) @ np.linalg.inv(crystal.base)
    assert np.abs(cells - np.rint(cells)).max() < 1e-9


@pytest.mark.parametrize("period", [0.0, -3.0])
def test_a_lattice_needs_a_positive_period(period: float) -> None:
    with pytest.raises(InputError, match="positive lengths"):
        make_crystal("square", period)


def test_an_unknown_lattice_is_refused() -> None:
    with pytest.raises(InputError, match="not known"):
        make_crystal("cubic", 10.0)  # type: ignore[arg-type]
