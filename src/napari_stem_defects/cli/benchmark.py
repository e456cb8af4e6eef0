"""Measure how fast this machine finds defects."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defaults import DEFAULT_MODEL
from napari_stem_defects.cli.options import file_or_folder

if TYPE_CHECKING:
    import argparse

# The straightforward implementation is part of a clone, not of a wheel.
_REFERENCE = Path(__file__).parents[3] / "benchmarks" / "reference.py"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the output file and a quick form."""
    parser.add_argument(
        "--json", type=file_or_folder, metavar="FILE", help="also write the figures to this file"
    )
    parser.add_argument(
        "--quick", action="store_true", help="small images, to check that the benchmark runs"
    )


def run(options: argparse.Namespace) -> None:
    """Measure and print the figures; write them if a file is given."""
    from napari_stem_defects.io.results.json_file import write_json

    figures = _measured(quick=options.quick)
    print("\n".join(_lines(figures)))
    if options.json:
        write_json(options.json, figures)


def _measured(*, quick: bool) -> dict[str, Any]:
    from napari_stem_defects.cli import benchmark_measurements as measure
    from napari_stem_defects.inference.predict import pick_device
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import load_model
    from napari_stem_defects.jobs.devices import PRODUCT_OPERATIONS, describe, matrix_rate

    device, sizes = pick_device(), measure.QUICK if quick else measure.Sizes()
    model = find_model(DEFAULT_MODEL)
    ensemble = load_model(model)
    rates = {kind: matrix_rate(device, kind) for kind in ("float32", "bfloat16")}
    images = [measure.image_figures(size, model, device) for size in sizes.images]
    figures: dict[str, Any] = {
        "machine": describe(device),
        "matrix_gflops": rates,
        "g_seconds": PRODUCT_OPERATIONS / rates["float32"] / 1e9,
        "model": {
            "name": ensemble.spec.name,
            "sha256": ensemble.sha256,
            "members": len(ensemble.spec.classes) * len(ensemble.spec.seeds),
        },
        "images": images,
        "compared": measure.compared(ensemble, sizes, device, _reference()),
        "compared_window_by_window": measure.compared(
            measure.clicked_ensemble(), sizes, device, _reference()
        ),
        "stage_shares": measure.stage_shares(ensemble, sizes, device),
        "coarse_map_seconds": measure.coarse_seconds(model, sizes, device),
        "preview_seconds": measure.preview_seconds(ensemble),
        "import_seconds": measure.import_seconds(),
        "training": measure.training_figures(ensemble, sizes, device),
    }
    return figures


def _reference() -> Any:
    """Return the reference's `predict`, or None outside a clone."""
    if not _REFERENCE.is_file():
        return None
    spec = importlib.util.spec_from_file_location("stem_defects_reference", _REFERENCE)
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.predict


def _lines(figures: dict[str, Any]) -> list[str]:
    """Return the lines of the printed table."""
    g = figures["g_seconds"]
    rates, model = figures["matrix_gflops"], figures["model"]
    lines = [
        figures["machine"],
        f"matrix product: float32 {rates['float32']:.1f}, bfloat16 {rates['bfloat16']:.1f}"
        f" GFLOP/s; G = {g:.3f} s",
        f"{model['name']}, {model['members']} members",
        "",
        f"{'image px':>15} {'stride':>6} {'windows':>8} {'seconds':>8} {'G':>7}"
        f" {'windows/s':>9} {'network s':>9} {'ratio':>6} {'MB':>6}",
    ]
    for image in figures["images"]:
        shape = f"{image['edge_px']}x{image['edge_px']}"
        if image["frames"] > 1:
            shape = f"{image['frames']}x{shape}"
        lines.append(
            f"{shape:>15} {image['stride_px']:>6} {image['windows']:>8} {image['seconds']:>8.2f}"
            f" {image['seconds'] / g:>7.1f} {image['windows_per_s']:>9.0f}"
            f" {image['network_seconds']:>9.2f} {image['seconds'] / image['network_seconds']:>6.2f}"
            f" {image['peak_mb']:>6.0f}"
        )
    lines.append("")
    titles = {"compared": model["name"], "compared_window_by_window": "window by window"}
    for key, title in titles.items():
        for name, rate in figures[key]["windows_per_s"].items():
            apart = figures[key]["largest_difference"].get(name)
            beside = "" if apart is None else f", largest difference {apart:.1e}"
            lines.append(f"windows/s, {title}, {name}: {rate:.0f}{beside}")
    shares = ", ".join(f"{name} {part:.0%}" for name, part in figures["stage_shares"].items())
    lines.append(f"share of the time: {shares}")
    training = figures["training"]["seconds"]
    for name, seconds in {
        "first map": figures["coarse_map_seconds"],
        "preview of a patch": figures["preview_seconds"],
        "import of the package": figures["import_seconds"],
        **{f"training {member}": value for member, value in training.items()},
        f"training all {len(training)}": sum(training.values()),
    }.items():
        lines.append(f"{name}: {seconds:.3f} s, {seconds / g:.2f} G")
    return lines
