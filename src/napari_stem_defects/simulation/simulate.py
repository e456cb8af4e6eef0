"""Simulated micrographs with chosen defects, by the linear imaging model.

The linear imaging model (`imaging_model`) sums columns of brightness Z**n under a probe with a
Lorentzian tail. It holds only for very thin samples (Combs et al., Advanced Structural and Chemical
Imaging 5:2, 2019), and its intensities are not quantitative. `simulate` generates one image with
chosen defects; `random_scene` draws images for training.
"""

from __future__ import annotations

from dataclasses import fields, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation import crystals, extended_defects
from napari_stem_defects.simulation.crystal_pose import CrystalPose
from napari_stem_defects.simulation.crystals import CRYSTALS, resolve_crystal
from napari_stem_defects.simulation.extended_defects import Fault, Junction
from napari_stem_defects.simulation.ground_truth import GroundTruthLine, GroundTruthPoint
from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.point_defects import (
    APART_NM,
    POINT_KINDS,
    add_point_defects,
    candidate_sites,
)
from napari_stem_defects.simulation.random_scenes import (
    FAMILIES,
    FAULT_CLASSES,
    NEGATIVE_FAMILIES,
    random_scene,
)
from napari_stem_defects.simulation.scene import Scene, Simulation, acquire_image

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CRYSTALS",
    "FAMILIES",
    "NEGATIVE_FAMILIES",
    "GroundTruthLine",
    "GroundTruthPoint",
    "Simulation",
    "available_defects",
    "random_scene",
    "simulate",
]

Array = NDArray[np.float64]

