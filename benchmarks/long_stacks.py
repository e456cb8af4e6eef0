"""Memory of long stacks: ``python benchmarks/long_stacks.py OUT.json [--frames 1000 10000]``.

Writes OUT.json. Each length is searched in a process of its own, by `stem-defects detect` with a
quick model and without pictures; every 0.1 s the memory of that process and of its workers is
added up: what it holds for itself (resident minus shared pages).
"""

from __future__ import annotations

import argparse
import json
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

EDGE, PERIOD_PX = 128, 8.0


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


def search(stack: Path, model: Path, out: Path) -> dict[str, Any]:
    """Search a stack; return the time and the peak of the memory."""
    command = [sys.executable, "-m", "napari_stem_defects", "detect", str(stack)]
    command += ["--out", str(out), "--model", str(model), "--pixel-size", "0.02"]
    start, peak = time.perf_counter(), 0.0
    process = psutil.Popen([*command, "--pictures", "none"], stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, held_mb(process))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{stack.name}: detect failed")
    return {"peak_mb": peak, "seconds": time.perf_counter() - start}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, nargs="*", default=[1000, 10000])
    options = parser.parse_args()
    figures: dict[str, Any] = {"edge_px": EDGE, "stacks": []}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = make_model(folder)
        for packed in (False, True):
            # A packed file differs in how it is read, not in what is kept of each frame.
            for frames in options.frames[:1] if packed else options.frames:
                stack = folder / f"movie_{frames}_{packed}.tif"
                write_stack(stack, frames, packed)
                found = search(stack, model, folder / f"out_{frames}_{packed}")
                size_mb = frames * EDGE**2 * 4 / 1e6
                row = {"frames": frames, "packed": packed, "as_float32_mb": size_mb, **found}
                figures["stacks"].append(row)
                print(json.dumps(row), flush=True)
                options.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
