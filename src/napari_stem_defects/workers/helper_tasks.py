"""What a helper process does: it holds an image, and calls a function for some items of it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.workers.messages import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.base.progress import ProgressCallback


@dataclass
class _Held:
    """What the parent has sent so far."""

    image: NDArray[np.float32] | None = None
    common: Any = None


_held = _Held()


def prepare(*, modules: Sequence[str], report: ProgressCallback) -> None:
    """Import what will be needed, while the parent does something else."""
    for module in modules:
        import_module(module)


def hold_image(*, image: NDArray[np.float32], report: ProgressCallback) -> None:
    """Hold the image of the following calls."""
    _held.image = None  # never two of them
    _held.image = image


def hold_common(*, common: Any, report: ProgressCallback) -> None:
    """Hold what is common to the items of the following calls."""
    _held.common = common


def call(
    *, function: str, with_image: bool, items: Sequence[Any], report: ProgressCallback
) -> list[Any]:
    """Call a function for some items, with matrix products of one thread as in the parent."""
    image = _held.image if with_image else None
    with one_blas_thread():
        return [resolve(function)(image, _held.common, item) for item in items]
