"""Sums over the regions and frames of a result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ClassTotal:
    """Sums over all regions of one class; figures in nm are None without a pixel size."""

    count: int
    area_px: int
    area_nm2: float | None
    length_nm: float | None


@dataclass(frozen=True)
class ResultTotals:
    """Counts and area fractions of all frames together, as in legend and summary.

    Attributes
    ----------
    totals : mapping of str to ClassTotal
        Per defect class.
    fractions : mapping of str to float
        Share of the area per mask, ``unknown`` included.
    valid_fraction : float
        Share of the windows that are valid.
    pixel_size_source : str
        Source of the pixel size.
    frames : int
        Number of frames.
    searched_nm2 : float or None
        Area that was searched in all frames, nm²; None without a pixel size.
    """

    totals: Mapping[str, ClassTotal]
    fractions: Mapping[str, float]
    valid_fraction: float
    pixel_size_source: str
    frames: int = 1
    searched_nm2: float | None = None
