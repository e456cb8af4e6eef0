"""Files of Nion Swift, written byte by byte as its file handlers write them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray


def properties(array: NDArray[Any], unit: str = "nm", **more: Any) -> dict[str, Any]:
    """Return the description of a data item; the last two dimensions are the image."""
    frames = [{"offset": 0.0, "scale": 1.0, "units": "s"}] * (array.ndim - 2)
    return {
        "title": "HAADF",
        "is_sequence": array.ndim > 2,
        "collection_dimension_count": 0,
        "datum_dimension_count": 2,
        "dimensional_calibrations": [*frames, *[{"offset": 0, "scale": 0.02, "units": unit}] * 2],
        **more,
    }


def write_ndata(path: Path, array: NDArray[Any], described: dict[str, Any]) -> Path:
    """Write a data item as an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("data.npy", "w") as file:
            np.save(file, array)
        archive.writestr("metadata.json", json.dumps(described))
    return path


def write_hdf5(path: Path, *arrays: NDArray[Any], in_group: bool = False) -> Path:
    """Write data items as HDF5."""
    with h5py.File(path, "w") as file:
        for number, array in enumerate(arrays):
            item = file.create_dataset(f"data/{number}" if in_group else "data", data=array)
            item.attrs["properties"] = json.dumps(properties(array))
    return path
