"""Scan distortion is found from the lattice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.scan_distortion import ScanDistortion, measure_scan_distortion
from napari_stem_defects.simulation.any_lattice import make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    simulate_lattice,
)

QUIET = LatticeImaging(row_jitter_px=0.0, dose=80.0)


def image(jitter: float = 0.0, seed: int = 0, **options: float) -> NDArray[np.float32]:
    crystal = make_crystal("oblique", 12.0, rotation_deg=17.0, ratio=1.2, angle_deg=80.0)
    imaging = replace(QUIET, row_jitter_px=jitter, **options)
    scene = LatticeScene(crystal, imaging=imaging, shape=(320, 320))
    return np.asarray(simulate_lattice(scene, seed).micrograph().pixels, np.float32)


def found(pixels: NDArray[np.float32]) -> ScanDistortion:
    return measure_scan_distortion(pixels, measure_lattices(pixels))


@pytest.mark.parametrize("jitter", [0.1, 0.3, 0.6])
def test_the_jitter_of_rows_is_found(jitter: float) -> None:
    measured = found(image(jitter))
    assert measured.row_jitter_px is not None
    assert 0.7 * jitter < measured.row_jitter_px < 1.15 * jitter


def test_noise_is_no_jitter() -> None:
    for seed in range(3):
        measured = found(image(0.0, seed, dose=15.0))
        assert measured.row_jitter_px is not None
        assert measured.row_jitter_error_px is not None
        assert measured.row_jitter_px < 0.03 + 2 * measured.row_jitter_error_px


def test_drift_is_no_jitter() -> None:
    measured = found(image(0.0, drift_px=2.0))
    assert measured.row_jitter_px is not None
    assert measured.row_jitter_px < 0.08


def test_stretch_and_shear_are_those_against_the_expected_crystal() -> None:
    pixels = image()
    lattice = measure_lattices(pixels)
    same = measure_scan_distortion(pixels, lattice, LatticeGeometry(80.0, 1.2))
    assert same.stretch_percent == pytest.approx(0, abs=0.6)
    assert same.shear_deg == pytest.approx(0, abs=0.4)
    other = measure_scan_distortion(pixels, lattice, LatticeGeometry(82.0, 1.17))
    assert other.shear_deg == pytest.approx(-2, abs=0.4)
    assert other.stretch_percent is not None
    assert other.stretch_percent > 2
    general = measure_scan_distortion(pixels, lattice, LatticeGeometry(80.0, 1.2, 20.0))
    assert general.stretch_percent is None


def test_without_one_lattice_nothing_is_stated() -> None:
    noise = np.random.default_rng(0).random((128, 128), np.float32)
    assert found(noise) == ScanDistortion()
    assert set(ScanDistortion().to_json().values()) == {None}
    assert found(image()[:60]).row_jitter_px is None
    assert ScanDistortion(0.12345).to_json()["row_jitter_px"] == 0.123
