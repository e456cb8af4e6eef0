"""Random scenes for training: every direction, strain, microscope and defect the model can draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation import crystals, out_of_distribution
from napari_stem_defects.simulation.crystals import Fault, Junction
from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.point_defects import POINT_KINDS, add_points, candidates
from napari_stem_defects.simulation.scene import Placement, Scene, Simulation, photograph

Array = NDArray[np.float64]
Species = tuple[tuple[int, ...], ...]
Rng = np.random.Generator
Drawer = Callable[[Rng, Scene, int, str], Scene]

FAULT_CLASSES = {
    "intrinsic": "SF1",
    "overlapped": "SF1",
    "extrinsic": "SF2",
    "paired": "SF2",
}
"""Class of each fault: SF1 a single fault, sharp or smeared over layers; SF2 a double fault."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "cdte-110": ("bulk", "twin", *FAULT_CLASSES, "junction", "vacancy", "interstitial"),
    "sto-100": ("bulk", "extra", "iextra", "missing"),
}
"""Families of scenes filled by the crystal."""

NEGATIVE_FAMILIES = ("amorphous", "other_crystal", "vacuum", "edge")
"""Families of scenes without any defect that a class may claim."""

STRANGER_FAMILIES = ("stranger",)
"""More of the same, drawn more widely, for networks that know the others: lattices of chance."""

_CDTE, _STO = ((48,), (52,)), ((38,), (22, 8), (8,))
MATERIALS: dict[str, dict[str, Species]] = {
    "cdte-110": {
        "CdTe": _CDTE,
        "CdTe again": _CDTE,
        "Si": ((14,), (14,)),
        "GaAs": ((31,), (33,)),
        "GaSb": ((31,), (51,)),
        "InAs": ((49,), (33,)),
        "ZnTe": ((30,), (52,)),
        "HgTe": ((80,), (52,)),
        "GaP": ((31,), (15,)),
    },
    "sto-100": {
        "SrTiO3": _STO,
        "SrTiO3 again": _STO,
        "BaTiO3": ((56,), (22, 8), (8,)),
        "LaMnO3": ((57,), (25, 8), (8,)),
    },
}
"""Atomic numbers of the columns of each crystal: dumbbells from even to very uneven. The one that
an ensemble is for is drawn twice as often."""

DOSES = (15.0, 1500.0)


@dataclass(frozen=True)
class World:
    """What random scenes are drawn from.

    Attributes
    ----------
    materials : tuple of str
        Keys of `MATERIALS` of the crystal; all where empty.
    dose : (float, float)
        Electrons per px on average, drawn log-uniformly.
    thickness : (float, float)
        Between 0, a probe and a background of a thin specimen, and 1, of which half of the
        probe lies in its tail and the background is 1.5 times the signal.
    """

    materials: tuple[str, ...] = ()
    dose: tuple[float, float] = DOSES
    thickness: tuple[float, float] = (0.0, 1.0)

    def species(self, crystal: str) -> tuple[Species, ...]:
        """Return the atomic numbers to draw from."""
        known = MATERIALS[crystal]
        if odd := sorted(set(self.materials) - set(known)):
            raise InputError(f"{crystal} has no material {odd[0]!r}; use {', '.join(known)}")
        return tuple(known[name] for name in self.materials or known)


EVERYTHING = World()


def random_scene(
    rng: Rng,
    *,
    crystal: str = "cdte-110",
    family: str | None = None,
    size: int = 256,
    pixel_size_nm: float = 0.027,
    imaging: Imaging | None = None,
    world: World = EVERYTHING,
) -> Simulation:
    """Draw a scene for training and take its image with a random microscope.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness: the same state gives the same scene.
    crystal : {"cdte-110", "sto-100"}
    family : str or None
        One of `FAMILIES` of the crystal, `NEGATIVE_FAMILIES` or `STRANGER_FAMILIES`; None draws
        one of the first two.
    size : int
        Height and width in px.
    pixel_size_nm : float
    imaging : Imaging, optional
        Instead of a random microscope.
    world : World
        Crystals, doses and thicknesses to draw from.

    Raises
    ------
    InputError
        If crystal or family are not known.
    """
    if crystal not in FAMILIES:
        raise InputError(f"crystal {crystal!r} is not known; use {' or '.join(FAMILIES)}")
    families = FAMILIES[crystal] + NEGATIVE_FAMILIES
    if family is None:
        family = families[rng.integers(len(families))]
    families += STRANGER_FAMILIES
    if family not in families:
        raise InputError(f"{crystal} has no family {family!r}; use one of {', '.join(families)}")
    imaging = imaging or _imaging(rng, crystal, world)
    scene = _crystal(rng, crystal, family, size, pixel_size_nm, world)
    scene = _DRAWERS[family](rng, scene, size, family)
    return photograph(scene, (size, size), imaging, pixel_size_nm, rng, f"{crystal} {family}")


