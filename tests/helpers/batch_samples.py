"""Small image files for batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

if TYPE_CHECKING:
    from pathlib import Path


def write_stack(path: Path, *shape: int) -> Path:
    """Write an image or a stack of noise and return its path."""
    noise = np.random.default_rng(len(path.name)).normal(100, 10, shape)
    tifffile.imwrite(path, noise.astype(np.float32), photometric="minisblack")
    return path
