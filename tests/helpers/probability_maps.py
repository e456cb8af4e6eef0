"""Probability maps for tests of masks and regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    pass


SHAPE = (160, 200)


def answers(*classes: str, shape: tuple[int, int] = SHAPE, stride: int = 8) -> ProbabilityMap:
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
