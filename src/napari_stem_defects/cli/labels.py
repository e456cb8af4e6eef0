"""Import, export and verify label projects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import add_out, add_signal, file_or_folder, kinds
from napari_stem_defects.cli.terminal import long_work
from napari_stem_defects.io.labels.label_formats import list_formats

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions on a label project."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    importing = actions.add_parser("import", help="add patch folders, points or drawn shapes")
    importing.add_argument(
        "project", type=file_or_folder, metavar="PROJECT", help="created if missing"
    )
    importing.add_argument(
        "sources",
        type=file_or_folder,
        nargs="+",
        metavar="DATA",
        help=f"patch folder, or a file: {list_formats()}",
    )
    importing.add_argument(
        "--image",
        type=file_or_folder,
        nargs="+",
        action="extend",
        default=[],
        metavar="IMAGE",
        help="micrograph of the labels, several for COCO; parents of patches, whose positions are"
        " found by correlation",
    )
    add_signal(importing)
    importing.add_argument(
        "--kind",
        type=kinds,
        default={},
        metavar="CLASS=KIND,...",
        help="kinds of classes: point, line or area (default: as in the tables, else by name)",
    )
    importing.set_defaults(act=_import)
    export = actions.add_parser("export", help="write the patches of all labels to a folder")
    export.add_argument("project", type=file_or_folder, metavar="PROJECT")
    add_out(export, "folder for the patches")
    export.set_defaults(act=_export)
    verify = actions.add_parser("verify", help="check a project for lost or damaged data")
    verify.add_argument("project", type=file_or_folder, metavar="PROJECT")
    verify.set_defaults(act=_verify)


def run(options: argparse.Namespace) -> int | None:
    """Run the chosen action."""
    status: int | None = options.act(options)
    return status


def _import(options: argparse.Namespace) -> None:
    from napari_stem_defects.io.labels.exchange import labels_import
    from napari_stem_defects.workers.isolated_read import read_micrograph, read_patches

    with long_work() as bar:
        summary = labels_import(
            options.project,
            options.sources,
            options.image,
            bar,
            kinds=options.kind,
            read_image=partial(read_micrograph, signal=options.signal),
            read_patches=partial(read_patches, signal=options.signal),
        )
    print(f"{options.project}: {summary.text()}")


def _export(options: argparse.Namespace) -> None:
    from napari_stem_defects.io.labels.exchange import labels_export

    with long_work() as bar:
        count = labels_export(options.project, options.out, report=bar)
    print(f"{options.out}: {count} patches written")


def _verify(options: argparse.Namespace) -> int:
    from napari_stem_defects.io.labels.verify import labels_verify

    check = labels_verify(options.project)
    print(check.text())
    return 2 if check.problems else 0
