"""Perfect crystals have the columns of CdTe [110] and SrTiO3 [001]."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation import crystals, extended_defects
from napari_stem_defects.simulation.crystals import (
    ALIASES,
    CDTE_NM,
    CRYSTALS,
    LAYER_NM,
    PERIOD_NM,
    STO_NM,
    resolve_crystal,
)

RADIUS_NM = 4.0


def test_zincblende_has_the_geometry_of_dumbbells() -> None:
    columns = crystals.zincblende(RADIUS_NM)
    half = len(columns.position) // 2
    dumbbells = columns.position[half:] - columns.position[:half]

    assert np.allclose(dumbbells, [0, CDTE_NM / 4])
    for plane in (1, -1):
        normal, axis = extended_defects.plane_axes(plane)
        assert normal @ axis == pytest.approx(0)
        assert dumbbells[0] @ normal == pytest.approx(LAYER_NM / 4)
        assert dumbbells[0] @ axis == pytest.approx(PERIOD_NM / 3)
        heights = columns.position[:half] @ normal / LAYER_NM
        assert np.allclose(heights, np.rint(heights))


def test_perovskite_counts_its_columns() -> None:
    species = crystals.perovskite(5.0).species
    strontium, titanium, oxygen = np.bincount(species)
    assert titanium == pytest.approx(strontium, rel=0.05)
    assert oxygen == pytest.approx(2 * strontium, rel=0.05)


def test_perovskite_repeats_with_the_lattice_constant() -> None:
    columns = crystals.perovskite(2.0)
    strontium = columns.position[columns.species == 0]
    remainder = strontium / STO_NM
    assert np.allclose(remainder, np.rint(remainder))
    assert (columns.occupancy == 1).all()
    assert np.hypot(*columns.position.T).max() <= 2.0


@pytest.mark.parametrize("name", CRYSTALS)
def test_resolve_crystal_keeps_names(name: str) -> None:
    assert resolve_crystal(name) == name


def test_resolve_crystal_replaces_aliases() -> None:
    assert ALIASES == {"sto-100": "sto-001"}
    assert resolve_crystal("sto-100") == "sto-001"


def test_resolve_crystal_rejects_other_names() -> None:
    with pytest.raises(InputError, match="crystal 'ice' is not known; use cdte-110 or sto-001"):
        resolve_crystal("ice")
