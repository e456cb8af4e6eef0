"""Find the defects of a simulated or your own micrograph and show them in napari."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.detect import print_outcome
from napari_stem_defects.cli.terminal import long_work

if TYPE_CHECKING:
    import argparse

_OUT = Path("stem-defects-demo")
_RESULTS = "results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the image, the output folder and whether to show the result."""
    parser.add_argument(
        "image", type=Path, nargs="?", metavar="IMAGE", help="instead of a simulation"
    )
    parser.add_argument(
        "--headless", action="store_true", help="write files only, do not open napari"
    )
    parser.add_argument(
        "--out", type=Path, default=_OUT, metavar="DIR", help="default: %(default)s"
    )


def run(options: argparse.Namespace) -> int:
    """Simulate or read an image, write its results, and show them if there is a display."""
    from napari_stem_defects.base.defaults import DEFAULT_MODEL
    from napari_stem_defects.io.models import library
    from napari_stem_defects.jobs.batch import detect_files
    from napari_stem_defects.jobs.batch_frame import Settings

    image = options.image or _simulated(options.out)
    # Of the simulated crystal it is known which model it needs.
    model = None if options.image else library.find_model(DEFAULT_MODEL).resolve()
    settings = Settings(options.out.resolve() / _RESULTS, model)
    with long_work() as bar:
        (outcome,) = detect_files([image.resolve()], settings, report=bar)
    print_outcome(outcome)
    if outcome.folder is None:
        return 2
    print(f"overview: {outcome.folder / 'overview.png'}")
    if options.headless or not _can_show():
        return 0
    _show(image, outcome.folder)
    return 0


def _simulated(out: Path) -> Path:
    from napari_stem_defects.io.results.write_simulation import write_simulation
    from napari_stem_defects.simulation.simulate import simulate

    print("simulating CdTe [110] with known defects")
    return write_simulation(out, simulate("cdte-110"))[0]


def _can_show() -> bool:
    """Return whether napari can open; print the reason if not."""
    if sys.platform.startswith("linux") and not os.environ.get("DISPLAY"):
        print("no display: napari is not opened")
        return False
    if find_spec("napari") is None:
        print("napari is not installed: it is not opened")
        return False
    return True


def _show(image: Path, folder: Path) -> None:
    """Open napari with the image, one layer per defect class and the Detect panel."""
    import napari
    from napari.layers import Image

    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.io.results.read_results import read_results
    from napari_stem_defects.napari_plugin.layers.convert import image_layer
    from napari_stem_defects.napari_plugin.layers.result_layers import ResultLayers
    from napari_stem_defects.workers.isolated_read import read_micrograph

    detections = read_results(folder)
    micrograph = read_micrograph(image)
    if (size := detections[0].pixel_size_nm) is not None:
        micrograph = micrograph.with_pixel_size(size, "user")
    pixels, keywords, _ = image_layer(micrograph)
    viewer = napari.Viewer()
    source = viewer.add_layer(Image(pixels, **keywords))
    layers = ResultLayers(viewer)
    layers.begin(source, [detections[0].class_table[name] for name in detections[0].mask_names])
    for detection in detections:
        layers.show(FrameResult.of(detection, micrograph.frame(detection.frame).invalid))
    while layers.step():
        pass
    viewer.window.add_plugin_dock_widget("napari-stem-defects", "Detect defects")
    napari.run()
