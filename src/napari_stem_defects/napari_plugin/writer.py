"""Saves labels layers as OME-TIFF with their pixel size, which napari's own writer loses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pint
import tifffile

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.results.formats import annotation
from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNITS = pint.get_application_registry()  # type: ignore[no-untyped-call]
_TOLD = ("model", "image", "version", "frames")
_LARGEST = np.iinfo(np.uint32).max


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write one labels layer and return the path written.

    Parameters
    ----------
    path : str
        Ends in ``.ome.tif``.
    data : array of integers, shape (Y, X) or (T, Y, X)
    meta : dict
        The layer's attributes; scale, units, name, features and, for a layer of ours, what it
        was made of are kept in the file.
    """
    numbered = _smallest_unsigned(np.asarray(data), Path(path).name)
    description = {"axes": "TYX"[-numbered.ndim :], "Name": meta.get("name", "labels")}
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            numbered,
            ome=True,
            compression="zlib",
            photometric="minisblack",
            metadata=description | _physical_size(meta) | _legend(meta) | _origin(meta),
        )
    return [path]


def _smallest_unsigned(numbered: NDArray[Any], name: str) -> NDArray[Any]:
    if numbered.ndim not in (2, 3):
        raise OutputError(f"{name}: {numbered.ndim} axes cannot be saved; take (y, x) or a stack")
    if numbered.size and (numbered.min() < 0 or numbered.max() > _LARGEST):
        raise OutputError(f"{name}: label numbers must lie between 0 and {_LARGEST}")
    return numbered.astype(np.min_scalar_type(numbered.max(initial=0)))


def _physical_size(meta: dict[str, Any]) -> dict[str, Any]:
    try:
        y_nm, x_nm = (
            float((scale * _UNITS.Unit(str(unit))).to("nm").magnitude)
            for scale, unit in zip(meta["scale"][-2:], meta["units"][-2:], strict=True)
        )
    except (KeyError, pint.PintError):
        return {}
    return {
        "PhysicalSizeX": x_nm,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": y_nm,
        "PhysicalSizeYUnit": "nm",
    }


def _legend(meta: dict[str, Any]) -> dict[str, Any]:
    """Return the features table (region, class, measures) as the file's description."""
    features = meta.get("features")
    if features is None or not len(features):
        return {}
    return {"Description": json.dumps(json.loads(features.to_json(orient="records")))}


def _origin(meta: dict[str, Any]) -> dict[str, Any]:
    """Return what a layer of ours tells about its model, image and parameters."""
    about = meta.get("metadata", {}).get(METADATA_KEY, {})
    told = {key: json.dumps(plain(about[key])) for key in _TOLD if key in about}
    return {"MapAnnotation": annotation(told)} if told else {}
