"""Measurements of the speed table, one function each.

G is the time of one product of two 2048x2048 float32 matrices, measured in the same run.
Seconds are what a user waits for; G compares machines.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.inference.strategy import CoarseMapProgress
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import Settings
from napari_stem_defects.jobs.executors import threads
from napari_stem_defects.networks.member import (
    collect_weights,
    new_member,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.preprocessing.pipeline import feature_shapes, filter_image, stages
from napari_stem_defects.preprocessing.windows import window_grid
from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.training.dataset import from_patches
from napari_stem_defects.training.fit import fit
from napari_stem_defects.training.recipes import CLICK_PREPROCESSING, TrainingOptions, recipe_for
from napari_stem_defects.training.sampling import Samples
from napari_stem_defects.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import Progress
    from napari_stem_defects.preprocessing.windows import Grid

    Reference = Callable[[NDArray[np.float32], Ensemble, Grid], NDArray[np.float32]]

Figures = dict[str, Any]
# The public CdTe set has so many patches in its seven classes.
CDTE_PATCHES = 1035
_SAMPLED_S = 0.02
# Frames of a stack whose networks are timed; the others take as long.
_FRAMES_ALONE = 20


@dataclass(frozen=True)
class Sizes:
    """What is measured.

    Attributes
    ----------
    images : tuple of (int, int, int)
        Edge in px, stride in px and frames.
    compared_stride : int
        Stride at which the first image is compared with the reference.
    patches : int
        Patches of the training that is timed.
    """

    images: tuple[tuple[int, int, int], ...] = (
        (768, 8, 1),
        (2048, 16, 1),
        (4096, 16, 1),
        (512, 16, 100),
    )
    compared_stride: int = 16
    patches: int = CDTE_PATCHES


# As clicks are learned by default: window by window, spectrum and patch.
CLICKED = EnsembleSpec(
    name="as learned from clicks",
    classes=(BULK, "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial"),
    preprocessing=CLICK_PREPROCESSING,
)

QUICK = Sizes(images=((128, 16, 1), (128, 16, 2)), compared_stride=32, patches=48)


def micrograph_of(edge: int, ensemble: Ensemble) -> Micrograph:
    """Return a simulated micrograph with every defect, mirrored where it would take minutes."""
    size = min(edge, 768)
    made = simulate(size=size, pixel_size_nm=ensemble.spec.pixel_size_nm or 0.027).micrograph
    left = edge - size
    return replace(made, pixels=np.pad(made.pixels, (0, left), mode="symmetric"))


class Peak:
    """The most memory this process held while the block ran, in MB above what it held before."""

    def __enter__(self) -> Peak:
        """Start sampling; garbage of earlier work is freed first, or it would hide the peak."""
        gc.collect()
        self._process, self._stop = psutil.Process(), threading.Event()
        self._before = self._most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop sampling."""
        self._stop.set()
        self._thread.join()
        self.mb = (self._most - self._before) / 1e6

    def _sample(self) -> None:
        while not self._stop.wait(_SAMPLED_S):
            self._most = max(self._most, self._process.memory_info().rss)


def image_figures(size: tuple[int, int, int], model: Path, device: str) -> Figures:
    """Time `detect` from an image or a stack in a file to all its result files, and its networks.

    The networks alone turn pixels in memory that are filtered already into probabilities: what
    the whole path takes longer is its other work.
    """
    edge, stride, frames = size
    ensemble = load_model(model)
    image = micrograph_of(edge, ensemble)
    stack = np.broadcast_to(image.pixels, (frames, edge, edge))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "image.npy")
        np.save(path, stack if frames > 1 else image.pixels)
        settings = Settings(Path(folder), model, stride, image.pixel_size_nm, device)
        with Peak() as peak, threads() as workers:
            started = time.perf_counter()
            (outcome,) = detect_files([path], settings, workers=workers)
            seconds = time.perf_counter() - started
    if outcome.fault:
        raise InputError(outcome.fault)
    grid = window_grid(image.frame_shape, stride, ensemble.spec.inference.margin_px)
    alone = _network_seconds(image, ensemble, grid, device, min(frames, _FRAMES_ALONE))
    windows = frames * grid.windows
    return {
        "device": device,
        "edge_px": edge,
        "stride_px": stride,
        "frames": frames,
        "windows": windows,
        "seconds": seconds,
        "network_seconds": alone * frames,
        "windows_per_s": windows / seconds,
        "peak_mb": peak.mb,
    }


def _network_seconds(
    image: Micrograph, ensemble: Ensemble, grid: Grid, device: str, times: int
) -> float:
    """Return the mean time of the networks in one frame."""
    filtered = filter_image(image.pixels, ensemble.spec.preprocessing)
    started = time.perf_counter()
    for _ in range(times):
        predict(filtered, ensemble, grid, device=device, mode="fast")
    return (time.perf_counter() - started) / times


