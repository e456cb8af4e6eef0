"""OME-Zarr folders of the versions 0.4 and 0.5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
