"""The library offers the model whose lattice fits an image or the first usable frame of a stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lattice_images import lattice_image

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models import choose, library
from napari_stem_defects.io.models.library import list_models
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_user_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "user_folder", lambda: tmp_path / "models")


@pytest.mark.parametrize("crystal", ["cdte-110", "sto-001"])
def test_bundled_models_are_chosen_for_their_crystals(crystal: str) -> None:
    made = simulate(crystal, size=256, seed=2).micrograph
    for micrograph in (made, Micrograph(made.pixels, "uncalibrated")):
        choice = choose.choose_from_library(micrograph)
        assert choice.entry is not None
        assert choice.entry.name == crystal
        assert choice.statement.startswith(f"model {crystal} (")
        is_certain = micrograph.pixel_size_nm is not None
        assert ("hold only if the crystal is" in choice.warning) != is_certain


@pytest.mark.parametrize(("ratio", "angle"), [(1.0, 60.0), (1.35, 90.0), (1.2, 78.0)])
def test_the_general_model_is_chosen_for_other_crystals(ratio: float, angle: float) -> None:
    micrograph = Micrograph(lattice_image(13, ratio, angle, dose=20), "other")
    choice = choose.choose_from_library(micrograph)
    assert choice.entry is not None
    assert choice.entry.name == "any-crystal"
    assert choice.statement.startswith("generic names: the lattice is")
    assert "cdte-110 (70.5 degrees" in choice.statement
    assert "any-crystal (" not in choice.statement


def test_another_crystal_of_the_same_geometry_has_generic_names() -> None:
    micrograph = Micrograph(lattice_image(15, 1, 70.53, 12, size=256, dose=30), "metal")
    choice = choose.choose_from_library(micrograph)
    assert choice.entry is not None
    assert choice.entry.name == "any-crystal"
    assert "but the crystal is another: " in choice.statement
    assert "is Bulk to the model cdte-110" in choice.statement
    special = [entry for entry in list_models() if entry.name != "any-crystal"]
    alone = choose.choose_from_library(micrograph, special).entry
    assert alone is not None
    assert alone.name == "cdte-110"  # the search states that it does not recognise the crystal


def test_a_pixel_size_decides_without_a_look_at_the_crystal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(choose, "kept_model", never)
    made = simulate("sto-001", size=192, seed=2).micrograph
    choice = choose.choose_from_library(made)
    assert choice.entry is not None
    assert choice.entry.name == "sto-001"


def test_without_a_general_model_none_is_chosen_for_other_crystals() -> None:
    special = [entry for entry in list_models() if entry.name != "any-crystal"]
    micrograph = Micrograph(lattice_image(13, 1.35, 90, dose=20), "other")
    choice = choose.choose_from_library(micrograph, special)
    assert choice.entry is None
    assert choice.statement.startswith("not recognised: the lattice is")


def test_a_stack_is_decided_on_a_frame_with_a_lattice() -> None:
    crystal = simulate("cdte-110", size=192).micrograph.pixels
    stack = Micrograph(np.stack([np.zeros_like(crystal), crystal]), "movie")
    choice = choose.choose_for_frames(stack, range(2))
    assert choice.entry is not None
    assert choice.statement.endswith("(frame 1)")
    empty = choose.choose_for_frames(stack, [0])
    assert empty.entry is None
    assert empty.statement.endswith("(frame 0)")
    with pytest.raises(InputError, match="no frame to search"):
        choose.choose_for_frames(stack, [])


def test_one_odd_frame_does_not_decide_for_a_stack() -> None:
    """A movie that begins on another crystal, as on the substrate."""
    crystal = simulate("cdte-110", size=192).micrograph
    other = lattice_image(12, 1.35, 90, size=192, dose=20)
    pixels = np.stack([other, np.zeros_like(other), *[crystal.pixels] * 3])
    stack = Micrograph(pixels.astype(np.float32), "movie", crystal.pixel_size_nm, "file")
    choice = choose.choose_for_frames(stack, range(5))
    assert choice.entry is not None
    assert choice.entry.name == "cdte-110"
    assert choice.frame >= 2
    first_alone = choose.choose_for_frames(stack, [0, 1]).entry
    assert first_alone is not None
    assert first_alone.name == "any-crystal"
    tied = choose.choose_for_frames(stack, [0, 4]).entry
    assert tied is not None
    assert tied.name == "cdte-110"
