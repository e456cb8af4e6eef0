"""Measured regions as the features table of a napari labels layer."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.io.results.formats import (
    REGION_COLUMNS,
    REGION_FIELDS,
    REGION_TEXTS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.postprocessing.results import Region

_INDEX = "index"
# The layer itself states image and frame; napari shows the features in their order.
_ELSEWHERE = {"image", "frame", "region", "class", "kind"}
_FIELDS = {
    _INDEX: "region",
    "class": "class_name",
    "kind": "kind",
    **{
        column: field
        for column, field in zip(REGION_COLUMNS, REGION_FIELDS, strict=True)
        if column not in _ELSEWHERE
    },
}


def region_features(regions: Sequence[Region]) -> dict[str, list[object]]:
    """Return regions as the columns of the features table of a labels layer, background first.

    Parameters
    ----------
    regions : sequence of Region
        Of one class.

    Returns
    -------
    dict
        ``index``, the number of the region and value in the layer, and a column per measured
        quantity, named as in ``regions.csv``. What was not measured, and everything of the
        background, is None in texts and NaN in numbers: napari's status bar leaves both out.
    """
    return {
        column: [0 if column == _INDEX else _missing(field), *_values(regions, field)]
        for column, field in _FIELDS.items()
    }


def _missing(field: str) -> object:
    return None if field in (*REGION_TEXTS, "class_name", "kind") else np.nan


def _values(regions: Sequence[Region], field: str) -> list[object]:
    value = attrgetter(field)
    missing = _missing(field)
    return [missing if (found := value(each)) in (None, "") else found for each in regions]
