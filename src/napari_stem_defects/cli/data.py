"""List and fetch public data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import file_or_folder
from napari_stem_defects.cli.terminal import long_work, print_result

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions on data sets."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list the data sets").set_defaults(act=_list)
    fetch = actions.add_parser("fetch", help="download a data set and check it")
    fetch.add_argument("name", metavar="NAME")
    fetch.add_argument(
        "--out", type=file_or_folder, metavar="DIR", help="folder (default: in your data folder)"
    )
    fetch.add_argument(
        "--mirror",
        metavar="PLACE",
        help="take it from here: a URL, a zip archive or a folder with its files",
    )
    fetch.set_defaults(act=_fetch)


def run(options: argparse.Namespace) -> None:
    """Run the chosen action."""
    options.act(options)


def _list(options: argparse.Namespace) -> None:
    del options
    from napari_stem_defects.io.datasets.catalogue import DATA_SETS

    for each in DATA_SETS.values():
        print(f"{each.name}  {each.content}\n  {each.url}\n  {each.terms}")


def _fetch(options: argparse.Namespace) -> None:
    from napari_stem_defects.io.datasets.catalogue import find_data_set
    from napari_stem_defects.io.datasets.fetch import default_folder, fetch

    data_set = find_data_set(options.name)
    folder = (options.out or default_folder(data_set)).resolve()
    with long_work() as bar:
        is_new = fetch(data_set, folder, options.mirror, bar)
    state = "fetched and checked" if is_new else "already there, and as published"
    print_result(f"{data_set.name}: {data_set.count} files, {state} -> {folder}")
    print_result(f"  {data_set.terms}")
