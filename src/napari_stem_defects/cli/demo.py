"""Find the defects of a simulated or your own micrograph and show them in napari."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.detect import print_outcome
from napari_stem_defects.cli.options import file_or_folder
from napari_stem_defects.cli.show import can_show, show_results
from napari_stem_defects.cli.terminal import long_work

if TYPE_CHECKING:
    import argparse

_OUT = Path("stem-defects-demo")
_RESULTS = "results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the image, the output folder and whether to show the result."""
    parser.add_argument(
        "image", type=file_or_folder, nargs="?", metavar="IMAGE", help="instead of a simulation"
    )
    parser.add_argument(
        "--headless", action="store_true", help="write files only, do not open napari"
    )
    parser.add_argument(
        "--out", type=file_or_folder, default=_OUT, metavar="DIR", help="default: %(default)s"
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
    if options.headless or not can_show():
        return 0
    show_results(image, outcome.folder)
    return 0


def _simulated(out: Path) -> Path:
    from napari_stem_defects.io.results.write_simulation import write_simulation
    from napari_stem_defects.simulation.simulate import simulate

    print("simulating CdTe [110] with known defects")
    return write_simulation(out, simulate("cdte-110"))[0]
