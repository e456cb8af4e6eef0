"""Check and measure a GPU without a network: ``python benchmarks/gpu.py OUT.json``.

Checks that ``mode="exact"`` is exact (no TF32), that masks and regions are those of the CPU, and
that probabilities stay right where memory runs out: tiles are halved down to a few windows, and
then the CPU goes on. Then measures the networks alone and the whole path, in a few minutes.
``--device cpu --quick`` runs everything on the CPU, as the tests do. ``python3 run.py test -m gpu``
runs the tests that need a GPU.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import torch

from napari_stem_defects.cli.benchmark_measurements import image_figures, micrograph_of
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.inference import network_runner
from napari_stem_defects.inference.dense import VALUES_PER_PIXEL
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.jobs.devices import describe
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.windows import window_grid

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = ("cdte-110", "sto-001")
# Largest difference of a probability from that of the CPU.
EXACT, FAST = 1e-5, 2e-3
SIZES = ((768, 8), (2048, 8), (4096, 8))
QUICK_SIZES = ((256, 16),)
# Memory that networks may use, MB: enough, enough for smaller tiles, and not for a row of windows.
MEMORY_MB = (2000, 200, 30)
QUICK_MEMORY_MB = (2000, 100, 45)
# The estimate that tiles are made for: too high, as where another program took the memory since.
PROMISED_VALUES = 2**28


def check_probabilities(ensemble: Ensemble, device: str, edge: int) -> dict[str, float]:
    """Return the largest difference of a probability from the CPU's, in both modes."""
    image = micrograph_of(edge, ensemble)
    flat = filter_image(image.pixels, ensemble.spec.preprocessing)
    grid = window_grid(flat.shape, 8, ensemble.spec.inference.margin_px)
    expected = predict(flat, ensemble, grid, device="cpu", mode="exact")
    found = {}
    for mode, limit in (("exact", EXACT), ("fast", FAST)):
        values = predict(flat, ensemble, grid, device=device, mode=mode)
        found[mode] = float(np.abs(values - expected).max())
        if found[mode] > limit:
            print(f"WRONG: {ensemble.spec.name}, {mode}: {found[mode]:.1e} from the CPU")
    return found


def check_masks(ensemble: Ensemble, device: str, edge: int) -> dict[str, Any]:
    """Return how many pixels of masks and how many regions differ from the CPU's."""
    image = micrograph_of(edge, ensemble)
    here = detect_frame(image, ensemble, device="cpu", mode="exact")
    there = detect_frame(image, ensemble, device=device, mode="exact")
    pixels = int(np.count_nonzero(here.masks != there.masks))
    regions = [len(each.regions) for each in (here, there)]
    if pixels or regions[0] != regions[1]:
        print(f"WRONG: {ensemble.spec.name}: {pixels} px of masks differ, regions {regions}")
    return {"mask_px": pixels, "regions": regions}


class _Steps(logging.Handler):
    """Counts the steps that a search takes where memory runs out."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.halved, self.moved = 0, 0

    def emit(self, record: logging.LogRecord) -> None:
        is_move = "going on with the CPU" in record.getMessage()
        self.moved += is_move
        self.halved += not is_move


@contextmanager
def short_memory(device: str, megabytes: float) -> Iterator[None]:
    """Let networks use so much memory: a limit of the allocator on CUDA, of a tile elsewhere."""
    limit = int(megabytes * 1e6)
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()
        whole = torch.cuda.get_device_properties(device).total_memory
        share = (torch.cuda.memory_reserved(device) + limit) / whole
        torch.cuda.set_per_process_memory_fraction(min(share, 1.0), device)
        try:
            with patch("napari_stem_defects.inference.dense.free_gpu_values", _promised):
                yield
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
        return
    right = EnsembleNetwork.member_logits_dense

    def limited(network: EnsembleNetwork, image: Any, stride_px: int) -> Any:
        sizes = network.spec.network.channels[0] * len(network.spec.classes)
        if 4 * VALUES_PER_PIXEL * sizes * len(network.spec.seeds) * image.numel() > limit:
            raise MemoryError(f"more than {megabytes} MB")
        return right(network, image, stride_px)

    with patch.object(EnsembleNetwork, "member_logits_dense", limited):
        yield


def _promised() -> int:
    return PROMISED_VALUES


def check_memory(
    ensemble: Ensemble, device: str, edge: int, limits_mb: tuple[float, ...]
) -> list[dict[str, Any]]:
    """Return, for each limit of memory, the steps taken and the largest difference from the CPU."""
    image = micrograph_of(edge, ensemble)
    flat = filter_image(image.pixels, ensemble.spec.preprocessing)
    grid = window_grid(flat.shape, 8, ensemble.spec.inference.margin_px)
    expected = predict(flat, ensemble, grid, device="cpu", mode="exact")
    log, found = logging.getLogger(network_runner.__name__), list[dict[str, Any]]()
    for limit in limits_mb:
        steps = _Steps()
        log.addHandler(steps)
        try:
            with short_memory(device, limit):
                values = predict(flat, ensemble, grid, device=device, mode="exact")
        finally:
            log.removeHandler(steps)
        difference = float(np.abs(values - expected).max())
        taken = {"mb": limit, "halved": steps.halved, "moved_to_cpu": steps.moved}
        found.append({**taken, "difference": difference})
        if difference > EXACT:
            print(f"WRONG: {ensemble.spec.name}, {limit} MB: {difference:.1e} from the CPU")
    if not any(each["halved"] for each in found):
        print(f"WRONG: {ensemble.spec.name}: no limit of memory was reached")
    return found


def time_path(ensemble: Ensemble, device: str, edge: int, stride: int) -> dict[str, float]:
    """Return the seconds from pixels in memory to regions, and of all files after that."""
    image = micrograph_of(edge, ensemble)
    detect_frame(image, ensemble, stride=stride, device=device)
    started = time.perf_counter()
    found = detect_frame(image, ensemble, stride=stride, device=device)
    detected = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        about = {"name": ensemble.spec.name, "sha256": ensemble.sha256}
        write_results(Path(folder), image, [found], about)
        written = time.perf_counter()
    return {"to_regions": detected - started, "files": written - detected}


def figures_of(device: str, *, quick: bool) -> dict[str, Any]:
    """Run all checks and measurements."""
    sizes, edge = (QUICK_SIZES, 256) if quick else (SIZES, 768)
    limits = QUICK_MEMORY_MB if quick else MEMORY_MB
    figures: dict[str, Any] = {"machine": describe(device), "checks": {}, "paths": []}
    for name in MODELS:
        ensemble = load_model(find_model(name))
        figures["checks"][name] = {
            "largest_difference": check_probabilities(ensemble, device, edge),
            "from_the_cpu": check_masks(ensemble, device, edge),
            "short_of_memory": check_memory(ensemble, device, edge, limits),
        }
        print(name, json.dumps(figures["checks"][name]), flush=True)
    model = find_model(MODELS[0])
    for size, stride in sizes:
        measured = image_figures((size, stride, 1), model, device)
        measured |= time_path(load_model(model), device, size, stride)
        figures["paths"].append(measured)
        print(json.dumps(measured), flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="small images, to check that it runs")
    options = parser.parse_args()
    figures = figures_of(options.device, quick=options.quick)
    options.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
