"""Lattices are measured in simulated images and not found where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.power_spectrum import (
    Lattice,
    measure_lattice,
    pixel_size_from_lattice,
)
from napari_stem_defects.simulation.simulate import FAMILIES, random_scene, simulate

D111_NM = 0.3742


@settings(max_examples=25, deadline=None)
@given(
    pixel_size_nm=st.floats(0.01, 0.095),
    rotation_deg=st.floats(0, 360),
    seed=st.integers(0, 1000),
)
def test_cdte_is_measured_at_any_scale_and_direction(
    pixel_size_nm: float, rotation_deg: float, seed: int
) -> None:
    made = simulate(
        defects=["vacancy"],
        size=256,
        pixel_size_nm=pixel_size_nm,
        rotation_deg=rotation_deg,
        seed=seed,
        dose=60,
        probe_fwhm_nm=0.12,
    )
    lattice = measure_lattice(made.micrograph.pixels)
    assert lattice is not None
    for spacing in lattice.d_px:
        assert spacing * pixel_size_nm == pytest.approx(D111_NM, rel=0.015)
    assert lattice.angle_deg == pytest.approx(70.5, abs=1.5)
    assert pixel_size_from_lattice(lattice, D111_NM) == pytest.approx(pixel_size_nm, rel=0.01)


@pytest.mark.parametrize("family", FAMILIES["cdte-110"])
def test_defects_and_noise_do_not_change_the_lattice(family: str) -> None:
    """A missing lattice is acceptable, a wrong one is not."""
    found = 0
    for seed in range(6):
        made = random_scene(np.random.default_rng(seed), family=family)
        lattice = measure_lattice(made.micrograph.pixels)
        if lattice is None:
            continue
        found += 1
        # Random scenes are strained by some per cent.
        assert pixel_size_from_lattice(lattice, D111_NM) == pytest.approx(0.027, rel=0.07)
    assert found >= 5


def test_a_twin_yields_the_lattice_of_one_grain() -> None:
    made = simulate(defects=["twin"], size=256)
    lattice = measure_lattice(made.micrograph.pixels)
    assert lattice is not None
    assert pixel_size_from_lattice(lattice, D111_NM) == pytest.approx(0.027, rel=0.02)


def test_strontium_titanate_is_square() -> None:
    lattice = measure_lattice(simulate("sto-001", defects=[]).micrograph.pixels)
    assert lattice is not None
    assert lattice.angle_deg == pytest.approx(90, abs=1)
    assert lattice.d_px == pytest.approx((0.3905 / 0.0163,) * 2, rel=0.01)


@pytest.mark.parametrize("family", ["amorphous", "vacuum"])
def test_nothing_is_found_where_there_is_no_crystal(family: str) -> None:
    for seed in range(10):
        made = random_scene(np.random.default_rng(seed), family=family)
        assert measure_lattice(made.micrograph.pixels) is None


def test_images_need_not_be_square() -> None:
    pixels = simulate(defects=[], size=512).micrograph.pixels[:160, :]
    lattice = measure_lattice(pixels)
    assert lattice is not None
    assert pixel_size_from_lattice(lattice, D111_NM) == pytest.approx(0.027, rel=0.01)


@pytest.mark.parametrize("shape", [(20, 400), (64, 64), (48, 90)])
def test_flat_and_tiny_images_hold_no_lattice(shape: tuple[int, int]) -> None:
    assert measure_lattice(np.full(shape, 7, np.float32)) is None


def test_a_single_set_of_fringes_is_no_lattice() -> None:
    x = np.arange(256, dtype=np.float32)
    fringes = np.sin(2 * np.pi * x / 9.3)[None] + np.zeros((256, 1), np.float32)
    noise = np.random.default_rng(0).normal(0, 0.5, (256, 256)).astype(np.float32)
    assert measure_lattice(fringes + noise) is None


@pytest.mark.parametrize("spacing", [0.0, -1.0, float("nan"), float("inf")])
def test_a_spacing_must_be_a_length(spacing: float) -> None:
    lattice = Lattice(((0.1, 0.0), (0.0, 0.1)), (10.0, 10.0), 90.0, 1.0)
    with pytest.raises(InputError, match="not a positive length"):
        pixel_size_from_lattice(lattice, spacing)


def test_spacings_keep_their_numbers() -> None:
    """The pixel size of uncalibrated images, and so every result of theirs, depends on them."""
    lattice = measure_lattice(simulate("cdte-110", size=256, seed=0).micrograph.pixels)
    assert lattice is not None
    assert lattice.d_px == pytest.approx((13.8919008, 13.8809870), rel=1e-5)
    assert lattice.angle_deg == pytest.approx(70.343064, rel=1e-5)
    assert lattice.confidence == pytest.approx(0.862512, rel=1e-4)
