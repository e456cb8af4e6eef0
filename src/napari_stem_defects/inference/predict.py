"""Class probabilities of the windows of one filtered image.

Mode "exact" evaluates every member on every window in float32, on GPUs without TF32; it is the
reference for "fast", which may skip the other members where Bulk is certain
(`inference.early_exit`). Where overlapping windows share their feature maps, both modes use dense
(fully convolutional) inference (`inference.dense`), which is exact on a CPU; otherwise they use
sliding-window inference (`inference.sliding_window`).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference.dense import DenseInference, is_dense_faster
from napari_stem_defects.inference.exact_arithmetic import full_precision
from napari_stem_defects.inference.sliding_window import (
    COARSE_STEP,
    SlidingWindowInference,
)
from napari_stem_defects.inference.strategy import CoarseMapProgress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.inference.strategy import (
        InferenceMode,
        InferenceStrategy,
    )
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.tiled import FilteredImage
    from napari_stem_defects.preprocessing.windows import Grid


class PartialProbabilities(NamedTuple):
    """Probabilities of an image while inference is running.

    Attributes
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
        The array being filled; read it before the callback returns. 0 where not predicted yet.
    predicted : ndarray of bool, shape (gy, gx)
        Windows that have been predicted: the coarse grid first, or tile after tile.
    grid : Grid
        Window centres.
    """

    probability: NDArray[np.float32]
    predicted: NDArray[np.bool_]
    grid: Grid


PartialCallback = Callable[[PartialProbabilities], None]


def pick_device(wanted: str = "auto") -> str:
    """Choose a torch device name.

    Parameters
    ----------
    wanted : {"auto", "cpu", "cuda", "mps"}
        "auto" takes the first available of CUDA, MPS and CPU.

    Returns
    -------
    {"cpu", "cuda", "mps"}

    Raises
    ------
    InputError
        The device is unknown or not available.
    """
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(name for name, present in available.items() if present)
    if not available.get(wanted, False):
        usable = ", ".join(name for name, present in available.items() if present)
        raise InputError(f"device {wanted!r} is not available here; use auto or one of: {usable}")
    return wanted


def predict(
    filtered: FilteredImage,
    ensemble: Ensemble,
    grid: Grid,
    *,
    device: str = "cpu",
    mode: InferenceMode = "exact",
    report: ProgressCallback = silent,
    watch: PartialCallback | None = None,
) -> NDArray[np.float32]:
    """Return the class probabilities of every window of a grid.

    Parameters
    ----------
    filtered : FilteredImage
        From `preprocessing.pipeline.filter_lazily`, at the ensemble's pixel size.
    ensemble : Ensemble
    grid : Grid
        Window centres in px.
    device : str
        A torch device name.
    mode : {"exact", "fast"}
        See the module docstring.
    report : callable
        Called with the progress after every batch. Sliding-window inference reports one
        `CoarseMapProgress`, when the coarse grid is complete.
    watch : callable, optional
        Called after every batch with all probabilities so far.

    Returns
    -------
    ndarray of float32, shape (C, gy, gx)
        Probabilities after probability calibration.

    Raises
    ------
    InputError
        The machine does not have enough memory for even a few windows.
    """
    values = np.zeros((len(grid.y), len(grid.x), len(ensemble.spec.classes)), np.float32)
    partial = PartialProbabilities(
        values.transpose(2, 0, 1), np.zeros(values.shape[:2], bool), grid
    )
    strategy = _choose_strategy(filtered, ensemble, grid, device, mode)
    done, exactly = 0, full_precision() if mode == "exact" else nullcontext()
    with exactly, closing(strategy.results(grid)) as results:
        for batch, part in results:
            values[batch.rows, batch.columns] = part
            partial.predicted[batch.rows, batch.columns] = True
            done += len(batch.rows)
            progress = Progress("scanning", done, grid.windows)
            if batch.ends_coarse_grid:
                progress = _with_coarse_map(progress, values, grid)
                strategy.use_coarse_grid(progress.probability)
            report(progress)
            if watch is not None:
                watch(partial)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def _choose_strategy(
    filtered: FilteredImage, ensemble: Ensemble, grid: Grid, device: str, mode: InferenceMode
) -> InferenceStrategy:
    """Choose the strategy with fewer multiplications."""
    if is_dense_faster(ensemble.spec, grid):
        return DenseInference(filtered, ensemble, device, grid, mode)
    return SlidingWindowInference(filtered, ensemble, device, mode)


def _with_coarse_map(
    progress: Progress, values: NDArray[np.float32], grid: Grid
) -> CoarseMapProgress:
    """Add the coarse grid of the probabilities (gy, gx, C) to the progress."""
    part = values[::COARSE_STEP, ::COARSE_STEP]
    return CoarseMapProgress(
        progress.stage,
        progress.done,
        progress.total,
        probability=np.ascontiguousarray(part.transpose(2, 0, 1)),
        y=grid.y[::COARSE_STEP],
        x=grid.x[::COARSE_STEP],
    )
