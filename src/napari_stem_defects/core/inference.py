"""Running an ensemble over the windows of one flattened image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_stem_defects.core.network import Network
from napari_stem_defects.core.preprocessing import features
from napari_stem_defects.core.progress import Progress, Report, silent
from napari_stem_defects.core.windows import Grid, cut, pad_for_windows
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_stem_defects.core.ensemble import Ensemble

# Every fourth window of each axis first: a coarse map after a sixteenth of the work.
COARSE_STEP = 4
BATCH = 512


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
    flattened: NDArray[np.float32],
    ensemble: Ensemble,
    grid: Grid,
    *,
    device: str = "cpu",
    report: Report = silent,
) -> NDArray[np.float32]:
    """Ask every member about every window.

    Parameters
    ----------
    flattened : ndarray of float32, shape (Y, X)
        What `preprocessing.flatten` returned, at the ensemble's pixel size.
    ensemble : Ensemble
    grid : Grid
        Window centres.
    device : str
        A torch device name.
    report : callable
        Told after every batch; once, when the coarse grid is done, with
        ``detail={"probability": (C, ., .), "y": ..., "x": ...}`` of that grid.

    Returns
    -------
    ndarray of float32, shape (C, gy, gx)
        Calibrated probabilities.
    """
    network = Network(ensemble, device)
    settings = ensemble.spec.preprocessing
    padded = pad_for_windows(flattened, settings.patch_px)
    classes = len(ensemble.spec.classes)
    answers = np.zeros((len(grid.y), len(grid.x), classes), np.float32)
    done = 0
    for batch in _batches(grid):
        patches = cut(padded, grid.y[batch.rows], grid.x[batch.columns], settings.patch_px)
        answers[batch.rows, batch.columns] = network.probabilities(features(patches, settings))
        done += len(batch.rows)
        coarse = _coarse_map(answers, grid) if batch.ends_coarse else {}
        report(Progress("scanning", done, grid.windows, coarse))
    return np.ascontiguousarray(answers.transpose(2, 0, 1))


class _Batch(NamedTuple):
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    ends_coarse: bool


def _batches(grid: Grid) -> Iterator[_Batch]:
    """Yield window indices, the coarse grid before the rest."""
    rows, columns = np.indices((len(grid.y), len(grid.x))).reshape(2, -1)
    coarse = (rows % COARSE_STEP == 0) & (columns % COARSE_STEP == 0)
    for chosen, is_coarse in ((coarse, True), (~coarse, False)):
        y, x = rows[chosen], columns[chosen]
        for start in range(0, len(y), BATCH):
            stop = start + BATCH
            yield _Batch(y[start:stop], x[start:stop], is_coarse and stop >= len(y))


def _coarse_map(answers: NDArray[np.float32], grid: Grid) -> dict[str, NDArray[np.generic]]:
    part = answers[::COARSE_STEP, ::COARSE_STEP]
    return {
        "probability": np.ascontiguousarray(part.transpose(2, 0, 1)),
        "y": grid.y[::COARSE_STEP],
        "x": grid.x[::COARSE_STEP],
    }
