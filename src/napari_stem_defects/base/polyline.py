"""Length of polylines."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def polyline_length(points: Sequence[tuple[float, float]]) -> float:
    """Return the length of a polyline.

    Parameters
    ----------
    points : sequence of (float, float)
        Points (y, x), in order.

    Returns
    -------
    float
        Sum of the lengths of its segments, in the unit of the points.
    """
    return sum(math.dist(first, second) for first, second in pairwise(points))
