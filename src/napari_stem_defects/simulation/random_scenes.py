"""Random scenes for training: random rotation, strain, imaging conditions and defects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation import crystals, extended_defects, out_of_distribution
from napari_stem_defects.simulation.crystal_pose import CrystalPose
from napari_stem_defects.simulation.extended_defects import Fault, Junction
from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.point_defects import (
    POINT_KINDS,
    add_point_defects,
    candidate_sites,
)
from napari_stem_defects.simulation.scene import Scene, Simulation, acquire_image

Array = NDArray[np.float64]
Species = tuple[tuple[int, ...], ...]
Rng = np.random.Generator
SceneChange = Callable[[Rng, Scene, int, str], Scene]

FAULT_CLASSES = {
    "intrinsic": "SF1",
    "overlapped": "SF1",
    "extrinsic": "SF2",
    "paired": "SF2",
}
"""Class of each fault: SF1 is a single fault, sharp or smeared over layers; SF2 a double fault."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "cdte-110": ("bulk", "twin", *FAULT_CLASSES, "junction", "vacancy", "interstitial"),
    "sto-001": ("bulk", "extra", "iextra", "missing"),
}
"""Families of scenes that are filled by the crystal."""

NEGATIVE_FAMILIES = ("amorphous", "other_crystal", "vacuum", "edge")
"""Families of scenes without defects, for the training of every class."""

OUT_OF_DISTRIBUTION_FAMILIES = ("random_lattice",)
"""Families of scenes without defects that are more varied, for fine-tuning: random lattices."""

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
    "sto-001": {
        "SrTiO3": _STO,
        "SrTiO3 again": _STO,
        "BaTiO3": ((56,), (22, 8), (8,)),
        "LaMnO3": ((57,), (25, 8), (8,)),
    },
}
"""Atomic numbers of the columns of materials with the structure of each crystal.

The dumbbells range from even to very uneven. The material of the ensemble is listed twice, so that
it is drawn twice as often.
"""

DOSES = (15.0, 1500.0)
"""Range of doses in electrons per px."""


@dataclass(frozen=True)
class SceneDistribution:
    """Materials, doses and thicknesses of random scenes.

    Attributes
    ----------
    materials : tuple of str
        Keys of `MATERIALS` of the crystal; empty for all.
    dose : (float, float)
        Range of the mean number of electrons per px, which is log-uniformly distributed.
    thickness : (float, float)
        Range of the relative thickness. 0 is a thin specimen without background; at 1, half of
        the probe is in its tail and the background is 1.5 times the signal.
    """

    materials: tuple[str, ...] = ()
    dose: tuple[float, float] = DOSES
    thickness: tuple[float, float] = (0.0, 1.0)

    def species(self, crystal: str) -> tuple[Species, ...]:
        """Return the atomic numbers of the materials.

        Parameters
        ----------
        crystal : str
            Name of the crystal.

        Returns
        -------
        tuple of tuple of tuple of int
            For each material, the atomic numbers in a column of each species.

        Raises
        ------
        InputError
            If the crystal has no such material.
        """
        known = MATERIALS[crystal]
        if unknown := sorted(set(self.materials) - set(known)):
            raise InputError(f"{crystal} has no material {unknown[0]!r}; use {', '.join(known)}")
        return tuple(known[name] for name in self.materials or known)


DEFAULT_DISTRIBUTION = SceneDistribution()
"""All materials, doses and thicknesses."""


def random_scene(
    rng: Rng,
    *,
    crystal: str = "cdte-110",
    family: str | None = None,
    size: int = 256,
    pixel_size_nm: float = 0.027,
    imaging: Imaging | None = None,
    distribution: SceneDistribution = DEFAULT_DISTRIBUTION,
) -> Simulation:
    """Draw a scene for training and simulate its image with random imaging conditions.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all randomness: the same state gives the same scene.
    crystal : {"cdte-110", "sto-001"}
        CdTe along [110] or SrTiO3 along [001]; "sto-100" is an alias of "sto-001".
    family : str or None
        One of `FAMILIES` of the crystal, `NEGATIVE_FAMILIES` or `OUT_OF_DISTRIBUTION_FAMILIES`.
        None draws one of the first two.
    size : int
        Height and width in px.
    pixel_size_nm : float
        Edge of one square pixel in nm.
    imaging : Imaging, optional
        Imaging conditions; random by default.
    distribution : SceneDistribution
        Materials, doses and thicknesses to draw from.

    Returns
    -------
    Simulation

    Raises
    ------
    InputError
        If the crystal, the family or a material is not known.
    """
    crystal = crystals.resolve_crystal(crystal)
    families = FAMILIES[crystal] + NEGATIVE_FAMILIES
    if family is None:
        family = families[rng.integers(len(families))]
    families += OUT_OF_DISTRIBUTION_FAMILIES
    if family not in families:
        raise InputError(f"{crystal} has no family {family!r}; use one of {', '.join(families)}")
    imaging = imaging or _draw_imaging(rng, crystal, distribution)
    scene = _draw_crystal(rng, crystal, family, size, pixel_size_nm, distribution)
    scene = _SCENE_CHANGES[family](rng, scene, size, family)
    return acquire_image(scene, (size, size), imaging, pixel_size_nm, rng, f"{crystal} {family}")


