"""Sliding-window inference: windows are cut out, transformed and predicted in batches.

The coarse grid comes first. In mode "fast" the Bulk member may skip the others
(`inference.early_exit`); it computes in bfloat16 on devices with instructions for it. bfloat16
decides nothing else: its probabilities differ from the exact ones by up to 0.03.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from napari_stem_defects.inference.early_exit import EarlyExit, supports_early_exit
from napari_stem_defects.inference.network_runner import (
    MIN_BATCH_SIZE,
    NetworkRunner,
    free_gpu_values,
    mean_probabilities,
)
from napari_stem_defects.inference.strategy import Batch, InferenceMode, InferenceStrategy
from napari_stem_defects.networks.ensemble import network_for
from napari_stem_defects.preprocessing.pipeline import feature_shapes
from napari_stem_defects.preprocessing.pipeline_torch import features_on_device
from napari_stem_defects.preprocessing.windows import band_around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.networks.ensemble import EnsembleNetwork, Precision
    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.preprocessing.tiled import FilteredImage
    from napari_stem_defects.preprocessing.windows import Grid


# Every fourth window of each axis first: a coarse map after a sixteenth of the work.
COARSE_STEP = 4
# Windows between two progress reports; a GPU takes as many as fit.
BATCH = 512
MAX_BATCH_SIZE = 16384


class CascadeNetworks(NamedTuple):
    """Networks of sliding-window inference on one device.

    Attributes
    ----------
    all_members : EnsembleNetwork
    bulk : EnsembleNetwork or None
        The Bulk members alone, for the early exit.
    """

    all_members: EnsembleNetwork
    bulk: EnsembleNetwork | None


class SlidingWindowInference(InferenceStrategy):
    """Predicts every window by itself.

    Parameters
    ----------
    filtered : FilteredImage
    ensemble : Ensemble
    device : str
        A torch device name.
    mode : {"exact", "fast"}
        "fast" allows the early exit of windows that Bulk classifies as defect-free.
    """

    def __init__(
        self, filtered: FilteredImage, ensemble: Ensemble, device: str, mode: InferenceMode
    ) -> None:
        self._filtered = filtered
        self._spec = ensemble.spec
        has_early_exit = mode == "fast" and supports_early_exit(ensemble.spec)
        self._early_exit = EarlyExit(ensemble.spec) if has_early_exit else None

        def networks_on(device: torch.device) -> CascadeNetworks:
            name, bulk = str(device), None
            all_members = network_for(ensemble, name)
            if self._early_exit is not None:
                precision = fast_precision(name)
                bulk = network_for(ensemble, name, precision, self._early_exit.class_index)
            return CascadeNetworks(all_members, bulk)

        def batch_size_on(device: torch.device) -> int:
            return _gpu_batch_size(ensemble.spec) if device.type == "cuda" else BATCH

        self._runner = NetworkRunner(device, networks_on, batch_size_on)

    def batches(self, grid: Grid) -> Iterator[Batch]:
        """Yield the windows of a grid, the coarse grid before the rest."""
        rows, columns = np.indices((len(grid.y), len(grid.x))).reshape(2, -1)
        coarse = (rows % COARSE_STEP == 0) & (columns % COARSE_STEP == 0)
        for chosen, is_coarse in ((coarse, True), (~coarse, False)):
            y, x = rows[chosen], columns[chosen]
            size = self._runner.batch_size
            for start in range(0, len(y), size):
                stop = start + size
                yield Batch(y[start:stop], x[start:stop], is_coarse and stop >= len(y))

    def predict(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return probabilities (N, C); see `InferenceStrategy.predict`."""
        return self._runner.run(self._predict, y, x)

    def use_coarse_grid(self, probability: NDArray[np.float32]) -> None:
        """Activate the early exit unless the coarse grid contradicts it."""
        if self._early_exit is not None:
            self._early_exit.use_coarse_grid(probability)

    def _predict(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        features = self._features(y, x)
        all_members, bulk = self._runner.networks
        if self._early_exit is None or bulk is None or not self._early_exit.is_active:
            return mean_probabilities(self._spec, all_members.member_logits(features))
        column = self._early_exit.class_index
        probability = self._bulk_probabilities(bulk.member_logits(features), column)
        rows = self._early_exit.remaining(probability[:, column])
        chosen = torch.from_numpy(rows).to(self._runner.device)
        remaining = {name: values[chosen] for name, values in features.items()}
        probability[rows] = mean_probabilities(self._spec, all_members.member_logits(remaining))
        return probability

    def _bulk_probabilities(self, logits: Tensor, column: int) -> NDArray[np.float32]:
        """Return probabilities (N, C), 0 except for Bulk, from its members' logits (N, K)."""
        padded = torch.zeros(len(logits), len(self._spec.classes), logits.shape[1])
        padded[:, column] = logits.cpu()
        probability = np.zeros(padded.shape[:2], np.float32)
        probability[:, column] = mean_probabilities(self._spec, padded)[:, column]
        return probability

    def _features(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> dict[str, Tensor]:
        """Cut out windows and transform them, both on the device."""
        settings, device = self._spec.preprocessing, self._runner.device
        band, top = band_around(self._filtered, y, settings.patch_px)
        pixels = self._runner.to_device(band)
        views = pixels.unfold(0, settings.patch_px, 1).unfold(1, settings.patch_px, 1)
        rows, columns = (torch.from_numpy(at).to(device) for at in (y - top, x))
        with torch.inference_mode():
            return features_on_device(views[rows, columns], settings)


def _gpu_batch_size(spec: EnsembleSpec) -> int:
    values = max(math.prod(shape) for shape in feature_shapes(spec.preprocessing).values())
    width = spec.network.channels[0] * len(spec.classes) * len(spec.seeds)
    return min(max(free_gpu_values() // (values * width), MIN_BATCH_SIZE), MAX_BATCH_SIZE)


def fast_precision(device: str) -> Precision:
    """Choose the precision of the Bulk members in mode "fast".

    A property of the device alone: a choice by timing would make results depend on the load.

    Parameters
    ----------
    device : str
        A torch device name.

    Returns
    -------
    {"float32", "bfloat16"}
        bfloat16 on CUDA devices that compute in it, and on processors with matrix instructions for
        it (AMX): a convolution like the members' takes 0.4 to 0.7 times as long there.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        is_quick = torch.cuda.is_bf16_supported()
    else:
        is_quick = kind == "cpu" and _has_amx()
    return "bfloat16" if is_quick else "float32"


def _has_amx() -> bool:
    """Return whether the processor has matrix instructions; False if torch does not state it."""
    is_supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return is_supported is not None and bool(is_supported())
