from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.simulation.any_lattice import PlanarColumns, fill_disk, make_crystal
from napari_stem_defects.simulation.any_lattice_specimen import (
    DOMAIN_FORMS,
    FORMS,
    KIND_OF_FORM,
    LatticeDefect,
    Specimen,
    join_crystals,
)


def made(**parts: object) -> Specimen:
    crystal = make_crystal("square", 10.0)
    columns = fill_disk(crystal, np.zeros(2), np.zeros(2), 60.0)
    return Specimen(crystal, (100, 100), columns, **parts)  # type: ignore[arg-type]


def test_every_form_has_a_kind() -> None:
    assert set(KIND_OF_FORM) == set(FORMS)
    assert {KIND_OF_FORM[form] for form in DOMAIN_FORMS} == {"line"}
    assert LatticeDefect("precipitate", "P").kind == "area"


def test_columns_and_ground_truth_move_together() -> None:
    place = np.array([[5.0, 6.0]])
    specimen = made(points=(("a", place),), lines=(("b", place),), areas=(("c", place),))
    moved = specimen.displaced(lambda position: position + np.array([1.0, -2.0]))
    assert np.allclose(moved.columns.position - specimen.columns.position, [1.0, -2.0])
    for ((_, each),) in (moved.points, moved.lines, moved.areas):
        assert each.tolist() == [[6.0, 4.0]]


def test_distance_counts_all_defects() -> None:
    specimen = made(points=(("a", np.array([[0.0, 0.0]])),), lines=(("b", np.array([[0.0, 9.0]])),))
    assert specimen.distance(np.array([[3.0, 0.0], [0.0, 7.0]])).tolist() == [3.0, 2.0]
    assert np.isinf(made().distance(np.zeros((2, 2)))).all()


def test_joined_crystals_have_no_columns_too_close() -> None:
    first = made().columns
    near = first.position[first.site == 0][:5] + np.array([1.0, 1.0])
    far = np.array([[500.0, 500.0]])
    second = PlanarColumns(np.concatenate([near, far]), np.ones(6), np.zeros(6, np.intp))
    assert len(join_crystals(first, second).position) == len(first.position) + 1


def test_kind_is_that_of_the_form() -> None:
    assert [LatticeDefect(form, "x").kind for form in ("core", "fault")] == ["point", "line"]  # type: ignore[arg-type]


def test_selected_columns_keep_their_order() -> None:
    columns = made().columns
    assert columns.select(columns.site == 1).brightness.max() == pytest.approx(0.0)