def _draw_imaging(rng: Rng, crystal: str, distribution: SceneDistribution) -> Imaging:
    """Draw imaging conditions: from sharp and clean to blurred, uneven and noisy."""
    applied = [float(chance) for chance in rng.random(5) < (0.6, 0.5, 0.5, 0.5, 0.8)]
    fwhm = rng.uniform(0.08, 0.18) if crystal == "cdte-110" else rng.uniform(0.08, 0.19)
    return Imaging(
        probe_fwhm_nm=fwhm,
        astigmatism=rng.uniform(0, 0.3) * applied[0],
        astigmatism_deg=rng.uniform(0, 180),
        tail_share=0.5 * rng.uniform(*distribution.thickness),
        tail_nm=rng.uniform(0.05, 0.3),
        exponent=rng.uniform(1.4, 2.0),
        dose=float(np.exp(rng.uniform(*np.log(distribution.dose)))),
        background=1.5 * rng.uniform(*distribution.thickness),
        background_slope=(rng.uniform(-0.8, 0.8), rng.uniform(-0.8, 0.8)),
        thickness_slope=(rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)),
        cloud=rng.uniform(0, 0.5) * applied[1],
        jitter_px=0.7 * rng.random() ** 2 * applied[2],
        drift_px=rng.uniform(0, 1.5) * applied[3],
        noise_blur_px=rng.uniform(0.3, 0.9) * applied[4],
        position_jitter_nm=rng.uniform(0, 0.012),
    )


def _draw_crystal(
    rng: Rng,
    crystal: str,
    family: str,
    size: int,
    pixel_size_nm: float,
    distribution: SceneDistribution,
) -> Scene:
    """Draw a perfect crystal in a random direction, slightly strained and sheared."""
    strain = tuple(float(value) for value in rng.normal(0, 0.015, 3))
    rotation = float(rng.uniform(0, 360))
    origin = size / 2 + rng.uniform(-0.5, 0.5, 2) * crystals.CDTE_NM / pixel_size_nm
    pose = CrystalPose.rotated(rotation, pixel_size_nm, origin, strain)
    radius = 0.75 * size * pixel_size_nm + 1.5
    choice = distribution.species(crystal)
    species = choice[rng.integers(len(choice))]
    notes = {
        "crystal": crystal,
        "family": family,
        "rotation_deg": rotation,
        "strain": strain,
        "species": species,
    }
    columns = _COLUMN_FUNCTIONS[crystal](radius)
    return Scene(columns, pose, species, notes=notes)