PIXEL_SIZE_NM = {"cdte-110": 0.027, "sto-001": 0.0163}
"""Default pixel size: that of the public CdTe and SrTiO3 images."""
_DEFAULT_DEFECTS = {
    "cdte-110": ("junction", "twin", "vacancy", "interstitial"),
    "sto-001": ("extra", "iextra", "missing"),
}
_IMAGING = {
    "cdte-110": Imaging(),
    "sto-001": Imaging(
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
_DEFECT_BY_CLASS = {
    "SF1": "overlapped",
    "SF2": "paired",
    "Twin_Bound": "twin",
    "LC": "junction",
    **{kind.class_name: name for name, kind in POINT_KINDS.items()},
}
_ROTATION_DEG = {"cdte-110": float(np.degrees(np.arctan(np.sqrt(0.5)))), "sto-001": 0.0}
"""Default rotation. One {111} plane of CdTe is vertical, as in the public image."""
_POINTS_PER_KIND = 6
_SLICE_FRACTIONS = (1 / 3, 1 / 3, 1 / 3)


def available_defects(crystal: str) -> tuple[str, ...]:
    """Return the kinds of defects that `simulate` can add to a crystal.

    Parameters
    ----------
    crystal : str
        Name of the crystal.

    Returns
    -------
    tuple of str

    Raises
    ------
    InputError
        If the crystal is not known.
    """
    return FAMILIES[resolve_crystal(crystal)][1:]


def simulate(
    crystal: str = "cdte-110",
    *,
    defects: str | Sequence[str] | None = None,
    size: int = 512,
    pixel_size_nm: float | None = None,
    dose: float | None = None,
    seed: int = 0,
    rotation_deg: float | None = None,
    **imaging: Any,
) -> Simulation:
    """Simulate a micrograph with chosen defects by the linear imaging model.

    Parameters
    ----------
    crystal : {"cdte-110", "sto-001"}
        CdTe along [110] or SrTiO3 along [001]. "sto-100" is an alias of the latter.
    defects : str or sequence of str, optional
        Kinds from `available_defects`, or names of their classes. Each name adds one extended
        defect or six point defects. By default every class occurs; an empty sequence gives a
        perfect crystal.
    size : int
        Height and width in px, 64 to 8192.
    pixel_size_nm : float, optional
        Edge of one square pixel in nm; by default 0.027 for CdTe and 0.0163 for SrTiO3.
    dose : float, optional
        Mean number of detected electrons per pixel.
    seed : int
        The same seed gives the same image.
    rotation_deg : float, optional
        Counter-clockwise rotation of the crystal; by default one {111} plane of CdTe is vertical.
    **imaging
        Other fields of `Imaging`.

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        If a name is not known or a number is out of range.

    Examples
    --------
    >>> len(sd.simulate("cdte-110", defects=["vacancy"], size=256).points)
    6
    """
    names = _check_defects(crystal, (defects,) if isinstance(defects, str) else defects)
    size, seed = _whole("size", size), _whole("seed", seed)
    given, crystal = crystal, resolve_crystal(crystal)
    px = PIXEL_SIZE_NM[crystal] if pixel_size_nm is None else pixel_size_nm
    _check_size(size, px)
    settings = _check_imaging(_IMAGING[crystal], dose, imaging)
    rng = np.random.default_rng(seed)
    turn = _ROTATION_DEG[crystal] if rotation_deg is None else rotation_deg
    notes = {"crystal": given, "defects": names, "size": size, "seed": seed, "rotation_deg": turn}
    scene = _make_crystal(crystal, size, px, turn)
    scene = _add_defects(scene, names, size, turn - _ROTATION_DEG[crystal], rng)
    scene = replace(scene, notes={**notes, "species": scene.species})
    return acquire_image(scene, (size, size), settings, px, rng, f"simulated {given}")


def _whole(name: str, value: float) -> int:
    if not (isinstance(value, Real) and np.isfinite(value) and value == int(value) >= 0):
        raise InputError(f"{name} {value} is not a whole number from 0 on")
    return int(value)


def _check_defects(crystal: str, defects: Sequence[str] | None) -> tuple[str, ...]:
    possible = available_defects(crystal)
    requested = _DEFAULT_DEFECTS[resolve_crystal(crystal)] if defects is None else defects
    names = tuple(_DEFECT_BY_CLASS.get(name, name) for name in requested)
    for name, given in zip(names, requested, strict=True):
        if name not in possible:
            raise InputError(f"{crystal} has no defect {given!r}; use {', '.join(possible)}")
    return names


def _check_size(size: int, pixel_size_nm: float) -> None:
    if not 64 <= size <= 8192:
        raise InputError(
            f"size {both_units(size, pixel_size_nm)} is out of range; use 64 to 8192 px"
        )
    if not (isinstance(pixel_size_nm, Real) and 0.002 <= pixel_size_nm <= 0.15):
        raise InputError(f"pixel size {pixel_size_nm} nm shows no columns; use 0.002 to 0.15 nm")


def _check_imaging(default: Imaging, dose: float | None, changes: dict[str, Any]) -> Imaging:
    possible = {field.name for field in fields(Imaging)}
    for name in changes:
        if name not in possible:
            raise InputError(
                f"the linear imaging model has no {name!r}; use {', '.join(sorted(possible))}"
            )
    if dose is not None:
        changes = {**changes, "dose": dose}
    imaging = replace(default, **changes)
    if not (isinstance(imaging.dose, Real) and 0.01 <= imaging.dose <= 1e7):
        raise InputError(f"dose {imaging.dose} is out of range; use 0.01 to 1e7 electrons per px")
    if not imaging.probe_fwhm_nm > 0:
        raise InputError(f"probe width {imaging.probe_fwhm_nm} nm is not positive")
    return imaging


def _make_crystal(crystal: str, size: int, px: float, rotation_deg: float) -> Scene:
    pose = CrystalPose.rotated(rotation_deg, px, (size / 2, size / 2))
    radius = 0.75 * size * px + 1.5
    if crystal == "cdte-110":
        return Scene(crystals.zincblende(radius), pose, ((48,), (52,)))
    return Scene(crystals.perovskite(radius), pose, ((38,), (22, 8), (8,)))


def _add_defects(
    scene: Scene, names: Sequence[str], size: int, turn_deg: float, rng: np.random.Generator
) -> Scene:
    extended = [name for name in names if name not in POINT_KINDS]
    scene = _add_extended_defects(scene, extended, size, turn_deg)
    for name in names:
        if name in POINT_KINDS:
            sites = _undisturbed_sites(scene, candidate_sites(name, scene.columns))
            scene = add_point_defects(scene, name, sites, size, _POINTS_PER_KIND, rng)
    return scene


def _add_extended_defects(scene: Scene, names: Sequence[str], size: int, turn_deg: float) -> Scene:
    """Add parallel, evenly spaced faults; a junction occupies the upper half.

    The arrangement rotates with the crystal; otherwise a twin would contain other faults.
    """
    junctions = [_make_junction(scene, size, turn_deg) for name in names if name == "junction"][:1]
    others = [name for name in names if name != "junction"]
    start = 0.5 if junctions else 0.0
    faults: list[Fault] = []
    for index, name in enumerate(others):
        down = start + (1 - start) * (index + 1) / (len(others) + 1)
        position = _rotate_about_centre(
            np.array([[down * size, (1 - down) * size]]), size, turn_deg
        )
        normal, _ = extended_defects.plane_axes(1)
        layer = extended_defects.nearest_layer(float(scene.pose.to_crystal(position)[0] @ normal))
        faults += _make_faults(name, layer)
    return replace(
        scene, junctions=tuple(junctions), faults=tuple(faults), slice_fractions=_SLICE_FRACTIONS
    )


def _make_faults(name: str, layer: int) -> list[Fault]:
    if name == "twin":
        # The twin fills the crystal below the boundary. The number of cuts is a multiple of three,
        # so that the crystal above is displaced by whole periods, which changes nothing.
        return extended_defects.make_twin(1, layer - 1998, 1998)
    cuts = {
        "intrinsic": ((layer,),),
        "extrinsic": ((layer, layer + 1),),
        "paired": ((layer, layer + 2),),
        "overlapped": ((layer - 1,), (layer,), (layer + 1,)),
    }[name]
    return [extended_defects.make_fault(FAULT_CLASSES[name], 1, cuts)]


def _rotate_about_centre(position: Array, size: int, turn_deg: float) -> Array:
    """Rotate a position (1, 2) in the image, y and x in px, about the centre of the image."""
    sine, cosine = np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg))
    about = np.array([[cosine, -sine], [sine, cosine]])
    return np.asarray((position - size / 2) @ about.T + size / 2)


