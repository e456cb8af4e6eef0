"""Running an ensemble over the windows of one flattened image.

Modes: "exact" asks every member about every window in float32; it is what the other is measured
against. "fast" may spare the other members windows of which the Bulk member is sure; see
`inference.sliding_window`. Where overlapping windows share their feature maps, both are answered
in one pass over the image, on a CPU exactly; see `inference.dense`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from napari_stem_defects.base.progress import Progress, Report, silent
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference.dense import DenseInference, pays
from napari_stem_defects.inference.sliding_window import (
    COARSE_STEP,
    SlidingWindowInference,
)

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
    """A scan that goes on.

    Attributes
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
        The scan's own array, to be read before the watch returns; 0 where nothing was asked yet.
    answered : ndarray of bool, shape (gy, gx)
        The windows that have an answer: the coarse grid's first, or one tile's after another.
    grid : Grid
    """

    probability: NDArray[np.float32]
    answered: NDArray[np.bool_]
    grid: Grid


PartialCallback = Callable[[PartialProbabilities], None]


def pick_device(wanted: str = "auto") -> str:
    """Choose a torch device name.

    Parameters
    ----------
    wanted : {"auto", "cpu", "cuda", "mps"}
        "auto" takes CUDA, then MPS, then the CPU, whichever is there first.

    Raises
    ------
    InputError
        Where the device is unknown or not there.
    """
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(name for name, present in there.items() if present)
    if not there.get(wanted, False):
        usable = ", ".join(name for name, present in there.items() if present)
        raise InputError(f"device {wanted!r} is not available here; use auto or one of: {usable}")
    return wanted


def predict(
    filtered: FilteredImage,
    ensemble: Ensemble,
    grid: Grid,
    *,
    device: str = "cpu",
    mode: InferenceMode = "exact",
    report: Report = silent,
    watch: PartialCallback | None = None,
) -> NDArray[np.float32]:
    """Ask the members about every window.

    Parameters
    ----------
    filtered : FilteredImage
        What `preprocessing.filter_lazily` returned, at the ensemble's pixel size.
    ensemble : Ensemble
    grid : Grid
        Window centres.
    device : str
        A torch device name.
    mode : {"exact", "fast"}
        See the module.
    report : callable
        Told after every batch; window by window once, when the coarse grid is done, with
        ``detail={"probability": (C, ., .), "y": ..., "x": ...}`` of that grid.
    watch : callable, optional
        Shown, after every batch, all answers so far.

    Returns
    -------
    ndarray of float32, shape (C, gy, gx)
        Calibrated probabilities.

    Raises
    ------
    InputError
        The machine has no memory for even a few windows.
    """
    answers = np.zeros((len(grid.y), len(grid.x), len(ensemble.spec.classes)), np.float32)
    so_far = PartialProbabilities(
        answers.transpose(2, 0, 1), np.zeros(answers.shape[:2], bool), grid
    )
    scan = _scan(filtered, ensemble, grid, device, mode)
    done = 0
    for batch in scan.batches(grid):
        part = scan.ask(grid.y[batch.rows], grid.x[batch.columns])
        answers[batch.rows, batch.columns] = part
        so_far.answered[batch.rows, batch.columns] = True
        done += len(batch.rows)
        coarse = {}
        if batch.ends_coarse:
            coarse = _coarse_map(answers, grid)
            scan.clear_where_bulk_is_sure(coarse["probability"])
        report(Progress("scanning", done, grid.windows, coarse))
        if watch is not None:
            watch(so_far)
    return np.ascontiguousarray(answers.transpose(2, 0, 1))


def _scan(
    filtered: FilteredImage, ensemble: Ensemble, grid: Grid, device: str, mode: InferenceMode
) -> InferenceStrategy:
    """Choose the way of scanning that is less work."""
    if pays(ensemble.spec, grid):
        return DenseInference(filtered, ensemble, device, grid, mode)
    return SlidingWindowInference(filtered, ensemble, device, mode)


def _coarse_map(answers: NDArray[np.float32], grid: Grid) -> dict[str, NDArray[Any]]:
    part = answers[::COARSE_STEP, ::COARSE_STEP]
    return {
        "probability": np.ascontiguousarray(part.transpose(2, 0, 1)),
        "y": grid.y[::COARSE_STEP],
        "x": grid.x[::COARSE_STEP],
    }
