"""Time against the number of windows, start-up apart: ``python benchmarks/growth.py OUT``.

Writes OUT.json and OUT.png. One strip of a simulated micrograph is made as long as the windows
need; a line is fitted through the times: its slope is the cost of a window, its intercept that of
the start.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np

from napari_stem_defects import DEFAULT_MODEL
from napari_stem_defects.inference.predict import pick_device, predict
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.jobs.devices import PRODUCT_OPERATIONS, matrix_rate
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.windows import window_grid
from napari_stem_defects.reporting.chart_layout import new_figure
from napari_stem_defects.simulation.simulate import simulate

EDGE_PX = 512
STRIDE_PX = 8


def measured(largest: int) -> dict[str, object]:
    """Return windows and seconds from 1e3 windows up to ``largest``, by factors of about 3."""
    started = time.perf_counter()
    ensemble = load_model(find_model(DEFAULT_MODEL))
    start_up = time.perf_counter() - started
    device = pick_device()
    made = simulate(size=EDGE_PX, pixel_size_nm=ensemble.spec.pixel_size_nm).micrograph
    one = filter_image(made.pixels, ensemble.spec.preprocessing)
    predict(one[:64, :64], ensemble, window_grid((64, 64), 8), device=device, mode="fast")
    across = len(window_grid(one.shape, STRIDE_PX).x)
    windows, seconds = [], []
    for wanted in np.geomspace(1e3, largest, 1 + round(2 * np.log10(largest / 1e3))):
        height = max(64, round(wanted / across) * STRIDE_PX)
        image = np.pad(one, ((0, max(0, height - EDGE_PX)), (0, 0)), mode="symmetric")[:height]
        grid = window_grid(image.shape, STRIDE_PX)
        started = time.perf_counter()
        predict(image, ensemble, grid, device=device, mode="fast")
        seconds.append(time.perf_counter() - started)
        windows.append(grid.windows)
        print(f"{grid.windows:>8} windows {seconds[-1]:8.2f} s", flush=True)
    weight = 1 / np.array(seconds)  # every point counts by its relative error
    slope, before = np.polyfit(windows, seconds, 1, w=weight)
    apart = np.abs(np.array(seconds) / (slope * np.array(windows) + before) - 1)
    exponent = np.polyfit(np.log(windows), np.log(seconds), 1)[0]
    return {
        "windows": windows,
        "seconds": seconds,
        "seconds_per_window": slope,
        "seconds_before_the_first": before,
        "seconds_of_loading": start_up,
        "largest_relative_distance_from_the_line": apart.max(),
        "exponent": exponent,
        "g_seconds": PRODUCT_OPERATIONS / matrix_rate(device) / 1e9,
    }


def draw(figures: dict[str, object], path: Path) -> None:
    """Draw seconds over windows, both on logarithmic axes, the fitted line behind the points."""
    windows, seconds = np.array(figures["windows"]), np.array(figures["seconds"])
    line = np.geomspace(windows.min(), windows.max(), 50)
    fitted = figures["seconds_per_window"] * line + figures["seconds_before_the_first"]
    figure = new_figure(365, 250, dpi=150)
    axes = figure.add_axes((0.13, 0.17, 0.83, 0.78))
    axes.loglog(line, np.maximum(fitted, 1e-3), "--", color="#5f5f5f")
    axes.loglog(windows, seconds, "o", color="#1f77b4")
    axes.set(xlabel="number of windows", ylabel="seconds")
    axes.grid(color="#d9d9d9", linewidth=0.6)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--to", type=float, default=1e6, help="windows (default: 1e6)")
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figures = measured(int(options.to))
    options.out.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    draw(figures, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
