"""Zarr folders as OME-Zarr 0.4 and 0.5, abTEM and HyperSpy store images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray


def write_ome_zarr(
    path: Path, array: NDArray[Any], axes: str, version: str = "0.5", unit: str = "nanometer"
) -> Path:
    """Write an image with a coarser copy; pixels of 0.02 nm."""
    scale = [0.02 if letter in "yx" else 1.0 for letter in axes]
    described_axes = [
        {"name": letter, "type": "space", **({"unit": unit} if letter in "yx" else {})}
        for letter in axes
    ]
    described: dict[str, Any] = {
        "multiscales": [
            {
                "version": version,
                "axes": described_axes,
                "datasets": [
                    {"path": p, "coordinateTransformations": [{"type": "scale", "scale": s}]}
                    for p, s in (("0", scale), ("1", [2 * each for each in scale]))
                ],
            }
        ],
        "omero": {"channels": [{"label": "ABF"}, {"label": "HAADF"}]},
    }
    old = version == "0.4"
    attributes = described if old else {"ome": described}
    group = zarr.create_group(path, zarr_format=2 if old else 3, attributes=attributes)
    for name, values in (("0", array), ("1", array[..., ::2, ::2])):
        group.create_array(name, shape=values.shape, dtype=values.dtype)[...] = values
    return path


def write_abtem(
    path: Path, array: NDArray[Any], version: str = "1.0.11", kind: str = "Images"
) -> Path:
    """Write an image or stack as a version of abTEM does, x before y; pixels of 0.2 Å."""
    axes = [{"label": "", "units": None, "values": [1, 2], "type": "OrdinalAxis"}] * array.ndim
    image = [{"label": name, "units": "Å", "sampling": 0.2} for name in "xy"]
    about = {
        "axes": {f"axis_{place}": axis for place, axis in enumerate([*axes[2:], *image])},
        "data_origin": "abTEM_v1.0.11",
        "type": kind,
    }
    earlier = {"sampling": [0.2, 0.2], "ensemble_axes_metadata": []}
    attributes: dict[str, Any] = {
        "1.0.11": {"metadata0": about},
        "1.0.5": {"kwargs0": earlier, "type0": kind},
        "1.0.0": {"type": kind, **earlier},
    }[version]
    layout = 3 if version == "1.0.11" else 2
    group = zarr.create_group(path, zarr_format=layout, attributes=attributes)
    stored = np.ascontiguousarray(array.swapaxes(-1, -2))
    name = "array" if version == "1.0.0" else "array0"
    group.create_array(name, shape=stored.shape, dtype=stored.dtype)[...] = stored
    return path


def write_zspy(
    path: Path,
    array: NDArray[Any],
    *,
    title: str = "__unnamed__",
    navigation: int = 0,
    packed: bool = False,
    kind: str = "",
) -> Path:
    """Write a signal as HyperSpy does, its last axes y and x of 0.02 nm."""
    store = zarr.storage.ZipStore(path, mode="w") if packed else path
    group = zarr.create_group(store, zarr_format=2)
    signal = group.create_group(f"Experiments/{title}")
    signal.create_array("data", shape=array.shape, dtype=array.dtype)[...] = array
    signal.create_group("metadata/Signal", attributes={"signal_type": kind})
    for place in range(array.ndim):
        name = "yx"[place - array.ndim + 2] if place >= max(array.ndim - 2, navigation) else ""
        axis = {"name": name or "_None_", "units": "nm" if name else "_None_"}
        axis |= {"scale": 0.02 if name else 1.0, "navigate": place < navigation}
        signal.create_group(f"axis-{place}", attributes=axis)
    if packed:
        store.close()
    return path
