"""Show what a file holds and which lattice it shows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.cli.terminal import print_result

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from napari_stem_defects.base.micrograph import Micrograph


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the files."""
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="image or stack")


def run(options: argparse.Namespace) -> None:
    """Print shape, pixel size, lattice, grains and remarks of every file."""
    from napari_stem_defects.workers.isolated_read import read_micrograph

    for path in options.files:
        for line in _lines(read_micrograph(path)):
            print_result(line)


def _lines(micrograph: Micrograph) -> Iterator[str]:
    from napari_stem_defects.anomaly.grain_structure import find_grains
    from napari_stem_defects.base.lengths import list_in_both_units
    from napari_stem_defects.io.models.choose import choose_for_frames

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
        yield f"  grains: {grains.statement}"
    yield f"  {choice.statement}"
    for note in micrograph.notes:
        yield f"  {note}"


def _lattice(values: dict[str, object]) -> str:
    if "angle_deg" not in values:
        return f"none, {values['reason']}"
    error = f"± {values['angle_uncertainty_deg']} degrees, ratio ± {values['ratio_uncertainty']}"
    return f"{values['reason']} ({error})"
