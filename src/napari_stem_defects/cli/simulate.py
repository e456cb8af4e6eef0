"""Simulate a micrograph with known defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.cli.options import (
    add_out,
    add_pixel_size,
    names_or_none,
    positive_float,
    positive_int,
    seed,
)

if TYPE_CHECKING:
    import argparse

CRYSTALS = ("cdte-110", "sto-001", "sto-100")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the parameters of the simulated crystal and microscope."""
    add_out(parser, "folder for the image and its ground truth")
    parser.add_argument(
        "--crystal",
        choices=CRYSTALS,
        default=CRYSTALS[0],
        help="CdTe [110] (the default) or SrTiO3 [001]; sto-100 is an alias of sto-001",
    )
    parser.add_argument(
        "--defects",
        type=names_or_none,
        metavar="A,B",
        help="classes or kinds of defects, or none (default: one of each)",
    )
    parser.add_argument("--size", type=positive_int, default=512, metavar="N", help="edge in px")
    add_pixel_size(parser, "edge of one pixel in nm (default: 0.027 for CdTe, 0.0163 for SrTiO3)")
    parser.add_argument(
        "--dose", type=positive_float, metavar="E", help="electrons per px on average"
    )
    parser.add_argument("--seed", type=seed, default=0, metavar="S")


def run(options: argparse.Namespace) -> None:
    """Write the image, its ground-truth masks, points and parameters."""
    from napari_stem_defects.io.results.write_simulation import write_simulation
    from napari_stem_defects.simulation.simulate import simulate

    simulation = simulate(
        options.crystal,
        defects=options.defects,
        size=options.size,
        pixel_size_nm=options.pixel_size,
        dose=options.dose,
        seed=options.seed,
    )
    for path in write_simulation(options.out, simulation):
        print(path)
