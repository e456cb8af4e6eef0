"""Tasks of the panels that measure the lattice of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.workers.messages import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.jobs.frame_input import FrameInput
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.lattice.power_spectrum import Lattice


@dataclass(frozen=True)
class MeasureLatticeArguments:
    """Arguments of `MEASURE_LATTICE`: pixels (Y, X)."""

    pixels: NDArray[np.float32]


@dataclass(frozen=True)
class MeasureLatticesArguments:
    """Arguments of `MEASURE_LATTICES`: a frame."""

    frame: FrameInput


MEASURE_LATTICE: Task[MeasureLatticeArguments, Lattice | None] = Task(
    "napari_stem_defects.jobs.tasks:measure_lattice", "quick", MeasureLatticeArguments
)
"""Spacing and angles in the power spectrum."""
MEASURE_LATTICES: Task[MeasureLatticesArguments, LatticeMeasurement] = Task(
    "napari_stem_defects.jobs.tasks:measure_lattices", "quick", MeasureLatticesArguments
)
"""Unit cells, with their uncertainty."""
