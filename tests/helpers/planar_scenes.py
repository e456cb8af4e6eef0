"""Simulated crystals with one planar defect each, and the check of its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.lattice.measurement import LatticeMeasurement, measure_lattices
from napari_stem_defects.simulation.any_lattice import MotifColumn, PlanarCrystal, make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import Form, LatticeDefect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.simulation.any_lattice import Bravais

DUMBBELLS = (MotifColumn(0.0, 0.0, 1.0), MotifColumn(0.25, 0.25, 0.9))


class PlanarScene(NamedTuple):
    """An image with one planar defect.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
    line : ndarray of float64, shape (2, 2)
        Both ends (y, x) in px.
    lattice : LatticeMeasurement
        As measured.
    crystal : PlanarCrystal
        The true one.
    """

    pixels: NDArray[np.float32]
    line: NDArray[np.float64]
    lattice: LatticeMeasurement
    crystal: PlanarCrystal


def zincblende(rotation_deg: float = 10.0) -> PlanarCrystal:
    """Return CdTe along [110] at 0.027 nm per px."""
    return make_crystal(
        "centred rectangular", 14.7, angle_deg=70.53, rotation_deg=rotation_deg, motif=DUMBBELLS
    )


def crystal_of(lattice: Bravais, rotation_deg: float) -> PlanarCrystal:
    """Return a crystal of a Bravais lattice."""
    return make_crystal(lattice, 12.0, ratio=1.3, angle_deg=78.0, rotation_deg=rotation_deg)


def planar_scene(
    crystal: PlanarCrystal,
    form: Form,
    amount: float = 0.0,
    *,
    seed: int = 0,
    size: int = 320,
    dose: float = 100.0,
) -> PlanarScene:
    """Simulate a crystal with a fault, twin or grain boundary through its middle."""
    defect = LatticeDefect(form, "line", amount, direction=(1, 0))
    scene = LatticeScene(crystal, (defect,), LatticeImaging(dose=dose), (size, size))
    made = simulate_lattice(scene, seed)
    line = made.lines["line"][0][[0, -1]]
    return PlanarScene(made.pixels, line, measure_lattices(made.pixels), crystal)


def shift_error_px(crystal: PlanarCrystal, measured: tuple[float, float], amount: float) -> float:
    """Return how far a measured shift is from a true one, up to lattice vectors and its sign."""
    base = crystal.base
    errors = []
    for sign in (1, -1):
        rest = (sign * np.array(measured) - amount * base[0]) @ np.linalg.inv(base)
        errors.append(float(np.hypot(*((rest - np.rint(rest)) @ base))))
    return min(errors)
