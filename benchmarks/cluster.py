"""A movie on a Dask cluster of which a worker is killed: ``python benchmarks/cluster.py OUT.json``.

Writes OUT.json. The movie (1,000 frames of 512x512 px by default, those of `whole_path.py`) is
searched by `stem-defects detect` in one process, and then with `--cluster` by a scheduler and two
workers, processes connected over TCP. Halfway one worker is killed. All files of both searches are
compared. Frames per second with two workers come from the first half, with one from the second;
processor seconds per frame do not depend on other work on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tifffile

MODEL, EDGE, STRIDE = "cdte-110", 512, 16
# The first frames also load the model; the last ones do not keep both workers busy.
_SETTLED, _KILLED = 0.1, 0.5
PROJECTED = (4, 8, 16, 64)


def write_movie(path: Path, frames: int) -> float:
    """Write frames that show one crystal, each with noise of its own; return nm per px."""
    from napari_stem_defects.cli.benchmark_measurements import micrograph_of
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import load_model

    ensemble = load_model(find_model(MODEL))
    pixels = micrograph_of(EDGE, ensemble).pixels
    rng, spread = np.random.default_rng(0), 0.05 * float(pixels.std())
    movie = np.lib.format.open_memmap(path, "w+", np.float32, (frames, EDGE, EDGE))
    for number in range(frames):
        movie[number] = pixels + rng.normal(0, spread, pixels.shape)
    movie.flush()
    return float(ensemble.spec.pixel_size_nm or 0)


def detect(movie: Path, size: float, out: Path, where: Sequence[str]) -> float:
    """Run the command; return the time by the clock in s."""
    options = ["--model", MODEL, "--pixel-size", str(size), "--stride", str(STRIDE)]
    options += ["--device", "cpu", "--pictures", "none", *where]
    command = [sys.executable, "-m", "napari_stem_defects", "detect", str(movie)]
    start = time.perf_counter()
    subprocess.run([*command, "--out", str(out), *options], check=True)
    return time.perf_counter() - start


def start_dask(folder: Path, workers: int) -> tuple[str, list[psutil.Popen]]:
    """Start a scheduler and workers of one thread; return its address and the processes."""
    file = folder / "scheduler.json"
    log = (folder / "dask.log").open("ab")

    def start(what: str, *options: str) -> psutil.Popen:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options]
        command += ["--scheduler-file", str(file), "--no-dashboard"]
        return psutil.Popen(command, stdout=log, stderr=log)

    processes = [start("scheduler", "--host", "127.0.0.1", "--port", "0")]
    while not file.exists():
        time.sleep(0.1)
    options = ["--nthreads", "1", "--no-nanny"]
    processes += [start("worker", *options) for _ in range(workers)]
    return json.loads(file.read_text())["address"], processes


class Timeline:
    """How many frames are finished when; kills a process at half of them."""

    def __init__(self, out: Path, frames: int, workers: Sequence[psutil.Popen]) -> None:
        self._out, self._frames, self._workers = out, frames, workers
        self.seen: list[tuple[float, int]] = []
        self.killed_at = -1
        self.cpu: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Timeline:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            done = len(list(self._out.glob("*/.partial/*/frame_*.npz")))
            self.seen.append((time.perf_counter(), done))
            if self.killed_at < 0 and done >= _KILLED * self._frames:
                self.killed_at, self.cpu = done, [spent(each) for each in self._workers]
                self._workers[0].kill()

    def rate(self, first: float, last: float) -> float:
        """Return frames per second between two numbers of finished frames."""
        within = [(when, done) for when, done in self.seen if first <= done <= last]
        (begin, some), (end, more) = within[0], within[-1]
        return (more - some) / (end - begin)


def spent(process: psutil.Popen) -> float:
    """Return the processor time of a process and its children in s."""
    times = process.cpu_times()
    children = (child.cpu_times() for child in process.children(recursive=True))
    return times.user + times.system + sum(each.user + each.system for each in children)


def differing_files(one: Path, other: Path) -> list[str]:
    """Return the names of files that are not equal; times and identities of files aside."""
    names = sorted({path.name for folder in (one, other) for path in folder.iterdir()})
    return [name for name in names if content(one / name) != content(other / name)]


def content(path: Path) -> object:
    if not path.exists():
        return None
    if path.name == "summary.json":
        return timeless(json.loads(path.read_text()))
    if path.name.endswith(".ome.tif"):
        return [page.tobytes() for page in tifffile.imread(path)]
    return path.read_bytes()


def timeless(value: Any) -> Any:
    if isinstance(value, dict):
        left = {"seconds", "written", "files"}
        return {name: timeless(each) for name, each in value.items() if name not in left}
    return [timeless(each) for each in value] if isinstance(value, list) else value


def projected(frames: int, per_worker: float, merging_s: float) -> dict[str, float]:
    """Return frames per second with more workers; results are merged by the command alone."""
    return {str(count): frames / (frames / (count * per_worker) + merging_s) for count in PROJECTED}


def measure(folder: Path, frames: int) -> dict[str, Any]:
    movie = folder / "movie.npy"
    size = write_movie(movie, frames)
    alone = detect(movie, size, folder / "alone", ["--workers", "1"])
    print(f"one process: {alone:.0f} s", flush=True)
    address, processes = start_dask(folder, 2)
    try:
        with Timeline(folder / "spread", frames, processes[1:]) as timeline:
            whole = detect(movie, size, folder / "spread", ["--cluster", address])
        scheduler = spent(processes[0])
    finally:
        for process in reversed(processes):
            process.kill()
    searched = max(when for when, done in timeline.seen if done)
    merging = timeline.seen[-1][0] - searched
    two = timeline.rate(_SETTLED * frames, timeline.killed_at)
    one = timeline.rate(timeline.killed_at + 3, frames - 1)
    found = json.loads((folder / "spread" / "movie" / "summary.json").read_text())
    return {
        "frames": frames,
        "edge_px": EDGE,
        "stride_px": STRIDE,
        "model": MODEL,
        "cores": os.cpu_count(),
        "one_process_s": alone,
        "cluster_s": whole,
        "killed_after_frames": timeline.killed_at,
        "frames_in_results": [each["frame"] for each in found["frames"]] == list(range(frames)),
        "differing_files": differing_files(folder / "alone/movie", folder / "spread/movie"),
        "frames_per_s": {"1": one, "2": two},
        "processor_s_per_frame": sum(timeline.cpu) / timeline.killed_at,
        "scheduler_processor_ms_per_frame": 1000 * scheduler / frames,
        "merging_ms_per_frame": 1000 * merging / frames,
        "projected_frames_per_s": projected(frames, one, merging),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.frames)
    options.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
