"""Write docs/performance.md from the figures: ``python benchmarks/page.py``.

The figures lie in benchmarks/figures/ and come from::

    stem-defects benchmark --json benchmarks/figures/benchmark.json
    python benchmarks/growth.py benchmarks/figures/growth
    python benchmarks/memory.py benchmarks/figures/memory
    python benchmarks/windows.py benchmarks/figures/windows.json --patches FOLDER
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "benchmarks" / "figures"
PAGE = ROOT / "docs" / "performance.md"

Figures = dict[str, Any]

HEAD = """# Performance

Written by `python benchmarks/page.py` from `benchmarks/figures/`; do not edit by hand. G is the
time of one product of two 2048x2048 float32 matrices on the same machine in the same run: seconds
are for people, G for comparing machines. Nothing here is asserted by a test; tests count work
instead (`tests/benchmarks/test_work.py`).
"""

WAYS = """
## What makes it fast

- The bundled ensembles see a window as nothing but a part of the flattened image, and pad no
  convolution. So windows that overlap share their feature maps: a tile is convolved once for all
  windows in it, a thirtieth of the multiplications at a step of 8 px, and every member answers
  every window, exactly (`inference/dense.py`, after Giusti et al., 2013).
- The members' equal layers are one convolution in groups; batch norms are part of the weights.
- Pooling comes before SELU and is two comparisons of halves; torch's own pooling also records
  where the maxima were.
- What is convolved together is what a processor's cache holds.
- Background and contrast are evened out once per image; of a large one strip by strip, where the
  tiles that are asked about lie, so that no flattened image is ever held
  (`preprocessing/tiled.py`).
- Masks are drawn, cut, measured and written in strips of rows and kept as compressed bits
  (`postprocessing/mask_stack.py`, `postprocessing/connected_components.py`); the overview is
  drawn from blocks as large as it can show.
- Large arrays pass between processes piece by piece (`workers/array_transport.py`).

Ensembles that look at spectra, or whose patches are padded, are asked window by window
(`inference/sliding_window.py`):

- Spectra are half spectra, computed once per window in one batch for all members, on the device.
- The shift of the first batch norm goes through a channel of ones, so that padding stays exact.
- Bulk looks first, in bfloat16 where a convolution like the members' was measured to be faster
  with it. Windows of which it is surer than of any defect that training kept apart are spared the
  other members.
- Every fourth window of each axis comes first and is shown to all members; a window there that
  contradicts Bulk turns clearing off for the image.

`mode="exact"` of `detect_frame` and `predict` asks every member about every window in float32.

## Not reached, not measured

- Reading a file takes a process that for a moment holds the file's numbers and the float32 pixels
  made of them; then these pass to the process that searches, so that both hold them once. Images
  that are resampled to the model's pixel size are held in both sizes. Windows of napari hold a
  byte or more per pixel and class, as labels layers do.
- GPUs. There, windows that share their maps are convolved in tiles as large as a quarter of the
  free memory holds, in float16 unless `mode="exact"`; that was tried on CPUs alone.
- Most of the time of a small image now goes into writing its files.

## Tried, and left out

- Whole patches without padding: half the cost, but a defect at the border of its patch is then
  overlooked more often (on random splits of the public patches, two seeds: CdTe 28 wrong answers
  instead of 0, SrTiO3 60 instead of 8), so models of whole patches keep their padding.
- bfloat16 for all members: beyond 0.01 of the exact probabilities in about a fifth of the windows
  that are not plainly one class or none, even with the first block in float32. Asking those again
  in float32 costs more than bfloat16 saves.
- bfloat16 for the first block: its inputs and weights caused most of that error.
- SELU by `exp2` with its constants in the neighbouring weights: somewhat quicker, but in bfloat16
  the answers moved several times as far.
- The first block as a matrix product of unfolded 4x4 pixels: 2 to 3 times slower than the
  convolution of one channel.
- The spectrum as two matrix products: slower than torch's transform.
- Larger batches on a CPU: the first block's values leave the cache, and blocks of memory of this
  size go back to the system between two uses.