def _imaging(rng: Rng, crystal: str, world: World) -> Imaging:
    """Draw a microscope: from sharp and clean to blurred, uneven and noisy."""
    sometimes = [float(chance) for chance in rng.random(5) < (0.6, 0.5, 0.5, 0.5, 0.8)]
    fwhm = rng.uniform(0.08, 0.18) if crystal == "cdte-110" else rng.uniform(0.08, 0.19)
    return Imaging(
        probe_fwhm_nm=fwhm,
        astigmatism=rng.uniform(0, 0.3) * sometimes[0],
        astigmatism_deg=rng.uniform(0, 180),
        tail_share=0.5 * rng.uniform(*world.thickness),
        tail_nm=rng.uniform(0.05, 0.3),
        exponent=rng.uniform(1.4, 2.0),
        dose=float(np.exp(rng.uniform(*np.log(world.dose)))),
        background=1.5 * rng.uniform(*world.thickness),
        background_slope=(rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8)),
        thickness_slope=(rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)),
        cloud=rng.uniform(0, 0.5) * sometimes[1],
        jitter_px=0.7 * rng.random() ** 2 * sometimes[2],
        drift_px=rng.uniform(0, 1.5) * sometimes[3],
        noise_blur_px=rng.uniform(0.3, 0.9) * sometimes[4],
        position_jitter_nm=rng.uniform(0, 0.012),
    )


def _crystal(
    rng: Rng, crystal: str, family: str, size: int, pixel_size_nm: float, world: World
) -> Scene:
    """Return the perfect crystal in a random direction, slightly strained and sheared."""
    strain = tuple(float(value) for value in rng.normal(0, 0.015, 3))
    rotation = float(rng.uniform(0, 360))
    origin = size / 2 + rng.uniform(-0.5, 0.5, 2) * crystals.CDTE_NM / pixel_size_nm
    placement = Placement.turned(rotation, pixel_size_nm, origin, strain)
    radius = 0.75 * size * pixel_size_nm + 1.5
    choice = world.species(crystal)
    species = choice[rng.integers(len(choice))]
    notes = {
        "crystal": crystal,
        "family": family,
        "rotation_deg": rotation,
        "strain": strain,
        "species": species,
    }
    columns = _COLUMNS[crystal](radius)
    return Scene(columns, placement, species, notes=notes)


