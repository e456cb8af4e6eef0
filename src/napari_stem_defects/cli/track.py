"""Follow the defects of a movie: drift, tracks, births, deaths, hops, residence times, counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.cli.options import file_or_folder, positive_float, positive_int
from napari_stem_defects.cli.terminal import long_work, print_error, print_result
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from napari_stem_defects.api.track import Tracking
    from napari_stem_defects.statistics.rates import Estimate
    from napari_stem_defects.tracking.histories import ClassDynamics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the result folders and how to link."""
    parser.add_argument(
        "results", type=file_or_folder, nargs="+", metavar="RESULT", help="result folder of a stack"
    )
    parser.add_argument(
        "--image", type=file_or_folder, metavar="FILE", help="the stack, if it was moved since"
    )
    parser.add_argument(
        "--no-drift", action="store_true", help="take out no drift; the stack is not read then"
    )
    parser.add_argument(
        "--range",
        type=positive_float,
        metavar="PX",
        help="how far a defect may be from frame to frame (default: 1.2 lattice vectors)",
    )
    parser.add_argument(
        "--memory",
        type=positive_int,
        default=1,
        metavar="N",
        help="frames for which a defect may be missed (default: %(default)s)",
    )
    parser.add_argument(
        "--frame-time", type=positive_float, metavar="S", help="seconds from frame to frame"
    )


def run(options: argparse.Namespace) -> int:
    """Track each result; return 2 if one of them could not be used."""
    from napari_stem_defects.api.track import track
    from napari_stem_defects.workers.stack_on_demand import open_micrograph

    status = 0
    with long_work() as bar:
        for result in options.results:
            try:
                done = track(
                    result,
                    image=options.image,
                    take_out_drift=not options.no_drift,
                    range_px=options.range,
                    memory=options.memory,
                    frame_time_s=options.frame_time,
                    read_image=open_micrograph,
                    report=bar,
                )
            except InputError as error:
                print_error(str(error))
                status = 2
                continue
            _print(result, done, options.frame_time)
    return status


def _print(result: Path, done: Tracking, frame_time_s: float | None) -> None:
    drift = done.tracks.drift
    shift = list_in_both_units(drift.shift_px[-1].round(1).tolist(), done.pixel_size_nm, ", ")
    print_result(f"{result.resolve().name}: drift to the last frame {shift} (y, x)")
    for each in done.tracks.dynamics:
        for line in _lines(each, frame_time_s):
            print_result(f"  {line}")
    for note in done.notes:
        print_result(f"  {note}")
    print_result(f"  -> {done.folder.resolve()}")


def _lines(each: ClassDynamics, frame_time_s: float | None) -> Iterator[str]:
    """Yield the numbers of events of a class, and rates and times with their intervals."""
    unit, factor = ("frames", 1.0) if frame_time_s is None else ("s", frame_time_s)
    counts = f"{each.births} births, {each.deaths} deaths, {each.hops} hops"
    yield f"{each.class_name}: {each.tracks} tracks, {counts}"
    per = f"per {'frame' if frame_time_s is None else 's'}"
    yield f"  births {_interval(each.birth_rate, 1 / factor)} {per}"
    yield f"  lifetime {_interval(each.lifetime, factor)} {unit}"
    yield f"  residence time {_interval(each.residence, factor)} {unit}"


def _interval(estimate: Estimate, factor: float) -> str:
    """Return a value with its ends; without an event, the end that is known."""
    value, low, high = (
        None if each is None else f"{each * factor:.3g}"
        for each in (estimate.value, estimate.low, estimate.high)
    )
    if value is None:
        return "unknown" if low is None else f"above {low}"
    return f"{value} ({low or '0'} to {high or 'any'})"
