"""Memory and time of long stacks: ``python benchmarks/long_stacks.py OUT.json``.

Writes OUT.json. Each stack is searched in a process of its own by `stem-defects detect` with the
option ``--pictures none``. Every 0.1 s the memory of that process and of its workers is added up
(what each holds for itself: resident minus shared pages), and their processor time is read at the
end. Two lengths give memory and time per further frame, without those of the start.

- ``--networks 40 200``: the model cdte-110 at a step of 4 px, beside its networks alone on the same
  frames; one thread each, as processor time counts threads that wait for each other.
- ``--memory 2 60 200``: at a step of 16 px, so many frames of a stack that is too large to be
  read as a whole.
- ``--long 200 10000``: small frames at a step of 8 px; memory in each tenth of a run as well.
- ``--quick N N``: a quick model.

What is not measured stays in OUT.json as it was.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tifffile
from numpy.typing import NDArray

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
EDGE, PERIOD_PX = 128, 8.0
MODEL, PIXEL_NM, SEED = "cdte-110", 0.027, 11
STRIDE_PX, COARSE_PX = 4, 16
SMALL_EDGE, SMALL_STRIDE_PX = 64, 8
NOISE = 0.05  # of the frames of a movie, in standard deviations of the image
LARGE = 1200  # frames of a stack that stays in its file
SHOWN = 20  # frames on which the networks alone are measured


def lattice_image(edge: int, missing: Sequence[tuple[int, int]], seed: int) -> NDArray[np.uint16]:
    """Return a square lattice with noise, without some columns (numbers of row and column)."""
    wave = 1 + np.cos(2 * np.pi * np.arange(edge) / PERIOD_PX)
    lattice = 250 * wave[:, np.newaxis] * wave
    half = int(PERIOD_PX) // 2
    for row, column in missing:
        y, x = round(row * PERIOD_PX), round(column * PERIOD_PX)
        lattice[y - half : y + half, x - half : x + half] = 0
    return np.random.default_rng(seed).poisson(lattice + 100).astype(np.uint16)


def write_stack(path: Path, frames: int, packed: bool) -> None:
    """Write frames with a missing column each."""
    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        for number in range(frames):
            tif.write(
                lattice_image(EDGE, [(2 + number % 12, 2 + number // 12 % 12)], number),
                photometric="minisblack",
                compression="zlib" if packed else None,
                contiguous=not packed,
                metadata=None if packed else {},  # else each frame is an image of its own
            )


def make_model(folder: Path) -> Path:
    """Train a quick model from clicks on an image of the same crystal."""
    import napari_stem_defects as sd

    missing = [(4, 5), (9, 20), (15, 9), (22, 24), (26, 13)]
    path = folder / "labelled.tif"
    tifffile.imwrite(path, lattice_image(256, missing, 0), photometric="minisblack")
    with sd.LabelProject.create(folder / "clicks.labels", classes=["vacancy"]) as project:
        image = project.add_image(sd.read(path, pixel_size_nm=0.02))
        for row, column in missing:
            project.add(image, row * PERIOD_PX, column * PERIOD_PX, "vacancy")
    model = folder / "quick.safetensors"
    command = [sys.executable, "-m", "napari_stem_defects", "train", str(folder / "clicks.labels")]
    subprocess.run([*command, "--recipe", "quick", "--out", str(model)], check=True)
    return model


def held_mb(process: psutil.Process) -> float:
    """Return what a process and its children hold for themselves, MB."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            found = each.memory_info()
        except psutil.NoSuchProcess:
            continue
        total += found.rss - getattr(found, "shared", 0)
    return total / 1e6


