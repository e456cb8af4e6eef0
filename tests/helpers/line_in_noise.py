"""Residuals of noise with a line across it, and clicks on them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
from scipy import ndimage

from napari_stem_defects.matched_filter.examples import Click, Examples, ImageContext
from napari_stem_defects.matched_filter.templates import REACH, gaussian_weight

SAMPLES, ROW = 7.0, 150
WEIGHT = gaussian_weight(SAMPLES, REACH["line"])
LATTICE = np.array([[0.0, 7.0], [7.0, 0.0]])


def noise_with_line(line: float, *, wavy: float = 0.0, seed: int = 0) -> np.ndarray:
    """Return smooth noise with a line that repeats along x, unless it is wavy."""
    values = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(300, 300)), 0.8)
    values /= values.std()
    y, x = np.mgrid[:300, :300]
    row = ROW + wavy * np.sin(2 * np.pi * x / 41)
    values += line * np.exp(-((y - row) ** 2) / 25) * np.cos(2 * np.pi * x / SAMPLES)
    return values.astype(np.float32)


def line_examples(
    image: np.ndarray, places: list[tuple[float, float]], *, known: bool = True
) -> Examples:
    """Return clicks (y, x) on a line, with the lattice of the image unless it is not known."""
    context = SimpleNamespace(sampled=SimpleNamespace(lattices=[LATTICE]))
    clicks = [Click(0, y, x, "Fault") for y, x in places]
    return Examples([image], clicks, SAMPLES, [ImageContext(1.0, None, context if known else None)])
