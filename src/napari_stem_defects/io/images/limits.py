"""Memory limits that are checked before an image is allocated."""

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

# Noise limits the compression of a micrograph to less than tenfold; only a blank image exceeds
# this ratio (a thousandfold by zlib). Small images are accepted at any ratio.
_CREDIBLE_RATIO = 250
_ALWAYS_CREDIBLE = 64 * 2**20


def memory_limit() -> int:
    """Return the most bytes that one image may take: half of the memory of this machine."""
    return int(psutil.virtual_memory().total) // 2


def check_declared_size(
    path: Path, shape: Sequence[int], dtype: DTypeLike, *, whole: bool = True
) -> None:
    """Check the shape and type that a header declares; see `check_declared_bytes`.

    Parameters
    ----------
    path : Path
        The file with the header.
    shape : sequence of int
        Declared shape, including the samples per pixel.
    dtype : dtype
        Declared type of one sample.
    whole : bool
        Whether memory has to hold all of it.

    Raises
    ------
    ReadError
        Memory cannot hold the image, or the file is too small to contain it.
    """
    stored: Any = np.dtype(dtype)
    samples = math.prod(int(length) for length in shape)
    if whole:
        check_memory(path, samples * stored.itemsize, samples * 4)
    check_credible(path, samples * stored.itemsize)


def check_declared_bytes(path: Path, stored: int, converted: int = 0) -> None:
    """Check that memory can hold the declared bytes and that the file can contain them.

    Parameters
    ----------
    path : Path
        The file with the header.
    stored : int
        Declared uncompressed size in bytes.
    converted : int
        Size in bytes of the converted copy.

    Raises
    ------
    ReadError
        Both together exceed `memory_limit`, or ``stored`` is more than 250 times the file size.
    """
    check_memory(path, stored, converted)
    check_credible(path, stored)


def check_credible(path: Path, stored: int) -> None:
    """Check that a file can contain the declared bytes.

    Parameters
    ----------
    path : Path
        The file with the header.
    stored : int
        Declared uncompressed size in bytes.

    Raises
    ------
    ReadError
        ``stored`` is more than 250 times the file size.
    """
    actual = path.stat().st_size
    if stored > max(_ALWAYS_CREDIBLE, _CREDIBLE_RATIO * actual):
        fault = f"declares {_readable(stored)} in a file of {_readable(actual)}"
        raise ReadError(one_line(path, fault, "it is blank or damaged; export it again"))


def check_memory(path: Path, stored: int, converted: int) -> None:
    """Check that memory can hold an image and its converted copy.

    Parameters
    ----------
    path : Path
        The file.
    stored, converted : int
        Size in bytes as stored, unpacked, and of the copy.

    Raises
    ------
    ReadError
        Both together exceed `memory_limit`.
    """
    needed, limit = stored + converted, memory_limit()
    if needed > limit:
        fault = f"needs {_readable(needed)} of memory, more than the {_readable(limit)} allowed"
        raise ReadError(one_line(path, fault, "cut it into smaller stacks or images"))


def _readable(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.0f} TB"
