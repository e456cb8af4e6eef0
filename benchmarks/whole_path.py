"""The whole path beside its network, before and after: two source trees side by side.

    python benchmarks/whole_path.py OUT.json --before TREE [--after TREE] [--cases NAME ...]

For each case, the networks alone (filtered pixels in memory to probabilities), then
`stem-defects detect` with all its files: in a process that has done it before, and, for one image,
as a process from start to end. The trees take turns, so that other work on the machine meets both.
Processor time includes worker processes. On a busy machine, threads that wait for each other in
loops count as well; ``OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1`` avoids it.
``git worktree add --detach TREE COMMIT`` makes a tree.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "cdte-110"
TREE = Path(__file__).parents[1]


class Case(NamedTuple):
    """What is searched: edge and stride in px, frames, and how often it is measured."""

    edge: int
    stride: int
    frames: int
    times: int


CASES = {
    "768x768": Case(768, 8, 1, 3),
    "20 frames 512x512": Case(512, 16, 20, 1),
    "100 frames 512x512": Case(512, 16, 100, 1),
    "4096x4096": Case(4096, 16, 1, 1),
}


class Seconds(NamedTuple):
    """Wall time and processor time in s."""

    wall: float
    cpu: float


def processor_seconds() -> float:
    """Return the processor time of this process and of its workers, ended ones included."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used = process.cpu_times()
            total += used.user + used.system + used.children_user + used.children_system
    return total


def timed(work: Callable[[], object]) -> Seconds:
    """Measure one call."""
    wall, cpu = time.perf_counter(), processor_seconds()
    work()
    return Seconds(time.perf_counter() - wall, processor_seconds() - cpu)


def least(measured: list[Seconds]) -> Seconds:
    """Return the lowest wall time and the lowest processor time."""
    return Seconds(min(each.wall for each in measured), min(each.cpu for each in measured))


def write_images(folder: Path, names: list[str]) -> None:
    """Write the images; the frames of a stack show the same crystal with noise of their own."""
    import numpy as np

    from napari_stem_defects.cli.benchmark_measurements import micrograph_of
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import load_model

    ensemble = load_model(find_model(MODEL))
    for name in names:
        case = CASES[name]
        pixels = micrograph_of(case.edge, ensemble).pixels
        if case.frames > 1:
            rng, spread = np.random.default_rng(0), 0.05 * float(pixels.std())
            pixels = np.stack(
                [
                    pixels + rng.normal(0, spread, pixels.shape).astype(np.float32)
                    for _ in range(case.frames)
                ]
            )
        np.save(folder / f"{name}.npy", pixels)
    (folder / "pixel_size.txt").write_text(str(ensemble.spec.pixel_size_nm))


def arguments_of(name: str, folder: Path, out: Path) -> list[str]:
    """Return the command of a case."""
    size = (folder / "pixel_size.txt").read_text()
    path, stride = folder / f"{name}.npy", str(CASES[name].stride)
    options = ["--model", MODEL, "--pixel-size", size, "--device", "cpu", "--stride", stride]
    return ["detect", str(path), "--out", str(out), *options]


def measure_networks(name: str, folder: Path) -> Seconds:
    """Return the time of the networks alone, for all frames."""
    with contextlib.suppress(ImportError):  # earlier builds let threads wait in loops
        from napari_stem_defects.base.waiting_threads import sleep_while_waiting

        sleep_while_waiting()
    import numpy as np  # after it, as in the program

    from napari_stem_defects.inference.predict import predict
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import load_model
    from napari_stem_defects.preprocessing.pipeline import filter_image
    from napari_stem_defects.preprocessing.windows import window_grid

    case, ensemble = CASES[name], load_model(find_model(MODEL))
    pixels = np.load(folder / f"{name}.npy", mmap_mode="r")
    first = np.array(pixels if case.frames == 1 else pixels[0])
    flat = filter_image(first, ensemble.spec.preprocessing)
    grid = window_grid(first.shape, case.stride, ensemble.spec.inference.margin_px)
    predict(flat[:256, :256], ensemble, window_grid((256, 256), 16), mode="fast")
    shown = min(case.frames, 20)

    def search() -> None:
        for _ in range(shown):
            predict(flat, ensemble, grid, mode="fast")

    found = least([timed(search) for _ in range(case.times)])
    return Seconds(*(each * case.frames / shown for each in found))


def measure_path(name: str, folder: Path) -> Seconds:
    """Return the time of `detect` with its files, in a process that has done it before."""
    from napari_stem_defects.cli.main import main

    def detect(number: int, shown: str = name) -> Callable[[], object]:
        def run() -> None:
            out = folder / f"{os.getpid()}_{number}"
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                if main(arguments_of(shown, folder, out)):
                    raise SystemExit(f"{shown}: detect failed")

        return run

    detect(-1, "768x768")()
    return least([timed(detect(number)) for number in range(CASES[name].times)])


def run_apart(tree: Path, what: str, name: str, folder: Path) -> Seconds:
    """Measure in a fresh interpreter with the package of one tree."""
    command = [sys.executable, __file__, "-", "--one", what, name, str(folder)]
    found = subprocess.run(command, env=environment_of(tree), capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(found.stderr)
    return Seconds(*json.loads(found.stdout.splitlines()[-1]))


def environment_of(tree: Path) -> dict[str, str]:
    """Return the environment in which Python imports the package of a tree."""
    return {**os.environ, "PYTHONPATH": str((tree / "src").resolve())}


def measure_process(tree: Path, name: str, folder: Path, number: int) -> Seconds:
    """Return the time of `stem-defects detect` as a process."""
    out = folder / f"process_{tree.name}_{number}"
    command = [sys.executable, "-m", "napari_stem_defects", *arguments_of(name, folder, out)]
    return timed(
        lambda: subprocess.run(command, env=environment_of(tree), capture_output=True, check=True)
    )


def figures_of(name: str, trees: dict[str, Path], folder: Path) -> dict[str, Any]:
    """Measure one case in both trees, taking turns."""
    case = CASES[name]
    found: dict[str, dict[str, Any]] = {build: {} for build in trees}
    for what in ("networks", "path"):
        for build, tree in trees.items():
            found[build][what] = run_apart(tree, what, name, folder)
    if name == "768x768":
        runs: dict[str, list[Seconds]] = {build: [] for build in trees}
        for number in range(case.times):
            for build, tree in trees.items():
                runs[build].append(measure_process(tree, name, folder, number))
        for build in trees:
            found[build]["process"] = least(runs[build])
    return {
        "edge_px": case.edge,
        "stride_px": case.stride,
        "frames": case.frames,
        "builds": {
            build: {what: seconds._asdict() for what, seconds in each.items()}
            for build, each in found.items()
        },
    }


def commit_of(tree: Path) -> str:
    """Return the commit of a tree."""
    command = ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Run all cases, or one measurement for a parent process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--after", type=Path, default=TREE)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        what, name, folder = options.one
        measure = {"networks": measure_networks, "path": measure_path}[what]
        print(json.dumps(measure(name, Path(folder))))
        return
    trees = {"before": options.before, "after": options.after}
    trees = {build: tree for build, tree in trees.items() if tree is not None}
    figures: dict[str, Any] = {
        "cores": os.cpu_count(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)),
        "commits": {build: commit_of(tree) for build, tree in trees.items()},
        "cases": {},
    }
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), sorted({*options.cases, "768x768"}))
        for name in options.cases:
            figures["cases"][name] = figures_of(name, trees, Path(folder))
            print(name, json.dumps(figures["cases"][name]["builds"]), flush=True)
            options.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
