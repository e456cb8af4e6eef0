"""Show what a file holds, what of it is read, and which lattice that shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import add_signal, file_or_folder
from napari_stem_defects.cli.terminal import print_error, print_result
from napari_stem_defects.errors import InputError, ReadError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.images.signals import ChosenSignal, SignalInfo


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the files and the signal."""
    parser.add_argument(
        "files",
        type=file_or_folder,
        nargs="+",
        metavar="FILE",
        help="image, stack, or a folder of them",
    )
    add_signal(parser)


def run(options: argparse.Namespace) -> int:
    """Print signals, shape, pixel size, lattice, grains and remarks of every file."""
    from napari_stem_defects.io.images.find import find_images

    status = 0
    for given in options.files:
        try:
            for path in find_images([given]):
                status = max(status, _print_file(path, options.signal))
        except InputError as error:
            status = 2
            print_error(str(error))
    return status


def _print_file(path: Path, signal: str | None) -> int:
    """Print the lines about a file; return 2 if it cannot be used."""
    from napari_stem_defects.workers.isolated_read import list_signals, read_micrograph

    try:
        signals, chosen = list_signals(path, signal)
        if len(signals) > 1:
            for line in _signal_lines(path, signals, chosen):
                print_result(line)
        if isinstance(chosen, str):
            raise ReadError(chosen)
        for line in _lines(read_micrograph(path, signal)):
            print_result(line)
    except InputError as error:
        print_error(str(error))
        return 2
    return 0


def _signal_lines(
    path: Path, signals: Sequence[SignalInfo], chosen: ChosenSignal | str
) -> Iterator[str]:
    """Yield a line per signal: number, name, shape, scale, and whether it is read or why not."""
    yield f"{path.name}: {len(signals)} signals; choose one with --signal NAME or N"
    for number, signal in enumerate(signals):
        shape = " x ".join(map(str, signal.shape))
        scale = "" if signal.pixel_nm is None else f", {_pixel(signal.pixel_nm)} nm per px"
        if not isinstance(chosen, str) and chosen.number == number:
            verdict = f" <- read: {chosen.reason}"
        else:
            verdict = f"; {signal.fault}" if signal.fault else ""
        title = signal.title or "unnamed"
        yield f"  {number}  {title}: {shape} {signal.dtype}{scale}{verdict}"


def _pixel(size: tuple[float, float]) -> str:
    height, width = (f"{length:.4g}" for length in size)
    return height if height == width else f"{height} x {width}"


def _lines(micrograph: Micrograph) -> Iterator[str]:
    from napari_stem_defects.anomaly.grain_structure import find_grains
    from napari_stem_defects.base.lengths import list_in_both_units
    from napari_stem_defects.io.models.choose import choose_for_frames
    from napari_stem_defects.lattice.plausible_scale import implausible_scale

    height, width = micrograph.frame_shape
    frames = f"{micrograph.frame_count} frames of " if micrograph.is_stack else ""
    size = micrograph.pixel_size_nm
    scale = "no pixel size" if size is None else f"{size:.4g} nm per px"
    file = micrograph.name if micrograph.path is None else micrograph.path.name
    yield f"{file}: {frames}{list_in_both_units((width, height), size)}, {scale}"
    choice = choose_for_frames(micrograph, range(micrograph.frame_count))
    yield f"  lattice: {_lattice(choice.measured.to_json(size))}"
    if choice.measured.cells:
        grains = find_grains(micrograph.frame(choice.frame), choice.measured.cells)
        lattices, count = len(choice.measured.cells), len(grains.grains)
        apart = "" if count <= lattices else f"; the whole image shows {lattices} lattices apart"
        yield f"  grains: {grains.statement}{apart if lattices > 1 else ''}"
    yield f"  {choice.statement}"
    for warning in (implausible_scale(choice.measured.cell, size), choice.warning):
        if warning:
            yield f"  {warning}"
    for note in micrograph.notes:
        yield f"  {note}"


def _lattice(values: dict[str, object]) -> str:
    if "angle_deg" not in values:
        return f"none, {values['reason']}"
    error = f"± {values['angle_uncertainty_deg']} degrees, ratio ± {values['ratio_uncertainty']}"
    return f"{values['reason']} ({error})"
