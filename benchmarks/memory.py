"""Memory of large images and long stacks: ``python benchmarks/memory.py OUT [--edges 4096 ...]``.

Writes OUT.json. Each figure comes from a process of its own, so that none profits from what
another left behind. Large images are simulated ones, mirrored; all files are written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import psutil

from napari_stem_defects import DEFAULT_MODEL
from napari_stem_defects.base.progress import Progress
from napari_stem_defects.cli.benchmark_measurements import Peak, micrograph_of
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.jobs.batch import detect_files
from napari_stem_defects.jobs.batch_frame import Settings

STRIDE_PX = 16
FRAME_PX, FRAMES, MOVIE_STRIDE_PX = 128, 1000, 32
# Frames after which the memory of a stack is recorded.
RECORDED = (10, 100, 300, 1000)


def held_mb() -> float:
    """Return what this process and its workers hold."""
    process = psutil.Process()
    return sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / 1e6


def image(edge: int) -> dict[str, float]:
    """Search one image; MB at the peak of the process, of its start and of the image."""
    ensemble = load_model(find_model(DEFAULT_MODEL))
    start = held_mb()
    micrograph = micrograph_of(edge, ensemble)
    before = held_mb()
    with Peak() as peak, tempfile.TemporaryDirectory() as folder:
        found = detect_frame(micrograph, ensemble, stride=STRIDE_PX)
        about = {"name": ensemble.spec.name, "sha256": ensemble.sha256}
        write_results(Path(folder), micrograph, [found], about)
    own, most = micrograph.pixels.nbytes / 1e6, before + peak.mb
    return {
        "edge_px": edge,
        "windows": found.map.valid.size,
        "regions": len(found.regions),
        "start_mb": start,
        "image_mb": own,
        "peak_mb": most,
        "beyond_mb": most - start - own,
        "seconds": found.seconds,
    }


def stack() -> dict[str, object]:
    """Search a stack from its file; MB of all processes after some of its frames."""
    held: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "movie.npy"
        frames = np.lib.format.open_memmap(path, "w+", np.uint16, (FRAMES, FRAME_PX, FRAME_PX))
        frames[:] = np.random.default_rng(0).integers(0, 4096, frames.shape)
        del frames

        def watch(progress: Progress) -> None:
            frame = int(FRAMES * progress.done / progress.total)
            for recorded in RECORDED:
                if recorded not in held and frame >= recorded:
                    held[recorded] = held_mb()

        settings = Settings(Path(folder), find_model(DEFAULT_MODEL), MOVIE_STRIDE_PX, 0.027)
        for outcome in detect_files([path], settings, report=watch):
            if outcome.fault:
                raise SystemExit(outcome.fault)
        held[FRAMES] = held_mb()
    return {"frames": list(held), "held_mb": list(held.values())}


def apart(*arguments: str) -> dict[str, object]:
    """Measure one thing in a fresh interpreter."""
    command = [sys.executable, __file__, "-", *arguments]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    print(printed, end="", flush=True)
    return json.loads(printed.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--edges", type=int, nargs="*", default=[2048, 4096, 8192, 16384])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--stack", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one or options.stack:
        print(json.dumps(image(options.one) if options.one else stack()))
        return
    figures = {
        "stride_px": STRIDE_PX,
        "images": [apart("--one", str(edge)) for edge in options.edges],
        "stack": {"frame_px": FRAME_PX, **apart("--stack")},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
