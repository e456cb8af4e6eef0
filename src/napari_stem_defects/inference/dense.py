"""Dense (fully convolutional) inference: the image is convolved as a whole, tile by tile.

Where a window is a plain part of the filtered image and no convolution is zero-padded, overlapping
windows share most of their feature maps. Convolving a whole tile gives the probabilities of all
its windows, the same as window by window, for a thirtieth of the work at a stride of 8 px. All
members take part, so an early exit of Bulk windows would save nothing.
"""

from __future__ import annotations

import math
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_stem_defects.inference.network_runner import (
    NetworkRunner,
    free_gpu_values,
    mean_probabilities,
)
from napari_stem_defects.inference.side_by_side import side_by_side
from napari_stem_defects.inference.strategy import Batch, InferenceStrategy
from napari_stem_defects.networks.ensemble import (
    count_multiplications,
    network_for,
    supports_dense_inference,
)
from napari_stem_defects.preprocessing.windows import part_around

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from napari_stem_defects.inference.strategy import InferenceMode
    from napari_stem_defects.networks.ensemble import EnsembleNetwork, Precision
    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.preprocessing.tiled import FilteredImage
    from napari_stem_defects.preprocessing.windows import Grid

# Largest edge of a tile in px: smaller ones overlap more. On a CPU some rows at a time pass through
# the networks, so that the cache does not limit it; elsewhere tiles are held as a whole.
TILE_PX, WHOLE_TILE_PX = 1440, 512
# Windows of a tile up to which it may be larger than that: progress is shown after each tile.
_MOST_WINDOWS = 25_600
# Least height, in windows that do not overlap, of tiles that an image is divided into for threads.
_LEAST_HEIGHT = 3
# Values in memory per pixel and feature map of the first block.
VALUES_PER_PIXEL = 3


def uniform_stride(grid: Grid) -> int | None:
    """Return the stride of a grid in px; None where it has more than one, or none."""
    steps = np.unique(np.concatenate([np.diff(grid.y), np.diff(grid.x)]))
    return int(steps[0]) if len(steps) == 1 else None


def is_dense_faster(spec: EnsembleSpec, grid: Grid) -> bool:
    """Return whether dense inference is possible and needs fewer multiplications.

    Parameters
    ----------
    spec : EnsembleSpec
    grid : Grid
        Window centres.
    """
    stride = uniform_stride(grid)
    if stride is None or not supports_dense_inference(spec):
        return False
    return count_multiplications(spec, stride) < count_multiplications(spec)


def quicker_stride(spec: EnsembleSpec, stride_px: int) -> int | None:
    """Return the quickest finer step between windows if it takes less than half the time.

    Each block of the networks halves the image, and windows share its values only where the step
    is a multiple of two for it: of windows 5 px apart, no two neighbours share a value after the
    first block, so all positions have to be computed. No other order of the same windows is
    cheaper: split into four grids of steps of 10 px, each costs a quarter.

    Parameters
    ----------
    spec : EnsembleSpec
    stride_px : int
        Step between windows in px.

    Returns
    -------
    int or None
        The quickest of them; None where there is none.
    """
    if not supports_dense_inference(spec):
        return None
    alone = count_multiplications(spec)

    def cost(stride: int) -> float:
        return min(count_multiplications(spec, stride), alone) / stride**2

    quickest = min(range(stride_px, 0, -1), key=cost)
    return quickest if 2 * cost(quickest) < cost(stride_px) else None


