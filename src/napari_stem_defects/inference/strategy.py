"""What every scan of an image has in common: networks on a device, as long as its memory lasts."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch

from napari_stem_defects.base.out_of_memory import ADVICE, is_out_of_memory
from napari_stem_defects.errors import InputError
from napari_stem_defects.networks.ensemble import EnsembleNetwork, Precision

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.tiled import FilteredImage
    from napari_stem_defects.preprocessing.windows import Grid

InferenceMode = Literal["exact", "fast"]

SMALLEST_BATCH = 16
# Share of a GPU's free memory that what is asked together may take.
MEMORY_SHARE = 0.25

_LOG = logging.getLogger(__name__)


class Batch(NamedTuple):
    """Windows asked together, by their place in the grid: ``rows`` and ``columns`` (N,)."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    ends_coarse: bool = False


class InferenceStrategy(ABC):
    """One image shown to an ensemble, on a device as long as its memory lasts.

    Attributes
    ----------
    size : int
        Windows asked about together.
    """

    size: int

    def __init__(self, filtered: FilteredImage, ensemble: Ensemble, device: str) -> None:
        self._filtered = filtered
        self._ensemble = ensemble
        self._move_to(device)
        self.size = self._fitting()

    @abstractmethod
    def batches(self, grid: Grid) -> Iterator[Batch]:
        """Yield the windows of a grid, each once."""

    def clear_where_bulk_is_sure(self, coarse: NDArray[np.float32]) -> None:
        """Take in the answers (C, gy, gx) of the coarse grid; by default all members go on."""
        return None

    @abstractmethod
    def _fitting(self) -> int:
        """Return how many windows to ask about together."""

    @abstractmethod
    def _ask(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return calibrated probabilities (N, C) of windows by their centres (N,)."""

    def _together(self, y: NDArray[np.int64]) -> int:
        """Return how many windows of a batch with centres ``y`` (N,) to ask at once."""
        return self.size

    def _move_to(self, device: str) -> None:
        self._device = torch.device(device)
        self._all = network_of(self._ensemble, device, self._precision(), None)

    def _precision(self) -> Precision:
        """Return what all members compute in on the device."""
        return "float32"

    def ask(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return calibrated probabilities (N, C) of a batch of windows by their centres (N,).

        Raises
        ------
        InputError
            The machine has no memory for even a few windows.
        """
        parts, at = [np.zeros((0, len(self._ensemble.spec.classes)), np.float32)], 0
        while at < len(y):
            chosen = slice(at, at + self._together(y))
            part = self._attempt(y[chosen], x[chosen])
            if part is None:
                self._ask_for_less()
            else:
                parts.append(part)
                at = chosen.stop
        return np.concatenate(parts)

    def _attempt(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return None where memory ran out; it is free again only outside of ``except``."""
        try:
            return self._ask(y, x)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        return None

    def _ask_for_less(self) -> None:
        """Halve what is asked together; where that is over, leave the GPU."""
        on_cpu = self._device.type == "cpu"
        if self.size > SMALLEST_BATCH:
            self.size = max(SMALLEST_BATCH, self.size // 2)
            _LOG.warning("%s is out of memory: %d windows at a time", self._device, self.size)
        elif not on_cpu:
            _LOG.warning("%s is out of memory: going on with the CPU", self._device)
            self._move_to("cpu")
            self.size = self._fitting()
        else:
            raise InputError(f"not enough memory for a few windows; {ADVICE}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _on_device(self, pixels: NDArray[np.float32]) -> Tensor:
        there = torch.from_numpy(pixels)
        if self._device.type == "cuda":
            there = there.pin_memory()
        return there.to(self._device, non_blocking=True)

    def _calibrated(self, logits: Tensor) -> NDArray[np.float32]:
        """Return probabilities (N, C) of the logits (N, C x K) of all members."""
        spec = self._ensemble.spec
        mean = logits.reshape(len(logits), len(spec.classes), len(spec.seeds)).mean(2)
        return spec.calibrated(mean.cpu().numpy())


# The networks of the ensemble used last, because the frames of a stack come one by one.
_built: list[tuple[Ensemble, dict[tuple[str, Precision, int | None], EnsembleNetwork]]] = []


def network_of(
    ensemble: Ensemble, device: str, precision: Precision, column: int | None
) -> EnsembleNetwork:
    """Return the network of one class, or of all, building it where it was not just used."""
    last = next(iter(_built), None)
    if last is None or last[0] is not ensemble:
        last = (ensemble, {})
        _built[:] = [last]
    networks = last[1]
    key = device, precision, column
    if key not in networks:
        classes = None if column is None else [column]
        networks[key] = EnsembleNetwork(ensemble, device, precision=precision, classes=classes)
    return networks[key]


def values_that_fit() -> int:
    """Return how many float32 values a GPU has room for beside what it holds."""
    free, _ = torch.cuda.mem_get_info()
    return int(free * MEMORY_SHARE / 4)
