"""Disturbances of scan rows, as scans and detectors make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pixels = NDArray[np.float32]


def shifted(pixels: Pixels, rows: Sequence[int], step: float) -> Pixels:
    """Shift rows by a step in px."""
    changed = pixels.copy()
    for row in rows:
        changed[row] = ndimage.shift(pixels[row], step, order=3, mode="reflect")
    return changed


def brighter(pixels: Pixels, rows: Sequence[int], factor: float = 1.6) -> Pixels:
    """Multiply rows by a factor."""
    changed = pixels.copy()
    changed[list(rows)] *= factor
    return changed


def streaked(pixels: Pixels, rows: Sequence[int], start: int = 60) -> Pixels:
    """Add the afterglow of a flash to rows."""
    changed = pixels.copy()
    after = np.arange(pixels.shape[1] - start)
    changed[list(rows), start:] += 2 * pixels.mean() * np.exp(-after / 60)
    return changed


def repeated(pixels: Pixels, rows: Sequence[int]) -> Pixels:
    """Record the row above again."""
    changed = pixels.copy()
    for row in rows:
        changed[row] = changed[row - 1]
    return changed


def lost(pixels: Pixels, rows: Sequence[int]) -> Pixels:
    """Lose two thirds of rows."""
    changed = pixels.copy()
    changed[list(rows), pixels.shape[1] // 3 :] = 0
    return changed


DISTURBANCES: dict[str, Callable[[Pixels, Sequence[int]], Pixels]] = {
    "shifted": lambda pixels, rows: shifted(pixels, rows, 4.0),
    "brighter": brighter,
    "streaked": streaked,
    "repeated": repeated,
    "lost": lost,
}
