"""Find defects in images, stacks and folders."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defaults import AUTO_MODEL
from napari_stem_defects.cli.options import (
    add_contrast,
    add_device,
    add_out,
    add_pictures,
    add_pixel_size,
    add_signal,
    add_stride,
    add_thresholds,
    area,
    file_or_folder,
    numbers,
    positive_int,
)
from napari_stem_defects.cli.terminal import long_work, print_error, print_left_out, print_result

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from napari_stem_defects.jobs.batch import Outcome
    from napari_stem_defects.jobs.executors import Workers

# Sources of a pixel size that need no remark: the lattice is a guess, these are not.
STATED = ("file", "user", "simulation")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add images, model, and how and where to compute."""
    parser.add_argument(
        "images", type=file_or_folder, nargs="+", metavar="IMAGE", help="file or folder"
    )
    add_out(parser, "folder for the results; each image gets a folder in it")
    parser.add_argument(
        "--model",
        default=AUTO_MODEL,
        metavar="NAME|FILE|auto",
        help="default: %(default)s, the model whose lattice fits the image",
    )
    add_stride(parser)
    add_contrast(parser)
    add_pictures(parser)
    add_signal(parser)
    add_pixel_size(parser, "edge of one pixel in nm, instead of the value in the files")
    add_device(parser)
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace results even where files were corrected by hand",
    )
    parser.add_argument(
        "--frames",
        type=numbers,
        metavar="N,N|START:STOP",
        help="search only these frames of stacks",
    )
    parser.add_argument(
        "--area",
        type=area,
        metavar="TOP,LEFT,BOTTOM,RIGHT|Y,X Y,X Y,X...",
        help="search only this part: a rectangle, or the corners of an outline, px",
    )
    add_thresholds(parser)
    parser.add_argument(
        "--open", action="store_true", help="open the result in napari, of several images the first"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=positive_int, default=1, metavar="N", help="processes, one frame each"
    )
    where.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="a Dask cluster: its scheduler, or the file that it wrote",
    )


def run(options: argparse.Namespace) -> int:
    """Search every image; return 2 if one of them could not be used."""
    from napari_stem_defects.io.images.find import find_images
    from napari_stem_defects.workers.isolated_read import read_ahead

    images = [path.resolve() for path in find_images(options.images)]
    read_ahead(images[0], options.signal)  # in its own process, while this one imports what follows
    from napari_stem_defects.io.models.library import find_model
    from napari_stem_defects.jobs.batch import Outcome, detect_files
    from napari_stem_defects.jobs.batch_frame import Settings

    settings = Settings(
        out=options.out.resolve(),
        model=None if options.model == AUTO_MODEL else find_model(options.model).resolve(),
        stride=options.stride,
        pixel_size_nm=options.pixel_size,
        device=options.device,
        overwrite=options.overwrite,
        frames=options.frames,
        area=options.area,
        thresholds=options.thresholds,
        contrast=options.contrast,
        pictures=options.pictures,
        signal=options.signal,
    )
    faulty, done, printed = list[str](), list[Outcome](), set[str]()
    with _workers(options) as workers, long_work() as bar:
        for outcome in detect_files(images, settings, workers=workers, report=bar):
            if outcome.fault:
                faulty.append(outcome.image.name)
            else:
                done.append(outcome)
            print_outcome(outcome, printed)
    print_left_out(options.images, len(done), faulty)
    if done and (folder := done[0].folder) is not None:
        _offer_to_show(done[0].image, folder, options.open)
    return 2 if faulty else 0


def _offer_to_show(image: Path, folder: Path, is_wanted: bool) -> None:
    """Open the result in napari, or print the command that does, for a user at a terminal."""
    from napari_stem_defects.cli.show import can_show, show_command, show_results

    if is_wanted and can_show():
        show_results(image, folder)
    elif sys.stdout.isatty():
        print_result(f"to see it in napari: {show_command(folder)}")


def _workers(options: argparse.Namespace) -> AbstractContextManager[Workers]:
    if options.cluster:
        from napari_stem_defects.jobs.cluster import cluster

        return cluster(options.cluster, print_result)
    from napari_stem_defects.jobs import executors

    return executors.threads() if options.workers == 1 else executors.processes(options.workers)


def print_outcome(outcome: Outcome, printed: set[str] | None = None) -> None:
    """Print the counts of one image and its result folder, or its error.

    Notes follow: how the scale was found where no file states it, and what reading changed. What
    was ``printed`` of an earlier image is not repeated.
    """
    from napari_stem_defects.base.lengths import format_none
    from napari_stem_defects.detection.model_choice import NOT_RECOGNISED
    from napari_stem_defects.io.results.read_results import read_summary

    if outcome.folder is None:
        print_error(outcome.fault)
        return
    summary = read_summary(outcome.folder)
    found = ", ".join(_counts(summary))
    is_refused = str(summary.get("recognition")).startswith(NOT_RECOGNISED)
    nothing = NOT_RECOGNISED if is_refused else format_none(summary["counts"])
    print_result(f"{outcome.image.name}: {found or nothing} -> {outcome.folder}")
    for note in _notes(summary):
        if new := _new_parts(note, set() if printed is None else printed):
            print_result(f"  {new}")


def _new_parts(note: str, printed: set[str]) -> str:
    """Return a note without its further parts that were printed before, and remember them."""
    first, *others = note.split("; ")
    new = [first, *(part for part in others if part not in printed)]
    printed.update(others)
    return "; ".join(new)


def _counts(summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the number of defects of each class found, with their density."""
    from napari_stem_defects.base.lengths import format_found

    area, lengths = summary.get("searched_nm2"), summary.get("lengths_nm") or {}
    kinds = {each["name"]: each["kind"] for each in summary.get("classes") or ()}
    for name, count in summary["counts"].items():
        if count:
            yield format_found(count, name, kinds.get(name, "point"), area, lengths.get(name))


def _notes(summary: Mapping[str, Any]) -> Iterator[str]:
    from napari_stem_defects.detection.model_choice import given_statement
    from napari_stem_defects.detection.nothing_fits import NO_MODEL

    recognition, choice = summary.get("recognition"), summary.get("model_choice")
    if choice and choice not in (recognition, given_statement(summary["model"]["name"])):
        yield choice
    if recognition:
        yield recognition
    yield from summary.get("warnings") or ()
    if slow := summary["parameters"].get("stride_statement"):
        yield slow
    is_used = summary["model"]["name"] != NO_MODEL
    if is_used and summary["image"]["pixel_size_source"] not in STATED:
        yield summary["parameters"]["scale_statement"]
    yield from summary["image"]["notes"]
