"""List, show, verify, import and export trained models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import file_or_folder

if TYPE_CHECKING:
    import argparse

_ENDINGS = {"onnx": ".onnx", "bioimageio": ".bioimageio.zip"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions on the model library."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list the installed models").set_defaults(act=_list)
    show = actions.add_parser("show", help="print the description of a model")
    show.add_argument("model", metavar="NAME|FILE")
    show.set_defaults(act=_show)
    verify = actions.add_parser("verify", help="verify integrity and run the self-test of models")
    verify.add_argument("models", nargs="+", metavar="NAME|FILE")
    verify.set_defaults(act=_verify)
    importing = actions.add_parser("import", help="copy a model into your library")
    importing.add_argument(
        "file",
        type=file_or_folder,
        metavar="FILE",
        help="model file, or package of bioimage.io (.zip)",
    )
    importing.set_defaults(act=_import)
    export = actions.add_parser("export", help="write a model for other programs")
    export.add_argument("model", metavar="NAME|FILE")
    export.add_argument(
        "--format",
        choices=tuple(_ENDINGS),
        required=True,
        help="onnx: a graph from the whole image to the probability map; bioimageio: the graph"
        " packed with its description, a test and the model file",
    )
    export.add_argument(
        "--out",
        type=file_or_folder,
        metavar="FILE",
        help="file to write (default: here, named by the model)",
    )
    export.set_defaults(act=_export)


def run(options: argparse.Namespace) -> None:
    """Run the chosen action."""
    options.act(options)


def _list(options: argparse.Namespace) -> None:
    from napari_stem_defects.base.lengths import both_units
    from napari_stem_defects.io.models.library import list_models

    rows = [
        (
            entry.name,
            entry.source,
            f"{entry.spec.pixel_size_nm} nm/px" if entry.spec.pixel_size_nm else "uncalibrated",
            f"stride {both_units(entry.spec.inference.stride_px, entry.spec.pixel_size_nm)}",
            ", ".join(entry.spec.classes),
        )
        for entry in list_models()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())


def _show(options: argparse.Namespace) -> None:
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import read_spec

    path = find_model(options.model)
    spec, sha256 = read_spec(path)
    print(json.dumps({"file": str(path), "sha256": sha256, **spec.to_dict()}, indent=2))


def _verify(options: argparse.Namespace) -> None:
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import load_model

    for name in options.models:
        path = find_model(name)
        print(f"{path}: sound, sha256 {load_model(path).sha256}")


def _import(options: argparse.Namespace) -> None:
    from napari_stem_defects.io.models.library import import_model

    entry = import_model(options.file)
    print(f"{entry.name}: in your library, {entry.path}")


def _export(options: argparse.Namespace) -> None:
    from napari_stem_defects.io.models.exported.bioimageio_package import write_package
    from napari_stem_defects.io.models.exported.onnx_file import write_onnx
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.io.models.model_file import load_model

    model = find_model(options.model)
    out = options.out or Path(f"{model.stem}{_ENDINGS[options.format]}")
    if options.format == "onnx":
        write_onnx(load_model(model), out)
    else:
        write_package(model, out)
    print(out.resolve())
