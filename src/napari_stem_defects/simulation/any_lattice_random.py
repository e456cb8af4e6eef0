"""Random crystals, defects and imaging conditions: images of unknown materials.

For training and tests of methods that must work for any crystal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.simulation.any_lattice import (
    BRAVAIS,
    Bravais,
    MotifColumn,
    PlanarCrystal,
    make_crystal,
)
from napari_stem_defects.simulation.any_lattice_scene import LatticeImaging, LatticeScene
from napari_stem_defects.simulation.any_lattice_specimen import (
    FORMS,
    KIND_OF_FORM,
    Form,
    LatticeDefect,
)

Array = NDArray[np.float64]

_PERIODS_PX = (6.0, 40.0)
_NEAREST = 0.28
_TRIES = 40
_DIRECTIONS = ((1, 0), (0, 1), (1, 1), (1, -1))


def random_planar_crystal(
    rng: np.random.Generator, period_px: float | None = None
) -> PlanarCrystal:
    """Draw a crystal: lattice, rotation, period and a motif of one to three columns.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    period_px : float, optional
        Length of the first base vector; by default drawn between 6 and 40 px.

    Returns
    -------
    PlanarCrystal
    """
    lattice: Bravais = BRAVAIS[rng.integers(len(BRAVAIS))]
    low, high = np.log(_PERIODS_PX)
    period = float(np.exp(rng.uniform(low, high))) if period_px is None else period_px
    angle = rng.choice([rng.uniform(62, 86), rng.uniform(94, 118)])
    return make_crystal(
        lattice,
        period,
        rotation_deg=float(rng.uniform(0, 360)),
        ratio=float(rng.uniform(1.1, 1.7)),
        angle_deg=float(angle),
        motif=_random_motif(rng),
    )


def _random_motif(rng: np.random.Generator) -> tuple[MotifColumn, ...]:
    """Draw a motif; no column is closer to another than `_NEAREST` of the cell."""
    motif = [MotifColumn(0.0, 0.0, 1.0)]
    for _ in range(int(rng.choice([0, 1, 2], p=[0.4, 0.4, 0.2]))):
        for _ in range(_TRIES):
            u, v = rng.uniform(0, 1, 2)
            if rng.random() < 0.4:
                u, v = rng.choice([(0.5, 0.5), (1 / 3, 2 / 3), (0.5, 0.0), (0.0, 0.35)])
            apart = np.array([[u - each.u, v - each.v] for each in motif])
            if np.hypot(*(apart - np.rint(apart)).T).min() > _NEAREST:
                motif.append(MotifColumn(float(u), float(v), float(rng.uniform(0.25, 1.0))))
                break
    return tuple(motif)


def random_lattice_imaging(rng: np.random.Generator, period_px: float) -> LatticeImaging:
    """Draw imaging conditions.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    period_px : float
        Period of the crystal; low doses per pixel are drawn for finely sampled images only.

    Returns
    -------
    LatticeImaging
    """
    per_period = np.exp(rng.uniform(np.log(600), np.log(60000)))
    return LatticeImaging(
        contrast="dark" if rng.random() < 0.25 else "bright",
        probe_fwhm=float(rng.uniform(0.28, 0.55)),
        tail_share=float(rng.uniform(0.0, 0.4)),
        dose=float(np.clip(per_period / period_px**2, 1.5, 2000)),
        background=float(rng.uniform(0.05, 1.2)),
        background_slope=_slope(rng, 0.3),
        thickness_slope=_slope(rng, 0.4),
        haze=float(rng.uniform(0, 0.8)) if rng.random() < 0.4 else 0.0,
        column_jitter=float(rng.uniform(0.0, 0.025)),
        brightness_jitter=float(rng.uniform(0.0, 0.07)),
        row_jitter_px=float(rng.uniform(0.0, 0.025) * period_px),
        drift_px=float(rng.uniform(0, 0.15) * period_px) if rng.random() < 0.5 else 0.0,
        disturbed_rows=int(rng.integers(1, 5)) if rng.random() < 0.25 else 0,
        strain=float(rng.uniform(-0.03, 0.03)) if rng.random() < 0.6 else 0.0,
        blur_px=float(rng.uniform(0.0, 0.8)),
    )


def _slope(rng: np.random.Generator, most: float) -> tuple[float, float]:
    y, x = rng.uniform(-most, most, 2) if rng.random() < 0.6 else (0.0, 0.0)
    return float(y), float(x)


def random_lattice_defect(
    form: Form, crystal: PlanarCrystal, rng: np.random.Generator
) -> LatticeDefect:
    """Draw a defect of a given form, which is its name in the ground truth.

    Parameters
    ----------
    form : str
        One of `FORMS`.
    crystal : PlanarCrystal
        Crystal that gets the defect.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    LatticeDefect
    """
    amount = {
        "missing": rng.uniform(0.0, 0.35),
        "added": rng.uniform(0.4, 1.1),
        "exchanged": rng.uniform(1.35, 2.0) if rng.random() < 0.5 else rng.uniform(0.45, 0.7),
        "core": 1.0,
        "fault": rng.choice([-1, 1]) * rng.uniform(0.25, 0.5),
        "grain": rng.choice([-1, 1]) * rng.uniform(5, 30),
        "precipitate": rng.uniform(0.8, 1.25),
    }.get(form, 0.0)
    few = KIND_OF_FORM[form] == "point"
    return LatticeDefect(
        form,
        form,
        amount=float(amount),
        count=int(rng.integers(4, 16)) if few and form != "core" else int(rng.integers(1, 4)),
        direction=_random_direction(form, crystal, rng),
        site=int(rng.integers(len(crystal.motif))),
        ends=bool(form == "fault" and rng.random() < 0.4),
        dimming=float(rng.uniform(0, 0.15)) if rng.random() < 0.4 else 0.0,
        waviness=float(rng.uniform(0, 1.5)) if form == "grain" else 0.0,
    )


def _random_direction(
    form: Form, crystal: PlanarCrystal, rng: np.random.Generator
) -> tuple[int, int]:
    """Draw a direction; Burgers vectors are about as short as lattice vectors can be."""
    lengths = np.hypot(*(np.array(_DIRECTIONS) @ crystal.base).T)
    limit = 1.25 if form == "core" else 1.9
    short = np.flatnonzero(lengths < limit * crystal.period_px)
    return _DIRECTIONS[int(rng.choice(short))]


def random_lattice_scene(
    rng: np.random.Generator,
    shape: tuple[int, int] = (512, 512),
    *,
    period_px: float | None = None,
    forms: tuple[Form, ...] | None = None,
) -> LatticeScene:
    """Draw a scene: a random crystal with one to three forms of defects.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of chance.
    shape : (int, int)
        Height and width in px.
    period_px : float, optional
        Length of the first base vector; by default drawn between 6 and 40 px.
    forms : tuple of str, optional
        Forms of defects, from `FORMS`; by default drawn. An empty tuple gives a perfect crystal.

    Returns
    -------
    LatticeScene

    Examples
    --------
    >>> random_lattice_scene(np.random.default_rng(0), forms=()).defects
    ()
    """
    crystal = random_planar_crystal(rng, period_px)
    if forms is None:
        number = int(rng.choice([1, 2, 3], p=[0.4, 0.4, 0.2]))
        forms = tuple(FORMS[n] for n in rng.choice(len(FORMS), number, replace=False))
    possible = [form for form in forms if not (form == "antiphase" and not _ordered(crystal))]
    defects = tuple(random_lattice_defect(form, crystal, rng) for form in possible)
    imaging = random_lattice_imaging(rng, crystal.period_px)
    return LatticeScene(crystal, defects, imaging, shape)


def _ordered(crystal: PlanarCrystal) -> bool:
    """Return whether an exchange of columns of the motif can be seen."""
    brightness = [column.brightness for column in crystal.motif]
    return len(brightness) > 1 and max(brightness) - min(brightness) > 0.2