- A coarse map that clears what lies between its windows: a point defect is smaller than its step.
"""


def main() -> None:
    written = [write() for write in (_speed, _memory, _growth, _windows)]
    parts = [HEAD, *filter(None, written), WAYS]
    PAGE.write_text("\n".join(part.strip("\n") + "\n" for part in parts), encoding="utf-8")


def _read(name: str) -> Figures | None:
    path = FIGURES / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def _speed() -> str:
    figures = _read("benchmark")
    if figures is None:
        return ""
    g, rates = figures["g_seconds"], figures["matrix_gflops"]
    rows = [
        "## Speed",
        "",
        f"{figures['machine']}. Matrix product: float32 {rates['float32']:.0f} GFLOP/s, bfloat16"
        f" {rates['bfloat16']:.0f} GFLOP/s; G = {g:.3f} s. Model {figures['model']['name']},"
        f" {figures['model']['members']} members. Every file is written.",
        "",
        "| image | stride px | windows | seconds | G | windows/s | MB more in use |",
        "|---|---|---|---|---|---|---|",
    ]
    for image in figures["images"]:
        edge = f"{image['edge_px']}x{image['edge_px']}"
        name = edge if image["frames"] == 1 else f"{image['frames']} frames {edge}"
        rows.append(
            f"| {name} | {image['stride_px']} | {image['windows']} | {image['seconds']:.2f} |"
            f" {image['seconds'] / g:.1f} | {image['windows_per_s']:.0f} | {image['peak_mb']:.0f} |"
        )
    shares = ", ".join(f"{name} {part:.1%}" for name, part in figures["stage_shares"].items())
    rows += ["", f"Time of the first image goes to: {shares}.", "", *_goals(figures), ""]
    titles = {
        "compared": figures["model"]["name"],
        "compared_window_by_window": "An ensemble as clicks make it (spectrum and patch)",
    }
    rows += [
        "Windows per second, end to end, beside the straightforward implementation in"
        " `benchmarks/reference.py`, and the largest difference of a probability from it:",
        "",
        "| ensemble | implementation | windows/s | times the reference | difference |",
        "|---|---|---|---|---|",
    ]
    for key, title in titles.items():
        rows += _compared(title, figures[key])
    return "\n".join(rows)


def _goals(figures: Figures) -> list[str]:
    g = figures["g_seconds"]
    rates = figures["compared"]["windows_per_s"]
    reached = {
        "768x768, stride 8, all files written, G": (figures["images"][0]["seconds"] / g, 45),
        "first map, model opened, G": (figures["coarse_map_seconds"] / g, 10),
        "five stages of a patch, G": (figures["preview_seconds"] / g, 0.3),
        "seven members trained, G": (sum(figures["training"]["seconds"].values()) / g, 1500),
    }
    rows = ["| goal | at most | measured | |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {most:g} | {is_:.3g} | {'reached' if is_ <= most else 'missed'} |"
        for name, (is_, most) in reached.items()
    ]
    if "reference" in rates:
        ratio = rates["fast"] / rates["reference"]
        word = "reached" if ratio >= 15 else "missed"
        rows.append(f"| windows/s, times the reference's | 15 (least) | {ratio:.3g} | {word} |")
    rows += ["", f"Importing the package takes {figures['import_seconds'] * 1000:.0f} ms."]
    rows.append(
        "The training time is that of one measured pass of one member, times the members' passes."
    )
    return rows


def _compared(title: str, compared: Figures) -> list[str]:
    rates = compared["windows_per_s"]
    rows = []
    for name, rate in rates.items():
        apart = compared["largest_difference"].get(name)
        times = f"{rate / rates['reference']:.1f}" if "reference" in rates else ""
        difference = "" if apart is None else f"{apart:.1e}"
        rows.append(f"| {title} | {name} | {rate:.0f} | {times} | {difference} |")
    return rows


def _memory() -> str:
    figures = _read("memory")
    if figures is None:
        return ""
    rows = [
        "## Memory",
        "",
        f"Searching an image at a stride of {figures['stride_px']} px and writing all files, in a"
        " process that holds",
        "the model already; at most 500 MB beyond the image itself (float32) are meant.",
        "",
        "| image | windows | defects | the image, MB | at the start, MB | at the peak, MB |"
        " beyond start and image, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {each['edge_px']}x{each['edge_px']} | {each['windows']} | {each['regions']} |"
        f" {each['image_mb']:.0f} | {each['start_mb']:.0f} | {each['peak_mb']:.0f} |"
        f" {each['beyond_mb']:.0f} |"
        for each in figures["images"]
    ]
    stack = figures["stack"]
    told = ", ".join(
        f"{mb:.0f} after {frames}"
        for frames, mb in zip(stack["frames"], stack["held_mb"], strict=True)
    )
    rows += [
        "",
        f"A stack of {stack['frames'][-1]} frames of {stack['frame_px']}x{stack['frame_px']} px,"
        " MB of all processes, the stack",
        f"itself included: {told}.",
    ]
    return "\n".join(rows)


def _growth() -> str:
    figures = _read("growth")
    if figures is None:
        return ""
    window, before, loading, exponent, apart = (
        figures[name]
        for name in (
            "seconds_per_window",
            "seconds_before_the_first",
            "seconds_of_loading",
            "exponent",
            "largest_relative_distance_from_the_line",
        )
    )
    return (
        "## Growth\n\n"
        f"From {figures['windows'][0]} to {figures['windows'][-1]} windows a window costs"
        f" {window * 1e6:.0f} us and {before:.2f} s stand before the first;\n"
        f"no time is further than {apart:.0%} from that line, and the exponent of a power law is"
        f" {exponent:.3f}.\nOpening the model took {loading:.2f} s more.\n\n"
        "![time against windows](../benchmarks/figures/growth.png)"
    )


def _windows() -> str:
    figures = _read("windows")
    if figures is None:
        return ""
    clock, computing = figures["mouse_to_picture_ms"]
    edge = figures["edge_px"]
    rows = [
        "## The windows",
        "",
        f"Longest pause of napari's event loop while a window works on an image of {edge}x{edge}"
        " px, by the clock",
        "and in computing time of its thread, which other work on the machine does not stretch."
        " Measured",
        f"with mouse and key events and software rendering, load {figures['load']:.1f} on"
        f" {figures['cores']} cores; at most 200 ms are meant.",
        "",
        "| job | seconds | longest pause, ms | of it computing, ms |",
        "|---|---|---|---|",
    ]
    rows += [
        f"| {row['job']} | {row['seconds']:.1f} | {row['longest_gap_ms']} |"
        f" {row['longest_computing_ms']} |"
        for row in figures["jobs"]
    ]
    rows += [
        "",
        f"From a move of the mouse to the five pictures of the patch under it: {clock:.0f} ms, of"
        f" which {computing:.0f} ms",
        "are computing (median; 50 ms are meant).",
    ]
    if "training" in figures:
        done = figures["training"]
        rows += [
            "",
            f"{done['members']} members from {done['patches']} patches, trained through the window"
            " with its default",
            f"settings: {done['wall_s']:.0f} s, {done['processor_s']:.0f} s of processor time (180"
            " s on two cores are meant).",
        ]
    return "\n".join(rows)


if __name__ == "__main__":
    main()
