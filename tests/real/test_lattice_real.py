"""The lattice of real micrographs; the figures were measured, the columns labelled by hand."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree

from napari_stem_defects.io.images.read import read
from napari_stem_defects.lattice.power_spectrum import Lattice, measure_lattice

if TYPE_CHECKING:
    from pathlib import Path

D111_PX = 13.87


def spacing(lattice: Lattice | None) -> float:
    assert lattice is not None
    return float(np.sqrt(lattice.d_px[0] * lattice.d_px[1]))


@pytest.fixture(scope="module")
def cdte(data_dir: Path) -> np.ndarray:
    return read(data_dir / "images" / "CdTe_Training_Image.tif").pixels


@pytest.mark.parametrize("factor", [0.5, 0.75, 1.0, 1.5, 2.0])
def test_cdte_scales(cdte: np.ndarray, factor: float) -> None:
    scaled = ndimage.zoom(cdte, factor, order=3, grid_mode=True, mode="nearest")
    assert spacing(measure_lattice(scaled)) == pytest.approx(factor * D111_PX, rel=0.01)


@pytest.mark.parametrize("angle", [10, 37, 65, 90, 143])
def test_cdte_turns(cdte: np.ndarray, angle: float) -> None:
    turned = ndimage.rotate(cdte, angle, reshape=False, order=3)[140:-140, 140:-140]
    assert spacing(measure_lattice(turned)) == pytest.approx(D111_PX, rel=0.01)


@pytest.mark.parametrize(("top", "left"), [(0, 200), (100, 0), (400, 400), (512, 0)])
def test_cdte_parts_with_faults(cdte: np.ndarray, top: int, left: int) -> None:
    part = cdte[top : top + 256, left : left + 256]
    assert spacing(measure_lattice(part)) == pytest.approx(D111_PX, rel=0.015)


def test_strontium_titanate(data_dir: Path) -> None:
    lattice = measure_lattice(read(data_dir / "images" / "STO_Training_Image.jpg").pixels)
    assert spacing(lattice) == pytest.approx(23.8, rel=0.01)
    assert lattice is not None
    assert lattice.angle_deg > 88


def test_silicon_dumbbells(data_dir: Path) -> None:
    lattice = measure_lattice(read(data_dir / "other" / "Si110_clean.png").pixels)
    assert lattice is not None
    assert lattice.angle_deg == pytest.approx(70.5, abs=1.5)


@pytest.mark.parametrize("frame", ["frame_02", "frame_11"])
def test_tungsten_diselenide_agrees_with_its_labelled_columns(data_dir: Path, frame: str) -> None:
    """The labelled columns, not the file's calibration, which is some 4 per cent off."""
    pytest.importorskip("rsciio")
    with (data_dir / "wse2" / f"{frame}_columns.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["column"] in ("W", "Ti_dopant")]
    tungsten = np.array([(float(row["y_px"]), float(row["x_px"])) for row in rows])
    period = float(np.median(cKDTree(tungsten).query(tungsten, 7)[0][:, 1:]))
    pixels = read(data_dir / "wse2" / f"{frame}.dm4").pixels
    assert spacing(measure_lattice(pixels)) == pytest.approx(period * np.sqrt(3) / 2, rel=0.015)
