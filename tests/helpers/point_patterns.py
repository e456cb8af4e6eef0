"""Random points in an area whose outline is not a rectangle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.statistics.point_pattern import PointPattern

ODD_AREA = np.ones((80, 80), bool)
ODD_AREA[:40, 45:] = False
ODD_AREA[60:, :20] = False


def random_patterns(mask: NDArray[np.bool_], count: int, number: int = 40) -> list[PointPattern]:
    """Return patterns of ``count`` points on pixels of 0.5 units."""
    generator = np.random.default_rng(1)
    empty = PointPattern(np.zeros((count, 2)), mask, 0.5)
    return [PointPattern(empty.at_random(generator), mask, 0.5) for _ in range(number)]
