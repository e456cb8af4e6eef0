"""Probability maps for tests of masks and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_stem_defects.postprocessing.connected_components import EIGHT_CONNECTED
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHAPE = (160, 200)
HALF = {"Bulk": 0.5, "SF1": 0.5, "SF2": 0.5, "Vacancy_CdTe": 0.5}
"""Thresholds of 0.5."""


def blank_map(*classes: str, shape: tuple[int, int] = SHAPE, stride: int = 8) -> ProbabilityMap:
    """Return a map without any defect: probability 0 everywhere, all windows valid."""
    y = np.arange(0, shape[0], stride, dtype=np.float32) + 3.5
    x = np.arange(0, shape[1], stride, dtype=np.float32) + 3.5
    return ProbabilityMap(
        probability=np.zeros((len(classes), y.size, x.size), np.float32),
        y=y,
        x=x,
        classes=classes,
        valid=np.ones((y.size, x.size), bool),
    )


def bump(of: ProbabilityMap, y: float, x: float, width: float = 9.0) -> NDArray[np.float32]:
    """Return a Gaussian probability around a point defect, shape (gy, gx)."""
    squared = (of.y[:, None] - y) ** 2 + (of.x[None] - x) ** 2
    return np.exp(-squared / (2 * width**2)).astype(np.float32)


def draw_masks(*arguments: Any, **options: Any) -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    """Return the names of the masks, and the masks as one array."""
    stack = masks_from_probability(*arguments, **options)
    return stack.names, stack.masks()


def count_components(mask: NDArray[np.uint8]) -> int:
    """Return the number of 8-connected components."""
    return int(ndimage.label(mask, EIGHT_CONNECTED)[1])
