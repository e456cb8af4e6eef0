"""Simulated micrographs with known defects, by the linear imaging model.

The linear imaging model (`imaging_model`) sums columns as bright as Z**n under a probe with a
Lorentzian tail; it holds for very thin samples only (Combs et al., Advanced Structural and
Chemical Imaging 5:2, 2019) and its intensities are not quantitative. `simulate` makes one image
with chosen defects, `random_scene` draws images for training.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation import crystals
from napari_stem_defects.simulation.crystals import Fault, Junction
from napari_stem_defects.simulation.ground_truth import TruthLine, TruthPoint
from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.point_defects import (
    APART_NM,
    POINT_KINDS,
    add_points,
    candidates,
)
from napari_stem_defects.simulation.random_scenes import (
    FAMILIES,
    FAULT_CLASSES,
    NEGATIVE_FAMILIES,
    random_scene,
)
from napari_stem_defects.simulation.scene import Placement, Scene, Simulation, photograph

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CRYSTALS",
    "FAMILIES",
    "NEGATIVE_FAMILIES",
    "Simulation",
    "TruthLine",
    "TruthPoint",
    "defects_of",
    "random_scene",
    "simulate",
]

Array = NDArray[np.float64]

CRYSTALS = tuple(FAMILIES)
PIXEL_SIZE_NM = {"cdte-110": 0.027, "sto-100": 0.0163}
"""Pixel size where none is given: that of the public CdTe and SrTiO3 images."""
_SHOWCASE = {
    "cdte-110": ("junction", "twin", "vacancy", "interstitial"),
    "sto-100": ("extra", "iextra", "missing"),
}
_IMAGING = {
    "cdte-110": Imaging(),
    "sto-100": Imaging(
        probe_fwhm_nm=0.11,
        tail_share=0.5,
        tail_nm=0.08,
        exponent=1.3,
        dose=14,
        background=0.3,
        jitter_px=0.5,
        noise_blur_px=0.0,
    ),
}
_BY_CLASS = {
    "SF1": "overlapped",
    "SF2": "paired",
    "Twin_Bound": "twin",
    "LC": "junction",
    **{kind.class_name: name for name, kind in POINT_KINDS.items()},
}
_ROTATION_DEG = {"cdte-110": float(np.degrees(np.arctan(np.sqrt(0.5)))), "sto-100": 0.0}
"""Turns one {111} plane upright, as in the public CdTe image."""
_POINTS_PER_KIND = 6
_SLICES = (1 / 3, 1 / 3, 1 / 3)


def defects_of(crystal: str) -> tuple[str, ...]:
    """Return the defects `simulate` can put into a crystal."""
    return FAMILIES[_known(crystal)][1:]


def simulate(
    crystal: str = "cdte-110",
    *,
    defects: Sequence[str] | None = None,
    size: int = 512,
    pixel_size_nm: float | None = None,
    dose: float | None = None,
    seed: int = 0,
    rotation_deg: float | None = None,
    **imaging: Any,
) -> Simulation:
    """Simulate a micrograph with known defects by the linear imaging model.

    Parameters
    ----------
    crystal : {"cdte-110", "sto-100"}
        CdTe seen along [110] or SrTiO3 seen along [001].
    defects : sequence of str, optional
        Kinds of `defects_of`, or the names of their classes; one extended defect is made per
        name, six point defects. Without it, a showcase; an empty sequence gives a perfect crystal.
    size : int
        Height and width in px, 64 to 8192.
    pixel_size_nm : float, optional
        0.027 for CdTe and 0.0163 for SrTiO3 where not given.
    dose : float, optional
        Electrons detected per pixel, on average.
    seed : int
        The same seed gives the same image.
    rotation_deg : float, optional
        Turns the crystal counter-clockwise; by default one {111} plane of CdTe stands upright.
    **imaging
        Other fields of `Imaging`.

    Raises
    ------
    InputError
        If a name is not known or a number is out of range.
    """
    names = _checked_defects(crystal, defects)
    px = PIXEL_SIZE_NM[crystal] if pixel_size_nm is None else pixel_size_nm
    if not 64 <= size <= 8192:
        raise InputError(f"size {size} px is out of range; use 64 to 8192")
    if not 0.002 <= px <= 0.15:
        raise InputError(f"pixel size {px} nm shows no columns; use 0.002 to 0.15 nm")
    settings = _checked_imaging(_IMAGING[crystal], dose, imaging)
    rng = np.random.default_rng(seed)
    turn = _ROTATION_DEG[crystal] if rotation_deg is None else rotation_deg
    notes = {
        "crystal": crystal,
        "defects": names,
        "size": size,
        "seed": seed,
        "rotation_deg": turn,
    }
    scene = _perfect(crystal, size, px, turn)
    scene = _with_defects(scene, names, size, turn - _ROTATION_DEG[crystal], rng)
    scene = replace(scene, notes={**notes, "species": scene.species})
    return photograph(scene, (size, size), settings, px, rng, f"simulated {crystal}")


def _known(crystal: str) -> str:
    if crystal not in CRYSTALS:
        raise InputError(f"crystal {crystal!r} is not known; use {' or '.join(CRYSTALS)}")
    return crystal


def _checked_defects(crystal: str, defects: Sequence[str] | None) -> tuple[str, ...]:
    possible = defects_of(crystal)
    asked = _SHOWCASE[crystal] if defects is None else defects
    names = tuple(_BY_CLASS.get(name, name) for name in asked)
    for name, given in zip(names, asked, strict=True):
        if name not in possible:
            raise InputError(f"{crystal} has no defect {given!r}; use {', '.join(possible)}")
    return names


def _checked_imaging(default: Imaging, dose: float | None, changes: dict[str, Any]) -> Imaging:
    possible = {field.name for field in fields(Imaging)}
    for name in changes:
        if name not in possible:
            raise InputError(
                f"the linear imaging model has no {name!r}; use {', '.join(sorted(possible))}"
            )
    if dose is not None:
        changes = {**changes, "dose": dose}
    imaging = replace(default, **changes)
    if not 0.01 <= imaging.dose <= 1e7:
        raise InputError(f"dose {imaging.dose} is out of range; use 0.01 to 1e7 electrons per px")
    if not imaging.probe_fwhm_nm > 0:
        raise InputError(f"probe width {imaging.probe_fwhm_nm} nm is not positive")
    return imaging


def _perfect(crystal: str, size: int, px: float, rotation_deg: float) -> Scene:
    placement = Placement.turned(rotation_deg, px, (size / 2, size / 2))
    radius = 0.75 * size * px + 1.5
    if crystal == "cdte-110":
        return Scene(crystals.zincblende(radius), placement, ((48,), (52,)))
    return Scene(crystals.perovskite(radius), placement, ((38,), (22, 8), (8,)))


def _with_defects(
    scene: Scene, names: Sequence[str], size: int, turn_deg: float, rng: np.random.Generator
) -> Scene:
    extended = [name for name in names if name not in POINT_KINDS]
    scene = _with_extended(scene, extended, size, turn_deg)
    for name in names:
        if name in POINT_KINDS:
            sites = _quiet(scene, candidates(name, scene.columns))
            scene = add_points(scene, name, sites, size, _POINTS_PER_KIND, rng)
    return scene


def _with_extended(scene: Scene, names: Sequence[str], size: int, turn_deg: float) -> Scene:
    """Lay the faults parallel to each other, evenly apart; junctions keep the upper half.

    The arrangement turns with the crystal, or a twin would swallow other faults.
    """
    junctions = [_junction(scene, size, turn_deg) for name in names if name == "junction"][:1]
    others = [name for name in names if name != "junction"]
    start = 0.5 if junctions else 0.0
    faults: list[Fault] = []
    for index, name in enumerate(others):
        down = start + (1 - start) * (index + 1) / (len(others) + 1)
        spot = _turned(np.array([[down * size, (1 - down) * size]]), size, turn_deg)
        normal, _ = crystals.plane_axes(1)
        layer = crystals.nearest_layer(float(scene.placement.to_crystal(spot)[0] @ normal))
        faults += _fault(name, layer)
    return replace(scene, junctions=tuple(junctions), faults=tuple(faults), shares=_SLICES)


def _fault(name: str, layer: int) -> list[Fault]:
    if name == "twin":
        # The twin fills what lies under the boundary; a multiple of three cuts moves what lies
        # above it by whole periods, so that nothing there changes.
        return crystals.make_twin(1, layer - 1998, 1998)
    cuts = {
        "intrinsic": ((layer,),),
        "extrinsic": ((layer, layer + 1),),
        "paired": ((layer, layer + 2),),
        "overlapped": ((layer - 1,), (layer,), (layer + 1,)),
    }[name]
    return [crystals.make_fault(FAULT_CLASSES[name], 1, cuts)]


def _turned(spot: Array, size: int, turn_deg: float) -> Array:
    """Return a place (1, 2) in the image, y and x in px, turned about its middle."""
    sine, cosine = np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg))
    about = np.array([[cosine, -sine], [sine, cosine]])
    return np.asarray((spot - size / 2) @ about.T + size / 2)


def _junction(scene: Scene, size: int, turn_deg: float) -> Junction:
    """Return a junction as in the public image: SF1 runs up from the core, SF2 to the left."""
    spot = _turned(np.array([[0.45 * size, 0.45 * size]]), size, turn_deg)
    core = scene.placement.to_crystal(spot)[0]
    upright, slanted = (
        crystals.nearest_layer(float(core @ crystals.plane_axes(plane)[0])) for plane in (-1, 1)
    )
    first = crystals.make_fault("SF1", -1, ((upright - 1,), (upright,), (upright + 1,)))
    second = crystals.make_fault("SF2", 1, ((slanted, slanted + 2),))
    return Junction((first, second), (1, 1), crystals.crossing(first, second))


def _quiet(scene: Scene, sites: Array) -> Array:
    """Return the sites no extended defect displaces or comes near."""
    keep = np.ones(len(sites), bool)
    step = crystals.LAYER_NM * crystals.plane_axes(1)[0]
    for depth in range(len(scene.shares)):
        for layer in (-1, 0, 1):
            moved = np.hypot(*scene.displacement(sites + layer * step, depth).T)
            keep &= moved < 1e-6
    for fault in (*scene.faults, *(f for j in scene.junctions for f in j.faults)):
        normal, _ = crystals.plane_axes(fault.plane)
        keep &= np.abs(sites @ normal - fault.centre_nm) > fault.half_width_nm + APART_NM
    return sites[keep]
