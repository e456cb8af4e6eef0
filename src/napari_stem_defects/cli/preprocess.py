"""Write the five preprocessing stages of a micrograph as images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import add_out

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the image and the output folder."""
    parser.add_argument("image", type=Path, metavar="IMAGE")
    add_out(parser, "folder for the stages")


def run(options: argparse.Namespace) -> None:
    """Write each stage of each frame as float32 TIFF and as PNG, and all on one sheet."""
    from napari_stem_defects.io.images.write_stages import write_stages
    from napari_stem_defects.preprocessing.pipeline import stages
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.workers.isolated_read import read_micrograph

    micrograph = read_micrograph(options.image)
    for index in range(micrograph.frame_count):
        frame = micrograph.frame(index)
        name = f"frame_{index:04d}" if micrograph.is_stack else ""
        folder = options.out / name
        write_stages(
            folder, stages(frame.pixels, PreprocessingSettings.paper()), micrograph.pixel_size_nm
        )
        print(f"{folder / 'stages.png'}")
    for note in micrograph.notes:
        print(f"  {note}")
