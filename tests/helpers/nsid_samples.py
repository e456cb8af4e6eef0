"""NSID files: arrays with dimension scales, as pyNSID writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Dimension = tuple[str, str, float, str]
"""Name, unit, step and kind of a dimension."""
IMAGE_DIMENSIONS: list[Dimension] = [("x", "nm", 0.02, "SPATIAL"), ("y", "nm", 0.02, "SPATIAL")]
FRAMES: Dimension = ("frame", "frame", 1.0, "TEMPORAL")


def write_nsid(
    path: Path, array: NDArray[Any], dimensions: list[Dimension], title: str = "HAADF"
) -> Path:
    """Add an array with its dimensions, in the order of the array, to a file."""
    with h5py.File(path, "a") as file:
        channel = file.create_group(f"Measurement_000/Channel_{len(file):03d}_{title}/{title}")
        data = channel.create_dataset(title, data=array)
        data.attrs.update({"main_data_name": title, "data_type": "IMAGE", "units": "counts"})
        for place, (name, unit, step, kind) in enumerate(dimensions):
            positions = np.arange(array.shape[place]) * step
            scale = channel.create_dataset(name, data=positions)
            scale.attrs.update({"name": name, "units": unit, "dimension_type": kind})
            scale.make_scale(name)
            data.dims[place].attach_scale(scale)
    return path
