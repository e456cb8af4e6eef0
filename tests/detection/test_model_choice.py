"""The model whose lattice fits is chosen, and where none fits, the statement names both sides."""

from __future__ import annotations

import numpy as np
from lattice_images import base_vectors

from napari_stem_defects.detection.model_choice import (
    choose_model,
    given_statement,
    misfit_warning,
    unscaled_warning,
)
from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.lattice.measurement import LatticeMeasurement
from napari_stem_defects.lattice.unit_cell import unit_cell
from napari_stem_defects.networks.spec import EnsembleSpec

CLASSES = ("Bulk", "SF1")


def spec(name: str, geometry: LatticeGeometry | None) -> EnsembleSpec:
    return EnsembleSpec(name, CLASSES, lattice_geometry=geometry)


SPECS = {
    "old": spec("old", None),
    "any": spec("any", LatticeGeometry(75, 1.5, angle_tolerance_deg=16, ratio_tolerance=9)),
    "zincblende": spec("zincblende", LatticeGeometry(70.53, spacing_nm=0.3742)),
    "close": spec("close", LatticeGeometry(69.0, spacing_nm=0.31)),
    "perovskite": spec("perovskite", LatticeGeometry(90.0, spacing_nm=0.3905)),
}


def measured(angle: float, ratio: float = 1.0) -> LatticeMeasurement:
    reciprocal = np.linalg.inv(base_vectors(14.0, ratio, angle, 5)).T
    return LatticeMeasurement("one", "one lattice", (unit_cell(reciprocal, np.eye(2) * 0, 1.0),))


def test_the_best_fit_is_chosen_special_ones_first() -> None:
    assert choose_model(measured(70.5), SPECS).name == "zincblende"
    assert choose_model(measured(68.5), SPECS).name == "close"
    assert choose_model(measured(89), SPECS).name == "perovskite"
    chosen = choose_model(measured(60), SPECS)
    assert chosen.name == "any"
    assert chosen.statement.startswith("generic names: the lattice is")


def test_the_spacing_decides_where_the_image_is_calibrated() -> None:
    lattice = measured(70.0)
    assert lattice.cell is not None
    size = 0.31 / lattice.cell.spacing_px
    assert choose_model(lattice, SPECS, size).name == "close"


def test_where_none_fits_the_statement_names_the_lattices_and_what_to_do() -> None:
    special = {name: each for name, each in SPECS.items() if name != "any"}
    choice = choose_model(measured(60), special)
    assert choice.name is None
    for part in ("not recognised", "hexagonal", "zincblende (70.5", "perovskite (90.0", "label a"):
        assert part in choice.statement
    assert "no lattice" in choose_model(measured(60), {"old": SPECS["old"]}).statement


def test_a_pixel_size_in_the_wrong_unit_is_stated() -> None:
    lattice = measured(70.5)
    assert lattice.cell is not None
    size = 0.3742 / lattice.cell.spacing_px
    for factor in (10, 0.1, 1000):
        statement = choose_model(lattice, SPECS, factor * size).statement
        assert f"with {size:.4g} instead of {factor * size:.4g} nm per px" in statement
        assert "that of zincblende: check the unit" in statement
    for factor in (1, 2.5):
        assert "unit" not in choose_model(lattice, SPECS, factor * size).statement


def test_without_a_lattice_no_model_is_chosen() -> None:
    choice = choose_model(LatticeMeasurement("none", "the image is empty"), SPECS)
    assert choice.name is None
    assert "the image is empty" in choice.statement


def test_long_lists_are_shortened() -> None:
    many = {str(n): spec(str(n), LatticeGeometry(90)) for n in range(9)}
    assert "and 5 more" in choose_model(measured(60), many).statement


def test_a_given_model_is_warned_about_only_where_its_lattice_does_not_fit() -> None:
    assert "does not fit the model perovskite" in misfit_warning(measured(60), SPECS["perovskite"])
    assert not misfit_warning(measured(89), SPECS["perovskite"])
    assert not misfit_warning(measured(60), SPECS["old"])
    assert not misfit_warning(LatticeMeasurement("none", "empty"), SPECS["perovskite"])
    assert given_statement("a") == "model a was given"


def test_without_a_pixel_size_the_choice_depends_on_the_crystal() -> None:
    lattice = measured(89)
    known = LatticeGeometry(90.0, spacing_nm=0.3905, crystal="SrTiO3 along [001]")
    specs = {"square": spec("square", known)}
    choice = choose_model(lattice, specs)
    assert choice.warning == unscaled_warning(specs["square"])
    assert "hold only if the crystal is SrTiO3 along [001]" in choice.warning
    assert lattice.cell is not None
    assert choose_model(lattice, specs, 0.3905 / lattice.cell.spacing_px).warning == ""
    assert "that of the model perovskite" in unscaled_warning(SPECS["perovskite"])


def test_noise_gets_no_advice_to_label() -> None:
    choice = choose_model(LatticeMeasurement("none", "amorphous"), SPECS)
    assert choice.statement == "not recognised: no lattice, amorphous"


def test_a_model_that_does_not_recognise_the_image_is_not_taken() -> None:
    first = choose_model(measured(70.5), SPECS)
    assert first.name is not None
    second = choose_model(measured(70.5), SPECS, refused={first.name: "hardly any of it is Bulk"})
    assert second.name != first.name
