"""Simulated crystals for the benchmark with few clicks.

The DESIGN families may be looked at while methods are tuned. The REPORT families have other
lattices, motifs, periods and seeds, and are used for nothing but the figures that are reported.
Each REPORT family is imaged at three doses.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
from few_clicks_tasks import Group, Labelled, Task
from scipy import ndimage

from napari_stem_defects.simulation.any_lattice import MotifColumn, PlanarCrystal, make_crystal
from napari_stem_defects.simulation.any_lattice_scene import (
    LatticeImaging,
    LatticeScene,
    LatticeSimulation,
    simulate_lattice,
)
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (512, 512)
# Electrons detected per square of one period.
DOSES = {"low": 1000.0, "mid": 4000.0, "high": 20000.0}
CORE_TOLERANCE = 0.8


@dataclass(frozen=True)
class Family:
    """A crystal with defects; the first defect is the one to find.

    ``other_frame`` makes the target another image of the material, at another magnification.
    """

    name: str
    title: str
    group: Group
    crystal: PlanarCrystal
    defects: tuple[LatticeDefect, ...]
    imaging: LatticeImaging
    seed: int
    doses: tuple[str, ...]
    other_frame: bool = False


def _pair(u: float, v: float, brightness: float) -> tuple[MotifColumn, ...]:
    return (MotifColumn(0, 0, 1.0), MotifColumn(u, v, brightness))


def _one(name: str, title: str, group: Group) -> partial[Family]:
    return partial(Family, name, title, group)


REAL_SCAN = LatticeImaging(
    column_jitter=0.015,
    row_jitter_px=0.2,
    drift_px=0.8,
    background_slope=(0.1, -0.15),
    thickness_slope=(-0.15, 0.1),
)
HAZY = replace(REAL_SCAN, haze=0.5, strain=0.015, disturbed_rows=2)
FINE = replace(REAL_SCAN, probe_fwhm=0.3, tail_share=0.3)
DARK = replace(REAL_SCAN, contrast="dark", probe_fwhm=0.45)

DESIGN = (
    Family(
        "hexagonal-fault",
        "close-packed, stacking fault",
        "design",
        make_crystal("hexagonal", 11.0, rotation_deg=14),
        (LatticeDefect("fault", "fault", amount=0.5, direction=(1, 0), dimming=0.05),),
        REAL_SCAN,
        101,
        ("mid",),
    ),
    Family(
        "square-pair-missing",
        "square, two columns, missing light column",
        "design",
        make_crystal("square", 13.0, rotation_deg=7, motif=_pair(0.5, 0.5, 0.5)),
        (LatticeDefect("missing", "missing", amount=0.1, count=30, site=1),),
        HAZY,
        102,
        ("mid",),
    ),
    Family(
        "oblique-pair-boundary",
        "oblique, two columns, grain boundary",
        "design",
        make_crystal(
            "oblique", 10.0, rotation_deg=31, ratio=1.25, angle_deg=78, motif=_pair(0.4, 0.55, 0.6)
        ),
        (LatticeDefect("grain", "boundary", amount=17.0, waviness=0.5),),
        REAL_SCAN,
        103,
        ("mid",),
    ),
    Family(
        "rectangular-dumbbell-twin",
        "rectangular dumbbells, twin boundary",
        "design",
        make_crystal("rectangular", 12.0, rotation_deg=-20, ratio=1.4, motif=_pair(0.15, 0.3, 0.8)),
        (LatticeDefect("twin", "twin", direction=(1, 1)),),
        FINE,
        104,
        ("mid",),
    ),
    Family(
        "honeycomb-missing-other",
        "honeycomb, missing column, other frame",
        "design",
        make_crystal("hexagonal", 9.0, rotation_deg=40, motif=_pair(1 / 3, 2 / 3, 0.7)),
        (LatticeDefect("missing", "missing", amount=0.2, count=35, site=1),),
        HAZY,
        105,
        ("mid",),
        other_frame=True,
    ),
    Family(
        "square-cores",
        "square, dislocation cores",
        "design",
        make_crystal("square", 8.0, rotation_deg=25),
        (LatticeDefect("core", "core", amount=1.0, count=18),),
        REAL_SCAN,
        106,
        ("mid",),
    ),
    Family(
        "centred-added-beside-fault",
        "centred rectangular, added column beside a fault",
        "design",
        make_crystal("centred rectangular", 12.0, rotation_deg=50, angle_deg=70),
        (
            LatticeDefect("added", "added", amount=0.7, count=26),
            LatticeDefect("fault", "fault", amount=0.35, direction=(1, 0)),
        ),
        REAL_SCAN,
        107,
        ("mid",),
    ),
    Family(
        "rectangular-pair-antiphase",
        "rectangular, two columns, anti-phase boundary",
        "design",
        make_crystal("rectangular", 11.0, rotation_deg=3, ratio=1.2, motif=_pair(0.5, 0.5, 0.45)),
        (LatticeDefect("antiphase", "antiphase", direction=(0, 1)),),
        DARK,
        108,
        ("mid",),
    ),
    Family(
        "square-precipitates",
        "square, precipitates",
        "design",
        make_crystal("square", 10.0, rotation_deg=-12),
        (LatticeDefect("precipitate", "precipitate", amount=1.15, count=4),),
        REAL_SCAN,
        109,
        ("mid",),
    ),
)

ALL_DOSES = ("low", "mid", "high")
REPORT = (
    Family(
        "hexagonal-pair-fault",
        "hexagonal, two columns, stacking fault",
        "report",
        make_crystal("hexagonal", 12.5, rotation_deg=-37, motif=_pair(1 / 3, 2 / 3, 0.45)),
        (LatticeDefect("fault", "fault", amount=1 / 3, direction=(0, 1)),),
        HAZY,
        9201,
        ALL_DOSES,
    ),
    Family(
        "rectangular-pair-fault-end",
        "rectangular, two columns, fault that ends",
        "report",
        make_crystal("rectangular", 9.5, rotation_deg=62, ratio=1.5, motif=_pair(0.5, 0.4, 0.7)),
        (LatticeDefect("fault", "fault", amount=0.5, direction=(1, 0), ends=True),),
        REAL_SCAN,
        9202,
        ALL_DOSES,
    ),
    Family(
        "square-pair-antiphase",
        "square, two columns, anti-phase boundary",
        "report",
        make_crystal("square", 14.0, rotation_deg=19, motif=_pair(0.5, 0.5, 0.4)),
        (LatticeDefect("antiphase", "antiphase", direction=(1, 0), dimming=0.05),),
        REAL_SCAN,
        9203,
        ALL_DOSES,
    ),
    Family(
        "oblique-pair-twin",
        "oblique, two columns, twin boundary",
        "report",
        make_crystal(
            "oblique", 11.0, rotation_deg=-8, ratio=1.15, angle_deg=103, motif=_pair(0.35, 0.6, 0.8)
        ),
        (LatticeDefect("twin", "twin", direction=(1, 0)),),
        FINE,
        9204,
        ALL_DOSES,
    ),
    Family(
        "square-boundary",
        "square, grain boundary",
        "report",
        make_crystal("square", 10.5, rotation_deg=33),
        (LatticeDefect("grain", "boundary", amount=-22.0, waviness=0.8),),
        HAZY,
        9205,
        ALL_DOSES,
    ),
    Family(
        "centred-cores",
        "centred rectangular, dislocation cores",
        "report",
        make_crystal("centred rectangular", 8.5, rotation_deg=71, angle_deg=66),
        (LatticeDefect("core", "core", amount=1.0, count=18),),
        REAL_SCAN,
        9206,
        ALL_DOSES,
    ),
    Family(
        "oblique-pair-missing",
        "oblique, two columns, missing heavy column",
        "report",
        make_crystal(
            "oblique", 10.0, rotation_deg=-55, ratio=1.35, angle_deg=72, motif=_pair(0.45, 0.5, 0.6)
        ),
        (LatticeDefect("missing", "missing", amount=0.25, count=35, site=0),),
        HAZY,
        9207,
        ALL_DOSES,
    ),
    Family(
        "hexagonal-added-dark",
        "hexagonal bright field, added columns",
        "report",
        make_crystal("hexagonal", 12.0, rotation_deg=5),
        (LatticeDefect("added", "added", amount=0.6, count=28),),
        DARK,
        9208,
        ALL_DOSES,
    ),
    Family(
        "rectangular-missing-beside-fault",
        "rectangular dumbbells, missing column beside a fault",
        "report",
        make_crystal("rectangular", 11.0, rotation_deg=28, ratio=1.45, motif=_pair(0.1, 0.35, 0.9)),
        (
            LatticeDefect("missing", "missing", amount=0.1, count=28, site=1),
            LatticeDefect("fault", "fault", amount=0.4, direction=(1, 0)),
        ),
        FINE,
        9209,
        ALL_DOSES,
    ),
    Family(
        "square-pair-exchanged-other",
        "square, two columns, brighter column, other frame",
        "report",
        make_crystal("square", 12.0, rotation_deg=-16, motif=_pair(0.5, 0.5, 0.5)),
        (LatticeDefect("exchanged", "exchanged", amount=1.7, count=30, site=1),),
        HAZY,
        9210,
        ALL_DOSES,
        other_frame=True,
    ),
    Family(
        "hexagonal-precipitates",
        "hexagonal, precipitates",
        "report",
        make_crystal("hexagonal", 11.0, rotation_deg=44),
        (LatticeDefect("precipitate", "precipitate", amount=0.9, count=4),),
        REAL_SCAN,
        9211,
        ALL_DOSES,
    ),
)


def scene_of(family: Family, dose: str) -> LatticeScene:
    """Return the scene of a family at one of `DOSES`."""
    per_px = DOSES[dose] / family.crystal.period_px**2
    imaging = replace(family.imaging, dose=per_px)
    return LatticeScene(family.crystal, family.defects, imaging, SHAPE)


def labelled(made: LatticeSimulation, name: str) -> Labelled:
    """Return a simulation with single areas."""
    areas = {}
    for key, mask in made.areas.items():
        numbered, count = ndimage.label(mask)
        areas[key] = tuple(numbered == number + 1 for number in range(count))
    return Labelled(made.micrograph(name), made.period_px, made.points, made.lines, areas)


@lru_cache(maxsize=4)
def _images(number: tuple[str, int], dose: str) -> tuple[Labelled, Labelled]:
    family = {"design": DESIGN, "report": REPORT}[number[0]][number[1]]
    scene = scene_of(family, dose)
    first = labelled(simulate_lattice(scene, family.seed), family.name)
    if not family.other_frame:
        return first, first
    matrix = 1.04 * np.eye(2)
    (a, b), (c, d) = family.crystal.base @ matrix
    other = replace(scene, crystal=replace(family.crystal, vectors=((a, b), (c, d))))
    second = simulate_lattice(other, family.seed + 50000)
    return first, labelled(second, f"{family.name}, other frame")


def _load(number: tuple[str, int], dose: str, data: Path) -> tuple[Labelled, Labelled]:
    return _images(number, dose)


def simulated_tasks(group: Group) -> list[Task]:
    """Return one task per family and dose."""
    families = {"design": DESIGN, "report": REPORT}[group]
    tasks = []
    for index, family in enumerate(families):
        wanted = family.defects[0]
        for dose in family.doses:
            tasks.append(
                Task(
                    name=f"{family.name}-{dose}",
                    title=f"{family.title}, {dose} dose",
                    group=group,
                    kind=wanted.kind,  # type: ignore[arg-type]
                    class_name=wanted.class_name,
                    load=partial(_load, (group, index), dose),
                    family=family.name,
                    dose=dose,
                    tolerance=CORE_TOLERANCE if wanted.form == "core" else 0.4,
                )
            )
    return tasks
