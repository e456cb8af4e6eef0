"""Show what is unusual in images, without labels or a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.base.internal_fault import internal_fault
from napari_stem_defects.base.progress import Cancelled, Progress
from napari_stem_defects.cli.options import (
    add_out,
    add_pixel_size,
    add_signal,
    file_or_folder,
    numbers,
)
from napari_stem_defects.cli.terminal import long_work, print_error, print_left_out, print_result
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.progress import ProgressCallback


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the images and the output folder."""
    parser.add_argument(
        "images", type=file_or_folder, nargs="+", metavar="IMAGE", help="file or folder"
    )
    add_out(parser, "folder for the results; each image gets a folder in it")
    add_signal(parser)
    add_pixel_size(parser, "edge of one pixel in nm, instead of the value in the files")
    parser.add_argument(
        "--frames",
        type=numbers,
        metavar="N,N|START:STOP",
        help="only these frames of stacks",
    )


def run(options: argparse.Namespace) -> int:
    """Survey every image; return 2 if one of them could not be used, 1 after an internal error."""
    from napari_stem_defects.io.images.find import find_images

    faulty, status = list[str](), 0
    images = [image.resolve() for image in find_images(options.images)]
    with long_work() as bar:
        for path in images:
            try:
                _survey_file(path, options, bar)
            except InputError as error:
                faulty.append(path.name)
                print_error(str(error))
                status = status or 2
            except Cancelled:
                raise
            except Exception as error:
                if len(images) == 1:
                    raise
                faulty.append(path.name)
                print_error(internal_fault(path.name, error))
                status = 1
    print_left_out(options.images, len(images) - len(faulty), faulty)
    return status


def _survey_file(path: Path, options: argparse.Namespace, report: ProgressCallback) -> None:
    """Write the survey of one file, and print its statement and folder."""
    from napari_stem_defects.anomaly.survey_frame import survey_frame
    from napari_stem_defects.io.results.json_file import read_json_or_empty
    from napari_stem_defects.io.results.survey_folder import SUMMARY, write_survey
    from napari_stem_defects.workers.stack_on_demand import open_micrograph

    micrograph = open_micrograph(path, options.signal)
    if options.pixel_size is not None:
        micrograph = micrograph.with_pixel_size(options.pixel_size, "user")
    frames = options.frames or tuple(range(micrograph.frame_count))
    for frame in options.frames or ():
        micrograph.frame(frame)  # raises before anything is written if the frame does not exist

    def surveys() -> Iterator[Survey]:
        for done, frame in enumerate(frames):
            report(Progress(f"survey {path.name}", done, len(frames)))
            yield survey_frame(micrograph.frame(frame), frame=frame)

    folder = write_survey(options.out.resolve(), micrograph, surveys(), len(frames))
    report(Progress(f"survey {path.name}", len(frames), len(frames)))
    summary = read_json_or_empty(folder / SUMMARY)
    print_result(f"{path.name}: {summary['statement']} -> {folder}")
    for note in (*micrograph.notes, *summary["warnings"]):
        print_result(f"  {note}")