class DenseInference(InferenceStrategy):
    """Convolves each tile of the image once.

    Parameters
    ----------
    filtered : FilteredImage
    ensemble : Ensemble
    device : str
        A torch device name.
    grid : Grid
        Window centres for which `is_dense_faster`.
    mode : {"exact", "fast"}
        "fast" computes in float16 on a GPU, which changed no probability of the public
        micrographs by more than 0.002; on a CPU both modes are float32.
    """

    def __init__(
        self,
        filtered: FilteredImage,
        ensemble: Ensemble,
        device: str,
        grid: Grid,
        mode: InferenceMode,
    ) -> None:
        self._filtered = filtered
        self._spec = ensemble.spec
        self._stride = uniform_stride(grid) or 1

        def network_on(device: torch.device) -> EnsembleNetwork:
            on_gpu = device.type in ("cuda", "mps")
            precision: Precision = "float16" if on_gpu and mode == "fast" else "float32"
            return network_for(ensemble, str(device), precision)

        self._runner = NetworkRunner(device, network_on, self._windows_per_tile)

    def batches(self, grid: Grid) -> Iterator[Batch]:
        """Yield the windows of a grid by tiles of about one size, from top to bottom."""
        on_cpu = self._runner.device.type == "cpu"
        edge = self._edge_on_cpu() if on_cpu else max(1, math.isqrt(self._runner.batch_size))
        down, across = -(-len(grid.y) // edge), -(-len(grid.x) // edge)
        if on_cpu:
            down = self._for_all_threads(len(grid.y), down, across)
        for rows in np.array_split(np.arange(len(grid.y)), down):
            for columns in np.array_split(np.arange(len(grid.x)), across):
                yield Batch(np.repeat(rows, len(columns)), np.tile(columns, len(rows)))

    def results(self, grid: Grid) -> Generator[tuple[Batch, NDArray[np.float32]]]:
        """Predict tiles, on a CPU several at a time, from top to bottom."""
        if self._runner.device.type != "cpu":
            yield from super().results(grid)
            return
        tiles = list(self.batches(grid))

        def compute(tile: Batch) -> NDArray[np.float32]:
            return self.predict(grid.y[tile.rows], grid.x[tile.columns])

        with closing(side_by_side(compute, tiles)) as found:
            yield from zip(tiles, found, strict=True)

    def predict(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return probabilities (N, C) of the windows of a tile; see `InferenceStrategy.predict`.

        Windows are computed together by whole rows, because they must form a rectangle.
        """
        row_length = int(np.count_nonzero(y == y[0]))
        return self._runner.run(self._predict, y, x, row_length=row_length)

    def _windows_per_tile(self, device: torch.device) -> int:
        if device.type == "cpu":
            return self._edge_on_cpu() ** 2
        edge = float(min(TILE_PX, WHOLE_TILE_PX))
        if device.type == "cuda":
            spec = self._spec
            width = spec.network.channels[0] * len(spec.classes) * len(spec.seeds)
            edge = (free_gpu_values() / (VALUES_PER_PIXEL * width)) ** 0.5
        return self._windows_along(edge) ** 2

    def _edge_on_cpu(self) -> int:
        """Return the most windows along an edge of a tile on a CPU."""
        widest = min(self._windows_along(TILE_PX), math.isqrt(_MOST_WINDOWS))
        return max(widest, self._windows_along(min(TILE_PX, WHOLE_TILE_PX)))

    def _for_all_threads(self, rows: int, fewest: int, across: int) -> int:
        """Return the number of tiles one below the other that keeps all threads busy to the end.

        Lower tiles overlap more, so there are no more than needed. Where the tiles of an image are
        fewer than the threads, each has as many of them as the others.
        """
        threads, height = torch.get_num_threads(), _LEAST_HEIGHT * self._spec.preprocessing.patch_px
        most = max(fewest, rows // max(1, height // self._stride))
        counts = range(fewest, most + 1)
        one_each = (down for down in counts if down * across % threads == 0)
        shared = (down for down in reversed(counts) if threads % (down * across) == 0)
        return next(one_each, next(shared, most))

    def _windows_along(self, edge_px: float) -> int:
        return max(1, int((edge_px - self._spec.preprocessing.patch_px) / self._stride) + 1)

    def _predict(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        rows, columns = (len(np.unique(at)) for at in (y, x))
        patch_px = self._spec.preprocessing.patch_px
        tile = part_around(self._filtered, (y[0], y[-1]), (x[0], x[-1]), patch_px)
        pixels = self._runner.to_device(tile)
        logits = self._runner.networks.member_logits_dense(pixels, self._stride)
        return mean_probabilities(self._spec, logits[:rows, :columns].flatten(0, 1))
