"""How often the unit cell is measured right, on random perfect crystals of known cell.

    python studies/unit_cells.py [--count 60] [--first 0]

Prints every cell that differs by more than 6 % in a vector, and the sum. docs/own-material.md
states the figure of the default arguments.
"""

from __future__ import annotations

import argparse

import numpy as np

from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.reciprocal_basis import same_lattice
from napari_stem_defects.simulation.any_lattice_random import random_lattice_scene
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice

_TOLERANCE = 0.06


def is_right(seed: int) -> bool:
    """Return whether one lattice with the primitive cell of the scene of a seed is measured."""
    scene = random_lattice_scene(np.random.default_rng(seed), forms=())
    found = measure_lattices(simulate_lattice(scene, seed).pixels)
    truth = scene.crystal.base
    if found.cell is None:
        print(f"seed {seed}: {found.reason}")
        return False
    cell = np.array(found.cell.vectors_px)
    right = found.kind == "one" and same_lattice(cell, truth, _TOLERANCE)
    if not right:
        ratio = abs(float(np.linalg.det(cell) / np.linalg.det(truth)))
        columns = len(scene.crystal.motif)
        print(f"seed {seed}: {found.reason}; {ratio:.2f} times the cell, {columns} columns")
    return right


def main() -> None:
    """Measure the crystals and print the sum."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.count)
    print(f"{sum(is_right(seed) for seed in seeds)} of {options.count} right")


if __name__ == "__main__":
    main()