def compared(ensemble: Ensemble, sizes: Sizes, device: str, reference: Reference | None) -> Figures:
    """Compare windows per second and probabilities with those of the reference."""
    image = micrograph_of(sizes.images[0][0], ensemble)
    grid = window_grid(image.frame_shape, sizes.compared_stride)
    settings = ensemble.spec.preprocessing
    flat = filter_image(image.pixels, settings)
    predictors: dict[str, Callable[[], NDArray[np.float32]]] = {
        "exact": lambda: predict(flat, ensemble, grid, device=device),
        "fast": lambda: predict(flat, ensemble, grid, device=device, mode="fast"),
    }
    if reference is not None:
        predictors["reference"] = lambda: reference(flat, ensemble, grid)
    rates, predicted = {}, {}
    for name, predictor in predictors.items():
        started = time.perf_counter()
        filter_image(image.pixels, settings)
        predicted[name] = predictor()
        rates[name] = grid.windows / (time.perf_counter() - started)
    figures: Figures = {"windows": grid.windows, "windows_per_s": rates}
    expected = predicted.get("reference", predicted["exact"])
    figures["largest_difference"] = {
        name: float(np.abs(probability - expected).max())
        for name, probability in predicted.items()
        if probability is not expected
    }
    return figures


def clicked_ensemble() -> Ensemble:
    """Return an untrained ensemble of the kind that clicks give, to time sliding windows."""
    members = [[new_member(CLICKED) for _ in CLICKED.seeds] for _ in CLICKED.classes]
    return Ensemble(CLICKED, collect_weights(members))


def stage_shares(ensemble: Ensemble, sizes: Sizes, device: str) -> Figures:
    """Return the share of each stage in the time of the first image."""
    edge, stride, _ = sizes.images[0]
    image, spec = micrograph_of(edge, ensemble), ensemble.spec
    seconds: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = work()
        seconds[name] = time.perf_counter() - started
        return result

    grid = window_grid(image.frame_shape, stride)
    flat = timed("preprocessing", lambda: filter_image(image.pixels, spec.preprocessing))
    timed("windows, spectra, network", lambda: predict(flat, ensemble, grid, mode="fast"))
    found = detect_frame(image, ensemble, stride=stride, device=device)
    limits = {name: spec.threshold(name) for name in spec.classes}
    shape = image.frame_shape
    masks = timed("post-processing", lambda: masks_from_probability(found.map, shape, limits))
    timed("regions", lambda: measure_regions(found.map, masks, image=image.name))
    with tempfile.TemporaryDirectory() as folder:
        about = {"name": spec.name, "sha256": ensemble.sha256}
        timed("files", lambda: write_results(Path(folder), image, [found], about))
    return {name: value / sum(seconds.values()) for name, value in seconds.items()}


def coarse_seconds(model: Path, sizes: Sizes, device: str) -> float:
    """Return the time from opening the model to a map, coarse or not, of all the first image."""
    edge, stride, _ = sizes.images[0]
    image = micrograph_of(edge, load_model(model))
    arrived: list[float] = []

    def watch(progress: Progress) -> None:
        if isinstance(progress, CoarseMapProgress) or progress.done == progress.total:
            arrived.append(time.perf_counter())

    started = time.perf_counter()
    detect_frame(image, load_model(model), stride=stride, device=device, report=watch)
    return arrived[0] - started


def preview_seconds(ensemble: Ensemble) -> float:
    """Return the time of the five stages of one patch."""
    size = ensemble.spec.preprocessing.patch_px
    patch = micrograph_of(size, ensemble).pixels
    return _quickest(lambda: stages(patch, ensemble.spec.preprocessing))


def import_seconds() -> float:
    """Return the time of importing the package in a fresh interpreter."""
    code = (
        "import time; t = time.perf_counter(); import napari_stem_defects;"
        " print(time.perf_counter() - t)"
    )
    command = [sys.executable, "-c", code]
    return min(
        float(subprocess.run(command, capture_output=True, check=True).stdout)  # noqa: S603
        for _ in range(3)
    )


def training_figures(ensemble: Ensemble, sizes: Sizes, device: str) -> Figures:
    """Time one epoch of one member on the abstract's windows; sum over all members' epochs."""
    classes, rng = ensemble.spec.classes, np.random.default_rng(0)
    size = ensemble.spec.preprocessing.patch_px
    patches = rng.random((sizes.patches, size, size), dtype=np.float32)
    labels = [classes[n % len(classes)] for n in range(sizes.patches)]
    data = from_patches(patches, labels)
    protocol = recipe_for(data, TrainingOptions(recipe="abstract"))
    shapes = feature_shapes(protocol.preprocessing)
    count = sizes.patches * protocol.views
    seen = {name: rng.random((count, *shape), dtype=np.float32) for name, shape in shapes.items()}
    targets = rng.integers(0, 2, (count, 1)).astype(np.float32)
    spec = replace(
        ensemble.spec,
        classes=classes[:1],
        preprocessing=protocol.preprocessing,
        architecture=protocol.architecture,
        thresholds={},
        calibration={},
    )
    schedule = Schedule(epochs={classes[0]: 1}, batch=protocol.batch)
    started = time.perf_counter()
    fit(spec, Samples(seen, targets), None, schedule, device=device)
    seconds = time.perf_counter() - started
    passes = {name: Schedule(epochs=protocol.epochs).epochs_for(name) for name in classes}
    each = {name: seconds * count for name, count in passes.items()}
    return {"windows": count, "seconds_of_a_pass": seconds, "seconds": each}


def _quickest(work: Callable[[], Any], times: int = 5) -> float:
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)