def processor_s(process: psutil.Process) -> float:
    """Return the processor time of a process and of its children, s."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = each.cpu_times()
            total += used.user + used.system
    return total


def search(stack: Path, out: Path, *options: str) -> dict[str, Any]:
    """Search a stack; return times, and the peak of the memory."""
    command = [sys.executable, "-m", "napari_stem_defects", "detect", str(stack)]
    command += ["--out", str(out), "--pictures", "none", *options]
    start, used, held = time.perf_counter(), 0.0, list[float]()
    environment = {**os.environ, **dict.fromkeys(THREADS, "1")}
    process = psutil.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    while process.poll() is None:
        held.append(held_mb(process))
        with contextlib.suppress(psutil.NoSuchProcess):
            used = max(used, processor_s(process))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{stack.name}: detect failed")
    memory = {"peak_mb": max(held), "median_mb": float(np.median(held))}
    memory["tenths_mb"] = [float(np.median(part)) for part in np.array_split(held, 10)]
    return {**memory, "seconds": time.perf_counter() - start, "processor_s": used}


def write_movie(path: Path, frames: int, edge: int = EDGE) -> None:
    """Write frames of one simulated crystal with noise of their own."""
    import napari_stem_defects as sd

    pixels = sd.simulate("cdte-110", size=edge, pixel_size_nm=PIXEL_NM, seed=SEED).micrograph.pixels
    rng, spread = np.random.default_rng(0), NOISE * float(pixels.std())
    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        for _ in range(frames):
            noisy = pixels + rng.normal(0, spread, pixels.shape)
            tif.write(noisy.astype(np.float32), photometric="minisblack", contiguous=True)


def networks_s(movie: Path, stride: int) -> float:
    """Return the processor time of the networks alone per frame, s."""
    import torch

    from napari_stem_defects.inference.predict import predict
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import load_model
    from napari_stem_defects.preprocessing.pipeline import filter_image
    from napari_stem_defects.preprocessing.windows import window_grid

    torch.set_num_threads(1)
    ensemble = load_model(find_model(MODEL))
    frames = tifffile.imread(movie, key=range(SHOWN))
    flat = [filter_image(frame, ensemble.spec.preprocessing) for frame in frames]
    grid = window_grid(flat[0].shape, stride, ensemble.spec.inference.margin_px)
    predict(flat[0], ensemble, grid, mode="fast")
    start = time.process_time()
    for each in flat:
        predict(each, ensemble, grid, mode="fast")
    return (time.process_time() - start) / SHOWN


def with_networks(
    folder: Path, lengths: Sequence[int], stride: int, edge: int = EDGE
) -> dict[str, Any]:
    """Measure a model of networks on stacks of some lengths."""
    options = ["--model", MODEL, "--stride", str(stride), "--pixel-size", str(PIXEL_NM)]
    rows = []
    for frames in lengths:
        movie = folder / f"networks_{edge}_{stride}_{frames}.tif"
        write_movie(movie, frames, edge)
        rows.append({"frames": frames, **search(movie, folder / movie.stem, *options)})
        print(json.dumps(rows[-1]), flush=True)
    alone = networks_s(movie, stride)
    further = rows[-1]["frames"] - rows[0]["frames"]
    path = (rows[-1]["processor_s"] - rows[0]["processor_s"]) / further
    return {
        "edge_px": edge,
        "stride_px": stride,
        "stacks": rows,
        "networks_s_per_frame": alone,
        "path_s_per_frame": path,
        "path_to_networks": path / alone,
        "mb_per_frame": (rows[-1]["peak_mb"] - rows[0]["peak_mb"]) / further,
    }


def of_large_stack(folder: Path, lengths: Sequence[int], stride: int) -> dict[str, Any]:
    """Measure the memory of so many frames of a stack that is too large to be read as a whole."""
    options = ["--model", MODEL, "--stride", str(stride), "--pixel-size", str(PIXEL_NM)]
    movie, rows = folder / "large.tif", []
    write_movie(movie, LARGE)
    for frames in lengths:
        searched = ["--frames", f"0:{frames}"]
        found = search(movie, folder / f"large_{frames}", *options, *searched)
        rows.append({"frames": frames, **found})
        print(json.dumps(rows[-1]), flush=True)
    return {"stride_px": stride, "stacks": rows}


def with_quick_model(folder: Path, lengths: Sequence[int]) -> list[dict[str, Any]]:
    """Measure a quick model on stacks of some lengths, the first one in a packed file, too."""
    model, rows = make_model(folder), []
    for packed in (False, True):
        # A packed file differs in how it is read, not in what is kept of each frame.
        for frames in lengths[:1] if packed else lengths:
            stack = folder / f"movie_{frames}_{packed}.tif"
            write_stack(stack, frames, packed)
            options = ["--model", str(model), "--pixel-size", "0.02"]
            found = search(stack, folder / stack.stem, *options)
            size_mb = frames * EDGE**2 * 4 / 1e6
            rows.append({"frames": frames, "packed": packed, "as_float32_mb": size_mb, **found})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--networks", type=int, nargs="*", default=[])
    parser.add_argument("--memory", type=int, nargs="*", default=[])
    parser.add_argument("--long", type=int, nargs="*", default=[])
    parser.add_argument("--quick", type=int, nargs="*", default=[])
    options = parser.parse_args()
    kept = json.loads(options.out.read_text()) if options.out.exists() else {}
    figures: dict[str, Any] = {**kept, "edge_px": EDGE, "model": MODEL}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if options.networks:
            figures["networks"] = with_networks(folder, options.networks, STRIDE_PX)
        if options.memory:
            figures["memory"] = of_large_stack(folder, options.memory, COARSE_PX)
        if options.long:
            figures["long"] = with_networks(folder, options.long, SMALL_STRIDE_PX, SMALL_EDGE)
        if options.quick:
            figures["quick"] = with_quick_model(folder, options.quick)
    options.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
