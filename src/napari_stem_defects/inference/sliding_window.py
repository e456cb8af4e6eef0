"""Showing an image to an ensemble window by window, the coarse grid first.

In mode "fast" the Bulk member looks first, in bfloat16 where that was measured to be faster.
Where it is sure, the other members are not asked and their answer is 0; everywhere else the
answer is the exact one. The coarse grid is shown to all members beforehand: where one of its
windows holds a defect although Bulk is sure, nothing is cleared.

bfloat16 does not decide more than that: its answers differ from the exact ones by up to 0.03.
"""

from __future__ import annotations

import math
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.inference.strategy import (
    SMALLEST_BATCH,
    Batch,
    InferenceMode,
    InferenceStrategy,
    network_of,
    values_that_fit,
)
from napari_stem_defects.preprocessing.pipeline import feature_shapes
from napari_stem_defects.preprocessing.pipeline_torch import features_on_device
from napari_stem_defects.preprocessing.windows import band_around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.networks.ensemble import Precision
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.tiled import FilteredImage
    from napari_stem_defects.preprocessing.windows import Grid


# Every fourth window of each axis first: a coarse map after a sixteenth of the work.
COARSE_STEP = 4
# Windows between two reports; a GPU takes as many as fit.
BATCH = 512
LARGEST_BATCH = 16384

# A calibrated Bulk from which no other member is asked, where training found no other, and the
# answer of another member that contradicts such a Bulk.
EARLY_EXIT_PROBABILITY = 0.985
CONTRADICTION = 0.1
# What training records where it found no Bulk probability to be safe.
NEVER = 1.0
# How much faster than float32 bfloat16 must be to be used.
WORTHWHILE = 1.3


class SlidingWindowInference(InferenceStrategy):
    """Windows cut out of the image, transformed and asked about in batches.

    Parameters
    ----------
    filtered : FilteredImage
    ensemble : Ensemble
    device : str
    mode : {"exact", "fast"}
    """

    def __init__(
        self, filtered: FilteredImage, ensemble: Ensemble, device: str, mode: InferenceMode
    ) -> None:
        self._mode = mode
        self._clears = False
        recorded = ensemble.spec.bulk_clears_from
        self._cleared_from = EARLY_EXIT_PROBABILITY if recorded is None else recorded
        if recorded == NEVER:  # which a probability may be rounded up to
            self._cleared_from = math.inf
        super().__init__(filtered, ensemble, device)

    def batches(self, grid: Grid) -> Iterator[Batch]:
        """Yield the windows of a grid, the coarse grid before the rest."""
        rows, columns = np.indices((len(grid.y), len(grid.x))).reshape(2, -1)
        coarse = (rows % COARSE_STEP == 0) & (columns % COARSE_STEP == 0)
        for chosen, is_coarse in ((coarse, True), (~coarse, False)):
            y, x = rows[chosen], columns[chosen]
            for start in range(0, len(y), self.size):
                stop = start + self.size
                yield Batch(y[start:stop], x[start:stop], is_coarse and stop >= len(y))

    def clear_where_bulk_is_sure(self, coarse: NDArray[np.float32]) -> None:
        """Trust the Bulk member from now on, unless answers (C, gy, gx) of all contradict it."""
        if self._bulk is not None:
            others = np.delete(coarse, self._column, axis=0).max(0)
            sure = coarse[self._column] >= self._cleared_from
            self._clears = not (sure & (others >= CONTRADICTION)).any()

    def _move_to(self, device: str) -> None:
        super()._move_to(device)
        spec = self._ensemble.spec
        self._bulk = None
        if self._mode == "fast" and BULK in spec.classes and len(spec.classes) > 1:
            self._column = spec.classes.index(BULK)
            precision = fast_precision(device)
            self._bulk = network_of(self._ensemble, device, precision, self._column)

    def _fitting(self) -> int:
        if self._device.type != "cuda":
            return BATCH
        spec = self._ensemble.spec
        values = max(math.prod(shape) for shape in feature_shapes(spec.preprocessing).values())
        width = spec.architecture.channels[0] * len(spec.classes) * len(spec.seeds)
        return min(max(values_that_fit() // (values * width), SMALLEST_BATCH), LARGEST_BATCH)

    def _ask(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        seen = self._features(y, x)
        if not self._clears or self._bulk is None:
            return self._calibrated(self._all.ask(seen))
        probability = self._of_bulk_alone(self._bulk.ask(seen))
        rows = np.flatnonzero(probability[:, self._column] < self._cleared_from)
        chosen = torch.from_numpy(rows).to(self._device)
        left = {name: values[chosen] for name, values in seen.items()}
        probability[rows] = self._calibrated(self._all.ask(left))
        return probability

    def _of_bulk_alone(self, logits: Tensor) -> NDArray[np.float32]:
        """Return probabilities (N, C), 0 but for Bulk, of the logits (N, K) of its members."""
        every = torch.zeros(len(logits), len(self._ensemble.spec.classes), logits.shape[1])
        every[:, self._column] = logits.cpu()
        probability = np.zeros(every.shape[:2], np.float32)
        probability[:, self._column] = self._calibrated(every)[:, self._column]
        return probability

    def _features(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> dict[str, Tensor]:
        """Cut windows and transform them, both on the device."""
        settings = self._ensemble.spec.preprocessing
        band, top = band_around(self._filtered, y, settings.patch_px)
        there = self._on_device(band)
        views = there.unfold(0, settings.patch_px, 1).unfold(1, settings.patch_px, 1)
        rows, columns = (torch.from_numpy(at).to(self._device) for at in (y - top, x))
        with torch.inference_mode():
            return features_on_device(views[rows, columns], settings)


@lru_cache(maxsize=4)
def fast_precision(device: str) -> Precision:
    """Choose what "fast" computes in, by timing a convolution like the members' in both."""
    seconds = {
        precision: _seconds(device, precision) for precision in (torch.float32, torch.bfloat16)
    }
    gain = seconds[torch.float32] / seconds[torch.bfloat16]
    return "bfloat16" if gain >= WORTHWHILE else "float32"


def _seconds(device: str, precision: torch.dtype) -> float:
    """Return the seconds of the quickest of some convolutions."""
    images = torch.ones(8, 84, 32, 32, dtype=precision, device=device)
    weight = torch.ones(168, 12, 3, 3, dtype=precision, device=device)
    images, weight = (x.contiguous(memory_format=torch.channels_last) for x in (images, weight))
    times = []
    with torch.inference_mode():
        for _ in range(5):
            started = time.perf_counter()
            answer = torch.nn.functional.conv2d(images, weight, padding=1, groups=7)
            float(answer[0, 0, 0, 0])  # reading one number waits for the device
            times.append(time.perf_counter() - started)
    return min(times)