def _make_junction(scene: Scene, size: int, turn_deg: float) -> Junction:
    """Return a junction as in the public image: SF1 extends up from the core, SF2 to the left."""
    position = _rotate_about_centre(np.array([[0.45 * size, 0.45 * size]]), size, turn_deg)
    core = scene.pose.to_crystal(position)[0]
    upright, slanted = (
        extended_defects.nearest_layer(float(core @ extended_defects.plane_axes(plane)[0]))
        for plane in (-1, 1)
    )
    first = extended_defects.make_fault("SF1", -1, ((upright - 1,), (upright,), (upright + 1,)))
    second = extended_defects.make_fault("SF2", 1, ((slanted, slanted + 2),))
    return Junction((first, second), (1, 1), extended_defects.crossing(first, second))


def _undisturbed_sites(scene: Scene, sites: Array) -> Array:
    """Return the sites that no extended defect displaces or comes near."""
    keep = np.ones(len(sites), bool)
    step = crystals.LAYER_NM * extended_defects.plane_axes(1)[0]
    for depth in range(len(scene.slice_fractions)):
        for layer in (-1, 0, 1):
            moved = np.hypot(*scene.displacement(sites + layer * step, depth).T)
            keep &= moved < 1e-6
    for fault in (*scene.faults, *(f for j in scene.junctions for f in j.faults)):
        normal, _ = extended_defects.plane_axes(fault.plane)
        keep &= np.abs(sites @ normal - fault.centre_nm) > fault.half_width_nm + APART_NM
    return sites[keep]
