"""Write the five preprocessing stages of a micrograph as images."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import add_out, add_signal, file_or_folder, numbers
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

MOST_FOLDERS = 100
"""Number of frames above which the user confirms that each of them gets a folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the image and the output folder."""
    parser.add_argument("image", type=file_or_folder, metavar="IMAGE")
    add_out(parser, "folder for the stages; one in it, where it holds those of another image")
    add_signal(parser)
    parser.add_argument(
        "--frames", type=numbers, metavar="N,N|START:STOP", help="only these frames of a stack"
    )


def run(options: argparse.Namespace) -> None:
    """Write each stage of each frame as float32 TIFF and as PNG, and all on one sheet."""
    from napari_stem_defects.io.images.write_stages import write_stages
    from napari_stem_defects.io.results.stages_folder import open_stages_folder
    from napari_stem_defects.preprocessing.pipeline import stages
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.workers.stack_on_demand import open_micrograph

    micrograph = open_micrograph(options.image, options.signal)
    frames = options.frames or range(micrograph.frame_count)
    for index in frames:
        micrograph.frame(index)  # raises before anything is written if it does not exist
    if options.frames is None and len(frames) > MOST_FOLDERS:
        _confirm(options.image, len(frames))
    settings = PreprocessingSettings.paper()
    parent = open_stages_folder(options.out, micrograph, settings)
    for index in frames:
        frame = micrograph.frame(index)
        folder = parent / f"frame_{index:04d}" if micrograph.is_stack else parent
        found = stages(frame.pixels, settings)
        written = write_stages(folder, found, micrograph.pixel_size_nm)
        print(f"{folder / 'stages.png'}")
        for note in written.notes:
            print(f"  {note}")
    for note in micrograph.notes:
        print(f"  {note}")


def _confirm(image: Path, count: int) -> None:
    """Let a user at a terminal confirm many folders; raise `InputError` elsewhere."""
    question = f"{image.name}: {count} frames, a folder each. Write them? [y/N] "
    if sys.stdin.isatty() and sys.stderr.isatty():
        print(question, end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
        raise InputError(one_line(image, "nothing was written", "choose frames with --frames"))
    fault = f"has {count} frames, which makes a folder each"
    advice = f"choose some with --frames, such as --frames 0:10; all are 0:{count}"
    raise InputError(one_line(image, fault, advice))
