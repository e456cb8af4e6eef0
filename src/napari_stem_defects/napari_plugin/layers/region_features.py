"""Measured regions as the features table of a napari labels layer."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.io.results.formats import (
    REGION_COLUMNS,
    REGION_FIELDS,
    REGION_TEXTS,
    REGION_WHOLE_NUMBERS,
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
        quantity, named as in ``regions.csv``. Of the background, and where nothing was measured,
        texts are empty, whole numbers 0 and other numbers NaN.
    """
    return {
        column: [_background(field), *_values(regions, field)] for column, field in _FIELDS.items()
    }


def _background(field: str) -> object:
    if field in (*REGION_TEXTS, "class_name", "kind"):
        return ""
    return 0 if field in REGION_WHOLE_NUMBERS else np.nan


def _values(regions: Sequence[Region], field: str) -> list[object]:
    value = attrgetter(field)
    missing = _background(field)
    return [missing if (found := value(each)) is None else found for each in regions]
