"""Running an ensemble over the windows of one flattened image.

Modes: "exact" asks every member about every window in float32; it is what the other is measured
against. "fast" shows windows to the Bulk member first, which computes in bfloat16 where that was
measured to be faster. Where it is sure (`CLEARED`), the other members are not asked and their
answer is 0; everywhere else the answer is the exact one. The coarse grid is shown to all members
beforehand: where one of its windows holds a defect although Bulk is sure, nothing is cleared.

bfloat16 does not decide more than that: its answers differ from the exact ones by up to 0.03.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import torch

from napari_stem_defects.core.classes import BULK
from napari_stem_defects.core.memory import ADVICE, is_out_of_memory
from napari_stem_defects.core.network import Network, Precision
from napari_stem_defects.core.preprocessing import NO_SIGNAL, feature_shapes, window_profile
from napari_stem_defects.core.progress import Progress, Report, silent
from napari_stem_defects.core.windows import Grid, band_around
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.core.ensemble import Ensemble
    from napari_stem_defects.core.preprocessing import Preprocessing

Mode = Literal["exact", "fast"]

# Every fourth window of each axis first: a coarse map after a sixteenth of the work.
COARSE_STEP = 4
# Windows between two reports; a GPU takes as many as fit.
BATCH = 512
LARGEST_BATCH = 16384
SMALLEST_BATCH = 16
# Share of a GPU's free memory that the windows of one batch may take.
MEMORY_SHARE = 0.25

# A calibrated Bulk from which no other member is asked, and the answer of another member that
# contradicts such a Bulk.
CLEARED = 0.985
CONTRADICTION = 0.1
# How much faster than float32 bfloat16 must be to be used.
WORTHWHILE = 1.3

_LOG = logging.getLogger(__name__)


class SoFar(NamedTuple):
    """A scan that goes on.

    Attributes
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
        The scan's own array, to be read before the watch returns; 0 where nothing was asked yet.
    answered : ndarray of bool, shape (gy, gx)
        The windows that have an answer, those of the coarse grid first.
    grid : Grid
    """

    probability: NDArray[np.float32]
    answered: NDArray[np.bool_]
    grid: Grid


Watch = Callable[[SoFar], None]


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
    mode: Mode = "exact",
    report: Report = silent,
    watch: Watch | None = None,
) -> NDArray[np.float32]:
    """Ask the members about every window.

    Parameters
    ----------
    flattened : ndarray of float32, shape (Y, X)
        What `preprocessing.flatten` returned, at the ensemble's pixel size.
    ensemble : Ensemble
    grid : Grid
        Window centres.
    device : str
        A torch device name.
    mode : {"exact", "fast"}
        See the module.
    report : callable
        Told after every batch; once, when the coarse grid is done, with
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
    scan = _Scan(flattened, ensemble, device, mode)
    answers = np.zeros((len(grid.y), len(grid.x), len(ensemble.spec.classes)), np.float32)
    so_far = SoFar(answers.transpose(2, 0, 1), np.zeros(answers.shape[:2], bool), grid)
    done = 0
    for batch in _batches(grid, scan.size):
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


# The networks of the ensemble used last, because the frames of a stack come one by one.
_built: list[tuple[Ensemble, dict[tuple[str, Precision, int | None], Network]]] = []


def _network(ensemble: Ensemble, device: str, precision: Precision, column: int | None) -> Network:
    """Return the network of one class, or of all, building it where it was not just used."""
    last = next(iter(_built), None)
    if last is None or last[0] is not ensemble:
        last = (ensemble, {})
        _built[:] = [last]
    networks = last[1]
    key = device, precision, column
    if key not in networks:
        classes = None if column is None else [column]
        networks[key] = Network(ensemble, device, precision=precision, classes=classes)
    return networks[key]


