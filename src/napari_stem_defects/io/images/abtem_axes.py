"""Axes that abTEM states in its TIFF and Zarr files: x before y, lengths in Å.

abTEM stores arrays with x first, as it computes with them, and turns them when it plots: read
as rows and columns, its images would be mirrored at their diagonal.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.images.axes import Axis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MARK = "abTEM"
# Units of the sampling of each type, which versions before 1.0.6 do not state.
_UNITS = {"Images": "Å", "PotentialArray": "Å", "Waves": "Å", "DiffractionPatterns": "1/Å"}


def axes_in_text(text: object, shape: Sequence[int]) -> list[Axis]:
    """Return the axes in the description of a TIFF file.

    Parameters
    ----------
    text : object
        As in the file.
    shape : sequence of int
        Of the stored array.

    Returns
    -------
    list of Axis
        Empty where abTEM did not write it.
    """
    if not isinstance(text, str) or _MARK not in text or not text.lstrip().startswith("{"):
        return []
    try:
        described = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return stated_axes(described, shape)


def stated_axes(described: Mapping[str, Any], shape: Sequence[int]) -> list[Axis]:
    """Return the axes in a description of abTEM.

    Parameters
    ----------
    described : mapping
        With ``axes``, as of version 1.0.6, or with ``type`` and ``sampling``, as of earlier ones.
    shape : sequence of int
        Of the stored array.

    Returns
    -------
    list of Axis
        As many as the array has, found from the last one on; empty where none are described.
    """
    if len(shape) < 2:
        return []
    frames = [Axis(int(size), "frames") for size in shape[:-2]]
    stated = described.get("axes")
    if isinstance(stated, dict):
        named = [stated[name] for name in sorted(stated, key=_number)][-len(shape) :]
        if len(named) < 2 or not all(isinstance(axis, dict) for axis in named):
            return []
        first = len(shape) - len(named)
        return frames[:first] + [_axis(*each) for each in zip(named, shape[first:], strict=True)]
    sampling = described.get("sampling")
    sampling = sampling.get("_value") if isinstance(sampling, dict) else sampling
    if not isinstance(sampling, list | tuple) or len(sampling) != 2:
        return []
    unit = _UNITS.get(str(described.get("type")))
    image = zip(shape[-2:], "xy", sampling, strict=True)
    return frames + [Axis(int(size), name, step, unit) for size, name, step in image]


def _axis(described: Mapping[str, Any], size: int) -> Axis:
    name, unit = described.get("label"), described.get("units")
    return Axis(
        int(size),
        name if isinstance(name, str) and name else "frames",
        described.get("sampling"),
        unit if isinstance(unit, str) else None,
    )


def _number(name: str) -> int:
    found = re.search(r"\d+", name)
    return int(found[0]) if found else 0
