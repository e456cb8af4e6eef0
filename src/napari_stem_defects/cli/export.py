"""Write results for other programs: ImageJ, QuPath, COCO, tables, OME-Zarr, HyperSpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import file_or_folder
from napari_stem_defects.cli.terminal import long_work, print_error, print_result
from napari_stem_defects.io.export.registry import FORMATS

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folders, the format and where the files are written."""
    parser.add_argument(
        "results",
        type=file_or_folder,
        nargs="+",
        metavar="RESULT",
        help="folder that detect wrote, or one that contains some",
    )
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        required=True,
        help="; ".join(f"{each.name}: {each.content}" for each in FORMATS.values()),
    )
    parser.add_argument(
        "--out",
        type=file_or_folder,
        metavar="DIR",
        help="folder of the files (default: export in the first)",
    )
    parser.add_argument(
        "--outlines", action="store_true", help="points and lines as polygons too, as areas are"
    )
    parser.add_argument(
        "--images",
        type=file_or_folder,
        metavar="PATH",
        help="the image, or the folder of the images, if moved since (ome-zarr, hyperspy)",
    )


def run(options: argparse.Namespace) -> int:
    """Write the files; return 2 if a folder could not be used."""
    from napari_stem_defects.api.export import export
    from napari_stem_defects.workers.stack_on_demand import open_micrograph

    with long_work():
        written = export(
            options.results,
            options.format,
            options.out,
            outlines=options.outlines,
            images=options.images,
            read_image=open_micrograph,
        )
    for fault in written.faults:
        print_error(fault)
    for path in written.files:
        print_result(str(path.resolve()))
    return 2 if written.faults else 0
