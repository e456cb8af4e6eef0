"""Random scenes vary materials, imaging conditions and defects within their distribution."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.random_scenes import (
    DOSES,
    FAMILIES,
    FAULT_CLASSES,
    MATERIALS,
    NEGATIVE_FAMILIES,
    OUT_OF_DISTRIBUTION_FAMILIES,
    SceneDistribution,
    random_scene,
)

EVERY = [(crystal, family) for crystal, families in FAMILIES.items() for family in families]


@pytest.mark.parametrize("crystal", FAMILIES)
def test_materials_are_all_by_default(crystal: str) -> None:
    assert SceneDistribution().species(crystal) == tuple(MATERIALS[crystal].values())


def test_materials_can_be_selected() -> None:
    only = SceneDistribution(materials=("GaAs",))
    assert only.species("cdte-110") == (((31,), (33,)),)
    made = random_scene(np.random.default_rng(0), family="bulk", size=64, distribution=only)
    assert made.parameters["species"] == ((31,), (33,))


def test_unknown_materials_are_rejected() -> None:
    with pytest.raises(InputError, match="sto-001 has no material 'GaAs'; use SrTiO3"):
        SceneDistribution(materials=("GaAs",)).species("sto-001")


def test_imaging_conditions_stay_in_their_ranges() -> None:
    distribution = SceneDistribution(dose=(50.0, 60.0), thickness=(0.2, 0.4))
    rng = np.random.default_rng(1)
    for _ in range(10):
        made = random_scene(rng, family="vacuum", size=64, distribution=distribution)
        imaging = made.parameters["imaging"]
        assert 50 <= imaging["dose"] <= 60
        assert 0.1 <= imaging["tail_share"] <= 0.2
        assert 0.3 <= imaging["background"] <= 0.6
    assert SceneDistribution().dose == DOSES


def test_given_imaging_conditions_are_used() -> None:
    imaging = Imaging(dose=77.0)
    made = random_scene(np.random.default_rng(0), family="bulk", size=64, imaging=imaging)
    assert made.parameters["imaging"]["dose"] == 77.0
    assert made.micrograph.pixels.mean() == pytest.approx(77, rel=0.02)


@pytest.mark.parametrize(("crystal", "family"), EVERY)
def test_parameters_name_crystal_and_family(crystal: str, family: str) -> None:
    made = random_scene(np.random.default_rng(0), crystal=crystal, family=family, size=64)
    assert made.parameters["crystal"] == crystal
    assert made.parameters["family"] == family
    assert made.micrograph.name == f"{crystal} {family}"


def test_faults_have_the_class_of_their_family() -> None:
    for family, class_name in FAULT_CLASSES.items():
        made = random_scene(np.random.default_rng(4), family=family, size=128)
        assert {line.class_name for line in made.lines} == {class_name}


def test_the_alias_of_a_crystal_gives_the_same_scene() -> None:
    made, aliased = (
        random_scene(np.random.default_rng(8), crystal=crystal, family="extra", size=64)
        for crystal in ("sto-001", "sto-100")
    )
    np.testing.assert_array_equal(made.micrograph.pixels, aliased.micrograph.pixels)
    assert made.parameters == aliased.parameters


def test_out_of_distribution_families_are_drawn_on_request_only() -> None:
    rng = np.random.default_rng(2)
    drawn = {random_scene(rng, size=64).parameters["family"] for _ in range(60)}
    assert drawn.isdisjoint(OUT_OF_DISTRIBUTION_FAMILIES)
    assert drawn & set(NEGATIVE_FAMILIES)


def test_other_lattices_do_not_resemble_strontium_titanate() -> None:
    kinds = {
        random_scene(
            np.random.default_rng(seed), crystal="sto-001", family="other_crystal", size=64
        ).parameters["lattice"]
        for seed in range(30)
    }
    assert kinds == {"hexagonal", "honeycomb", "oblique"}
