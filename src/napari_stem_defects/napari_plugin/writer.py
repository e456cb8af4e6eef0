"""napari writer for labels layers as OME-TIFF with pixel size and classes."""

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
_PROVENANCE_KEYS = ("model", "image", "version", "frames")
_MAX_LABEL = np.iinfo(np.uint32).max


def write_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a labels layer as OME-TIFF; napari's own writer loses the pixel size.

    Parameters
    ----------
    path : str
        Ends in ``.ome.tif``.
    data : array of integers, shape (Y, X) or (T, Y, X)
    meta : dict
        Attributes of the layer. The file contains scale, units, name and features and, for a
        detection result, model, image, version and parameters.

    Returns
    -------
    list of str
        The path written.

    Raises
    ------
    OutputError
        If the layer has other axes, a label number is out of range, or writing fails.
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
            metadata=description | _physical_size(meta) | _legend(meta) | _provenance(meta),
        )
    return [path]


def _smallest_unsigned(numbered: NDArray[Any], name: str) -> NDArray[Any]:
    if numbered.ndim not in (2, 3):
        raise OutputError(
            f"{name}: {numbered.ndim} axes cannot be saved; use (y, x) or (frame, y, x)"
        )
    if numbered.size and (numbered.min() < 0 or numbered.max() > _MAX_LABEL):
        raise OutputError(f"{name}: label numbers must lie between 0 and {_MAX_LABEL}")
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
    """Return the features table (region, class, measurements) as the description of the file."""
    features = meta.get("features")
    if features is None or not len(features):
        return {}
    return {"Description": json.dumps(json.loads(features.to_json(orient="records")))}


def _provenance(meta: dict[str, Any]) -> dict[str, Any]:
    """Return model, image, version and parameters of a detection result."""
    metadata = meta.get("metadata", {}).get(METADATA_KEY, {})
    recorded = {
        key: json.dumps(plain(metadata[key])) for key in _PROVENANCE_KEYS if key in metadata
    }
    return {"MapAnnotation": annotation(recorded)} if recorded else {}
