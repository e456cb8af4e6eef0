"""Networks on a device, with a fallback for when memory runs out.

The fallback has three levels: halve the batch size, then move from the GPU to the CPU, then raise
an error of one line.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
import torch

from napari_stem_defects.base.out_of_memory import ADVICE, is_out_of_memory
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.networks.spec import EnsembleSpec

    Compute = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float32]]

MIN_BATCH_SIZE = 16
# Fraction of a GPU's free memory that the windows of a batch may use.
MEMORY_FRACTION = 0.25

N = TypeVar("N")
_LOG = logging.getLogger(__name__)


class NetworkRunner(Generic[N]):
    """Runs a computation on batches of windows, on a device as long as its memory suffices.

    Parameters
    ----------
    device : str
        A torch device name.
    networks_on : callable
        Returns the networks for a torch device.
    batch_size_on : callable
        Returns how many windows to process together on a torch device; called after
        ``networks_on``, so that their memory is already in use.

    Attributes
    ----------
    device : torch.device
    networks : N
        The networks on this device.
    batch_size : int
        Windows that are processed together.
    """

    def __init__(
        self,
        device: str,
        networks_on: Callable[[torch.device], N],
        batch_size_on: Callable[[torch.device], int],
    ) -> None:
        self._networks_on, self._batch_size_on = networks_on, batch_size_on
        self.device = torch.device(device)
        self.networks = networks_on(self.device)
        self.batch_size = batch_size_on(self.device)
        self._reducing = Lock()

    def run(
        self,
        compute: Compute,
        y: NDArray[np.int64],
        x: NDArray[np.int64],
        *,
        row_length: int = 1,
    ) -> NDArray[np.float32]:
        """Compute the results of windows, in parts that fit the memory; in any thread.

        Parameters
        ----------
        compute : callable
            Returns the results (N, ...) of windows with centres y and x (N,).
        y, x : ndarray of int64, shape (N,)
            Window centres in px, at least one.
        row_length : int
            Parts are a multiple of this number of windows, and at least one such row.

        Returns
        -------
        ndarray of float32, shape (N, ...)

        Raises
        ------
        InputError
            The machine does not have enough memory for even a few windows.
        """
        parts, start = [], 0
        while start < len(y):
            tried = self.device, self.batch_size
            stop = start + max(1, tried[1] // row_length) * row_length
            part = _compute_or_none(compute, y[start:stop], x[start:stop])
            if part is None:
                with self._reducing:
                    if tried == (self.device, self.batch_size):  # else another thread has
                        self._reduce_memory()
            else:
                parts.append(part)
                start = stop
        return np.concatenate(parts)

    def to_device(self, pixels: NDArray[np.float32]) -> Tensor:
        """Copy an array to the device."""
        tensor = torch.from_numpy(pixels)
        if self.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.device, non_blocking=True)

    def _reduce_memory(self) -> None:
        """Halve the batch size; at its minimum, move from the GPU to the CPU."""
        if self.batch_size > MIN_BATCH_SIZE:
            self.batch_size = max(MIN_BATCH_SIZE, self.batch_size // 2)
            _LOG.warning("%s is out of memory: %d windows at a time", self.device, self.batch_size)
        elif self.device.type != "cpu":
            _LOG.warning("%s is out of memory: going on with the CPU", self.device)
            self.device = torch.device("cpu")
            self.networks = self._networks_on(self.device)
            self.batch_size = self._batch_size_on(self.device)
        else:
            raise InputError(f"not enough memory for a few windows; {ADVICE}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _compute_or_none(
    compute: Compute, y: NDArray[np.int64], x: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """Return None where memory ran out; it is released only after the ``except`` block."""
    try:
        return compute(y, x)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    return None


def mean_probabilities(spec: EnsembleSpec, logits: Tensor) -> NDArray[np.float32]:
    """Return the probabilities of windows from the logits of all members.

    Parameters
    ----------
    spec : EnsembleSpec
        Its C classes and K seeds order the logits.
    logits : Tensor of float32, shape (N, C x K)

    Returns
    -------
    ndarray of float32, shape (N, C)
        Probabilities of the members' mean logits, after probability calibration.
    """
    mean = logits.reshape(len(logits), len(spec.classes), len(spec.seeds)).mean(2)
    return spec.calibrated_probabilities(mean.cpu().numpy())


def free_gpu_values() -> int:
    """Return how many float32 values a batch may use of a CUDA device's free memory."""
    free, _ = torch.cuda.mem_get_info()
    return int(free * MEMORY_FRACTION / 4)