def _bulk(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    return scene


def _twin(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    plane = _sign(rng)
    layer = _layer_at(scene, _spot(rng, size), plane)
    lamella = int(rng.integers(6, 16)) if rng.random() < 0.15 else None
    return replace(scene, faults=tuple(crystals.make_twin(plane, layer, lamella)))


def _single_fault(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    plane = _sign(rng)
    slices = _slices(rng) if family == "overlapped" else (1.0,)
    fault = _fault(rng, family, _layer_at(scene, _spot(rng, size), plane), plane, len(slices))
    return replace(scene, faults=(fault,), shares=slices)


def _junction(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    core = _spot(rng, size)
    slices = _slices(rng)
    first = ("overlapped", "overlapped", "intrinsic")[rng.integers(3)]
    second = ("paired", "paired", "extrinsic", "intrinsic")[rng.integers(4)]
    plane = _sign(rng)
    faults = (
        _fault(rng, first, _layer_at(scene, core, plane), plane, len(slices)),
        _fault(rng, second, _layer_at(scene, core, -plane), -plane, len(slices)),
    )
    junction = Junction(faults, (_sign(rng), _sign(rng)), crystals.crossing(*faults))
    return replace(
        scene,
        junctions=(junction,),
        shares=slices,
        core_dimming=float(rng.uniform(0.2, 0.9)),
        core_disorder_nm=float(rng.uniform(0, 0.08)),
    )


def _fault(rng: Rng, family: str, layer: int, plane: int, slices: int) -> Fault:
    cuts: tuple[tuple[int, ...], ...] = ((layer,),)
    if family == "extrinsic":
        cuts = ((layer, layer + 1),)
    elif family == "paired":
        cuts = ((layer, layer + (2, 2, 2, 3)[rng.integers(4)]),)
    elif family == "overlapped":
        cuts = tuple((layer + depth - slices // 2,) for depth in range(slices))
    dimming = float(rng.uniform(0, 0.2)) if family == "overlapped" else 0.0
    return crystals.make_fault(FAULT_CLASSES[family], plane, cuts, dimming)


def _slices(rng: Rng) -> tuple[float, ...]:
    """Return the shares of the thickness in which an overlapped fault takes the next layer."""
    count = (2, 3, 3, 3, 4)[rng.integers(5)]
    return tuple(float(share) for share in rng.dirichlet([8] * count))


def _points(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    sites = candidates(family, scene.columns)
    return add_points(scene, family, sites, size, int(rng.integers(1, 9)), rng)


def _amorphous(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    return replace(scene, columns=_none(), filling=_film(rng, scene, size))


def _vacuum(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    return replace(scene, columns=_none())


def _edge(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    """End the crystal along a random line, in vacuum or in an amorphous film."""
    softness = rng.uniform(0.05, 1.0) / scene.placement.nm_per_px()
    envelope = out_of_distribution.border(size, softness, rng)
    if rng.random() < 0.4:
        return replace(scene, envelope=envelope)
    film = _film(rng, scene, size)
    whole = np.clip(np.rint(film[:, :2]), 0, size - 1).astype(np.intp)
    film[:, 2] *= (1 - envelope[whole[:, 0], whole[:, 1]]) * rng.uniform(0.2, 0.8)
    return replace(scene, envelope=envelope, filling=film)


def _other_crystal(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    kinds = out_of_distribution.LATTICES
    if scene.notes["crystal"] == "sto-100":  # of which these two would be pictures
        kinds = tuple(kind for kind in kinds if kind not in ("perovskite", "square"))
    kind = kinds[rng.integers(len(kinds))]
    period = rng.uniform(0.25, 0.55) / scene.placement.nm_per_px()
    filling = out_of_distribution.flat_lattice(kind, size, period, rng)
    notes = {**scene.notes, "lattice": kind}
    return replace(scene, columns=_none(), filling=filling, notes=notes)


def _stranger(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    period = rng.uniform(0.2, 0.8) / scene.placement.nm_per_px()
    return replace(
        scene, columns=_none(), filling=out_of_distribution.chance_crystal(size, period, rng)
    )


def _film(rng: Rng, scene: Scene, size: int) -> Array:
    spacing = rng.uniform(0.15, 0.4) / scene.placement.nm_per_px()
    return out_of_distribution.amorphous_film(size, spacing, rng)


def _none() -> crystals.Columns:
    return crystals.Columns(np.zeros((0, 2)), np.zeros(0, np.intp), np.zeros(0))


def _sign(rng: Rng) -> int:
    return 1 if rng.random() < 0.5 else -1


def _spot(rng: Rng, size: int) -> Array:
    """Draw where in the image (y, x, px) an extended defect passes."""
    return np.asarray(size * rng.uniform(0.1, 0.9, 2))


def _layer_at(scene: Scene, spot: Array, plane: int) -> int:
    normal, _ = crystals.plane_axes(plane)
    return crystals.nearest_layer(float(scene.placement.to_crystal(spot[None])[0] @ normal))


_COLUMNS = {"cdte-110": crystals.zincblende, "sto-100": crystals.perovskite}
_DRAWERS: dict[str, Drawer] = {
    "bulk": _bulk,
    "twin": _twin,
    "junction": _junction,
    "amorphous": _amorphous,
    "vacuum": _vacuum,
    "edge": _edge,
    "other_crystal": _other_crystal,
    "stranger": _stranger,
    **dict.fromkeys(FAULT_CLASSES, _single_fault),
    **dict.fromkeys(POINT_KINDS, _points),
}
