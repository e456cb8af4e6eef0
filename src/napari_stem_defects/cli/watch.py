"""Find defects in every new file of a folder, as soon as it is complete."""

from __future__ import annotations

import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING

from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.base.progress import Cancelled
from napari_stem_defects.cli.detect import print_outcome
from napari_stem_defects.cli.options import (
    add_contrast,
    add_device,
    add_out,
    add_pixel_size,
    add_signal,
    add_stride,
    add_thresholds,
    file_or_folder,
    positive_float,
)
from napari_stem_defects.cli.terminal import long_work, print_result

if TYPE_CHECKING:
    import argparse

    from napari_stem_defects.jobs.batch import Outcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folder, the model, and how to search and to look."""
    parser.add_argument(
        "folder", type=file_or_folder, metavar="DIR", help="folder that new files come into"
    )
    add_out(parser, "folder for the results, and for the table of all images, watch.csv")
    parser.add_argument(
        "--model",
        default=AUTO_MODEL,
        metavar="NAME|FILE|auto",
        help="default: %(default)s, chosen by the first image that fits one; fixed for the run",
    )
    add_stride(parser)
    add_contrast(parser)
    add_signal(parser)
    add_pixel_size(parser, "edge of one pixel in nm, instead of the value in the files")
    add_device(parser)
    add_thresholds(parser)
    parser.add_argument(
        "--interval",
        type=positive_float,
        default=0.5,
        metavar="S",
        help="seconds between two looks at the folder (default: %(default)s)",
    )
    parser.add_argument(
        "--settle",
        type=positive_float,
        default=1.5,
        metavar="S",
        help="seconds for which a complete file has not changed (default: %(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Watch until Ctrl-C; return 0."""
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.jobs.batch_frame import Settings
    from napari_stem_defects.jobs.executors import threads
    from napari_stem_defects.jobs.watch import WatchOptions, watch

    settings = Settings(
        out=options.out.resolve(),
        model=None if options.model == AUTO_MODEL else find_model(options.model).resolve(),
        stride=options.stride,
        pixel_size_nm=options.pixel_size,
        device=options.device,
        thresholds=options.thresholds,
        contrast=options.contrast,
        signal=options.signal,
    )
    counts, printed = {"done": 0, "faults": 0}, set[str]()

    def show(outcome: Outcome) -> None:
        counts["faults" if outcome.fault else "done"] += 1
        print_outcome(outcome, printed)
        sys.stdout.flush()  # a log file is read while the watch goes on

    with suppress(ImportError):  # loaded before the first file comes; quick models need no torch
        import_module("napari_stem_defects.inference.predict")
    if options.folder.is_dir():  # otherwise the fault follows
        _print_now(f"watching {options.folder}; Ctrl-C ends")
    try:
        with threads() as workers, long_work() as bar:
            watch(
                options.folder.resolve(),
                settings,
                options=WatchOptions(options.interval, options.settle),
                workers=workers,
                show_outcome=show,
                show_line=_print_now,
                report=bar,
            )
    except (KeyboardInterrupt, Cancelled):
        faults = f", {counts['faults']} not readable" if counts["faults"] else ""
        print_result(f"stopped: {counts['done']} files searched{faults}; the table is watch.csv")
    return 0


def _print_now(line: str) -> None:
    print_result(line)
    sys.stdout.flush()