class _Scan:
    """One image shown to an ensemble, on a device as long as its memory lasts.

    Attributes
    ----------
    size : int
        Windows asked about together.
    """

    def __init__(
        self, flattened: NDArray[np.float32], ensemble: Ensemble, device: str, mode: Mode
    ) -> None:
        self._flattened = flattened
        self._ensemble = ensemble
        self._mode = mode
        self._clears = False
        self._move_to(device)
        self.size = _batch_for(device, ensemble)

    def _move_to(self, device: str) -> None:
        spec = self._ensemble.spec
        self._device = torch.device(device)
        self._all = _network(self._ensemble, device, "float32", None)
        self._bulk = None
        if self._mode == "fast" and BULK in spec.classes and len(spec.classes) > 1:
            self._column = spec.classes.index(BULK)
            precision = fast_precision(device)
            self._bulk = _network(self._ensemble, device, precision, self._column)

    def clear_where_bulk_is_sure(self, coarse: NDArray[Any]) -> None:
        """Trust the Bulk member from now on, unless answers (C, gy, gx) of all contradict it."""
        if self._bulk is not None:
            others = np.delete(coarse, self._column, axis=0).max(0)
            sure = coarse[self._column] >= CLEARED
            self._clears = not (sure & (others >= CONTRADICTION)).any()

    def ask(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return calibrated probabilities (N, C) of windows by their centres (N,)."""
        parts, at = [np.zeros((0, len(self._ensemble.spec.classes)), np.float32)], 0
        while at < len(y):
            chosen = slice(at, at + self.size)
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
        """Halve the batch; where that is over, leave the GPU."""
        on_cpu = self._device.type == "cpu"
        if self.size > SMALLEST_BATCH:
            self.size = max(SMALLEST_BATCH, self.size // 2)
            _LOG.warning("%s is out of memory: %d windows at a time", self._device, self.size)
        elif not on_cpu:
            _LOG.warning("%s is out of memory: going on with the CPU", self._device)
            self._move_to("cpu")
            self.size = BATCH
        else:
            raise InputError(f"not enough memory for a few windows; {ADVICE}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _ask(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        seen = self._features(y, x)
        if not self._clears or self._bulk is None:
            return self._calibrated(self._all.ask(seen))
        probability = self._of_bulk_alone(self._bulk.ask(seen))
        rows = np.flatnonzero(probability[:, self._column] < CLEARED)
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

    def _calibrated(self, logits: Tensor) -> NDArray[np.float32]:
        """Return probabilities (N, C) of the logits (N, C x K) of all members."""
        spec = self._ensemble.spec
        mean = logits.reshape(len(logits), len(spec.classes), len(spec.seeds)).mean(2)
        return spec.calibrated(mean.cpu().numpy())

    def _features(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> dict[str, Tensor]:
        """Cut windows and transform them, both on the device."""
        settings = self._ensemble.spec.preprocessing
        band, top = band_around(self._flattened, y, settings.patch_px)
        there = torch.from_numpy(band)
        if self._device.type == "cuda":
            there = there.pin_memory()
        there = there.to(self._device, non_blocking=True)
        views = there.unfold(0, settings.patch_px, 1).unfold(1, settings.patch_px, 1)
        rows, columns = (torch.from_numpy(at).to(self._device) for at in (y - top, x))
        with torch.inference_mode():
            return features_on_device(views[rows, columns], settings)


def _batch_for(device: str, ensemble: Ensemble) -> int:
    """Return how many windows are asked about together: on a GPU what its memory holds."""
    if device != "cuda":
        return BATCH
    spec = ensemble.spec
    values = max(math.prod(shape) for shape in feature_shapes(spec.preprocessing).values())
    width = spec.architecture.channels[0] * len(spec.classes) * len(spec.seeds)
    free, _ = torch.cuda.mem_get_info()
    fitting = int(free * MEMORY_SHARE / (4 * values * width))
    return min(max(fitting, SMALLEST_BATCH), LARGEST_BATCH)


def features_on_device(patches: Tensor, settings: Preprocessing) -> dict[str, Tensor]:
    """Return what `preprocessing.features` returns, of a tensor (N, P, P) on any device."""
    if settings.contrast_px == 0:
        patches = _by_own_maximum(patches)
    seen = {}
    if "fft" in settings.representation:
        weighted = patches
        if settings.window != "none":
            profile = torch.from_numpy(window_profile(settings.patch_px))
            weighted = patches * profile.to(patches.device)
        spectrum = _half_spectrum(weighted, settings.cutoff)
        limit = settings.threshold * spectrum.amax((-2, -1), keepdim=True)
        seen["fft"] = torch.where(spectrum >= limit, spectrum, 0.0)[:, None]
    if "real" in settings.representation:
        seen["real"] = patches[:, None]
    return seen


def _by_own_maximum(patches: Tensor) -> Tensor:
    highest = patches.abs().amax((-2, -1), keepdim=True)
    return torch.where(highest > NO_SIGNAL, patches / highest, 0.0)


def _half_spectrum(patches: Tensor, cutoff: float) -> Tensor:
    """Return log1p |FFT| of patches (N, P, P) up to the cutoff, each frequency once."""
    kept = round(cutoff * patches.shape[-1])
    transform = torch.fft.fft(torch.fft.rfft(patches)[..., : kept + 1], dim=-2)
    transform = torch.cat([transform[:, -kept:], transform[:, :kept]], 1)
    return transform.abs().log1p_()


class _Batch(NamedTuple):
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    ends_coarse: bool


def _batches(grid: Grid, size: int) -> Iterator[_Batch]:
    """Yield window indices, the coarse grid before the rest."""
    rows, columns = np.indices((len(grid.y), len(grid.x))).reshape(2, -1)
    coarse = (rows % COARSE_STEP == 0) & (columns % COARSE_STEP == 0)
    for chosen, is_coarse in ((coarse, True), (~coarse, False)):
        y, x = rows[chosen], columns[chosen]
        for start in range(0, len(y), size):
            stop = start + size
            yield _Batch(y[start:stop], x[start:stop], is_coarse and stop >= len(y))


def _coarse_map(answers: NDArray[np.float32], grid: Grid) -> dict[str, NDArray[np.generic]]:
    part = answers[::COARSE_STEP, ::COARSE_STEP]
    return {
        "probability": np.ascontiguousarray(part.transpose(2, 0, 1)),
        "y": grid.y[::COARSE_STEP],
        "x": grid.x[::COARSE_STEP],
    }
