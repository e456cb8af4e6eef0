"""Refuse images that memory cannot hold, before anything is allocated for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike

# Noise keeps a micrograph from shrinking tenfold; only a blank image shrinks more than this, a
# thousandfold by zlib. Small images are let through whatever they claim.
_CREDIBLE_RATIO = 250
_ALWAYS_CREDIBLE = 64 * 2**20


def memory_limit() -> int:
    """Return how many bytes one image may take: half of this machine's memory."""
    return int(psutil.virtual_memory().total) // 2


def check_declared_size(path: Path, shape: Sequence[int], dtype: DTypeLike) -> None:
    """Refuse what a header declares if memory cannot hold it or the file cannot contain it.

    Parameters
    ----------
    path : Path
        The file that declares it.
    shape : sequence of int
        Declared shape, samples per pixel included.
    dtype : dtype
        Declared type of one sample.

    Raises
    ------
    ReadError
    """
    stored: Any = np.dtype(dtype)
    samples = math.prod(int(length) for length in shape)
    check_declared_bytes(path, samples * stored.itemsize, samples * 4)


def check_declared_bytes(path: Path, stored: int, converted: int = 0) -> None:
    """Refuse ``stored`` uncompressed bytes plus ``converted`` bytes of working copy."""
    needed, limit = stored + converted, memory_limit()
    if needed > limit:
        fault = f"needs {_readable(needed)} of memory, more than the {_readable(limit)} allowed"
        raise ReadError(one_line(path, fault, "cut it into smaller stacks or images"))
    actual = path.stat().st_size
    if stored > max(_ALWAYS_CREDIBLE, _CREDIBLE_RATIO * actual):
        fault = f"claims to hold {_readable(stored)} in {_readable(actual)}"
        raise ReadError(one_line(path, fault, "it is blank or damaged; export it again"))


def _readable(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.0f} TB"