def _keep_bulk(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    return scene


def _add_twin(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    plane = _draw_sign(rng)
    layer = _layer_at(scene, _draw_position(rng, size), plane)
    lamella = int(rng.integers(6, 16)) if rng.random() < 0.15 else None
    return replace(scene, faults=tuple(extended_defects.make_twin(plane, layer, lamella)))


def _add_fault(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    plane = _draw_sign(rng)
    slices = _draw_slices(rng) if family == "overlapped" else (1.0,)
    fault = _make_random_fault(
        rng, family, _layer_at(scene, _draw_position(rng, size), plane), plane, len(slices)
    )
    return replace(scene, faults=(fault,), slice_fractions=slices)


def _add_junction(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    core = _draw_position(rng, size)
    slices = _draw_slices(rng)
    first = ("overlapped", "overlapped", "intrinsic")[rng.integers(3)]
    second = ("paired", "paired", "extrinsic", "intrinsic")[rng.integers(4)]
    plane = _draw_sign(rng)
    faults = (
        _make_random_fault(rng, first, _layer_at(scene, core, plane), plane, len(slices)),
        _make_random_fault(rng, second, _layer_at(scene, core, -plane), -plane, len(slices)),
    )
    junction = Junction(
        faults, (_draw_sign(rng), _draw_sign(rng)), extended_defects.crossing(*faults)
    )
    return replace(
        scene,
        junctions=(junction,),
        slice_fractions=slices,
        core_dimming=float(rng.uniform(0.2, 0.9)),
        core_disorder_nm=float(rng.uniform(0, 0.08)),
    )


def _make_random_fault(rng: Rng, family: str, layer: int, plane: int, slices: int) -> Fault:
    cuts: tuple[tuple[int, ...], ...] = ((layer,),)
    if family == "extrinsic":
        cuts = ((layer, layer + 1),)
    elif family == "paired":
        cuts = ((layer, layer + (2, 2, 2, 3)[rng.integers(4)]),)
    elif family == "overlapped":
        cuts = tuple((layer + depth - slices // 2,) for depth in range(slices))
    dimming = float(rng.uniform(0, 0.2)) if family == "overlapped" else 0.0
    return extended_defects.make_fault(FAULT_CLASSES[family], plane, cuts, dimming)


def _draw_slices(rng: Rng) -> tuple[float, ...]:
    """Draw the fractions of the thickness of the slices of an overlapped fault."""
    count = (2, 3, 3, 3, 4)[rng.integers(5)]
    return tuple(float(share) for share in rng.dirichlet([8] * count))


def _add_point_defects(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    sites = candidate_sites(family, scene.columns)
    return add_point_defects(scene, family, sites, size, int(rng.integers(1, 9)), rng)


def _fill_with_film(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    return replace(scene, columns=_no_columns(), filling=_draw_film(rng, scene, size))


def _remove_crystal(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    return replace(scene, columns=_no_columns())


def _add_edge(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    """End the crystal along a random line, at vacuum or at an amorphous film."""
    softness = rng.uniform(0.05, 1.0) / scene.pose.nm_per_px()
    envelope = out_of_distribution.crystal_edge(size, softness, rng)
    if rng.random() < 0.4:
        return replace(scene, envelope=envelope)
    film = _draw_film(rng, scene, size)
    whole = np.clip(np.rint(film[:, :2]), 0, size - 1).astype(np.intp)
    film[:, 2] *= (1 - envelope[whole[:, 0], whole[:, 1]]) * rng.uniform(0.2, 0.8)
    return replace(scene, envelope=envelope, filling=film)


def _fill_with_other_lattice(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    kinds = out_of_distribution.LATTICE_TYPES
    if scene.notes["crystal"] == "sto-001":  # these two would resemble the crystal
        kinds = tuple(kind for kind in kinds if kind not in ("perovskite", "square"))
    kind = kinds[rng.integers(len(kinds))]
    period = rng.uniform(0.25, 0.55) / scene.pose.nm_per_px()
    filling = out_of_distribution.lattice_2d(kind, size, period, rng)
    notes = {**scene.notes, "lattice": kind}
    return replace(scene, columns=_no_columns(), filling=filling, notes=notes)


def _fill_with_random_lattice(rng: Rng, scene: Scene, size: int, family: str) -> Scene:
    period = rng.uniform(0.2, 0.8) / scene.pose.nm_per_px()
    return replace(
        scene, columns=_no_columns(), filling=out_of_distribution.random_lattice(size, period, rng)
    )


def _draw_film(rng: Rng, scene: Scene, size: int) -> Array:
    spacing = rng.uniform(0.15, 0.4) / scene.pose.nm_per_px()
    return out_of_distribution.amorphous_film(size, spacing, rng)


def _no_columns() -> crystals.Columns:
    return crystals.Columns(np.zeros((0, 2)), np.zeros(0, np.intp), np.zeros(0))


def _draw_sign(rng: Rng) -> int:
    return 1 if rng.random() < 0.5 else -1


def _draw_position(rng: Rng, size: int) -> Array:
    """Draw a point (y, x in px) that an extended defect passes through."""
    return np.asarray(size * rng.uniform(0.1, 0.9, 2))


def _layer_at(scene: Scene, spot: Array, plane: int) -> int:
    normal, _ = extended_defects.plane_axes(plane)
    return extended_defects.nearest_layer(float(scene.pose.to_crystal(spot[None])[0] @ normal))


_COLUMN_FUNCTIONS = {"cdte-110": crystals.zincblende, "sto-001": crystals.perovskite}
_SCENE_CHANGES: dict[str, SceneChange] = {
    "bulk": _keep_bulk,
    "twin": _add_twin,
    "junction": _add_junction,
    "amorphous": _fill_with_film,
    "vacuum": _remove_crystal,
    "edge": _add_edge,
    "other_crystal": _fill_with_other_lattice,
    "random_lattice": _fill_with_random_lattice,
    **dict.fromkeys(FAULT_CLASSES, _add_fault),
    **dict.fromkeys(POINT_KINDS, _add_point_defects),
}
