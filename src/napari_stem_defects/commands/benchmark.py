"""Measure how fast this machine finds defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects import DEFAULT_MODEL

if TYPE_CHECKING:
    import argparse

_SIZES_PX = (512, 1024)
_STRIDES = (16, 8)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: a speed table is comparable because all make the same one."""


def run(options: argparse.Namespace) -> None:
    """Print seconds and windows per second for images and strides, and the machine's own rate."""
    from napari_stem_defects.core.detection import detect_frame
    from napari_stem_defects.core.inference import pick_device
    from napari_stem_defects.core.simulation import simulate
    from napari_stem_defects.engine.devices import describe, matrix_rate
    from napari_stem_defects.files.model_file import load_model
    from napari_stem_defects.files.model_library import find_model

    device = pick_device()
    ensemble = load_model(find_model(DEFAULT_MODEL))
    print(f"{describe(device)}")
    print(f"float32 matrix product: {matrix_rate(device):.1f} GFLOP/s")
    print(f"{DEFAULT_MODEL}, {len(ensemble.spec.classes)} classes x {len(ensemble.spec.seeds)}")
    print(f"{'image px':>12} {'stride px':>9} {'windows':>8} {'seconds':>8} {'windows/s':>9}")
    for size in _SIZES_PX:
        micrograph = simulate(size=size, pixel_size_nm=ensemble.spec.pixel_size_nm).micrograph
        for stride in _STRIDES:
            found = detect_frame(micrograph, ensemble, stride=stride, device=device)
            windows, seconds = found.map.called.size, found.seconds
            shape = f"{size}x{size}"
            print(f"{shape:>12} {stride:>9} {windows:>8} {seconds:>8.2f} {windows / seconds:>9.0f}")
