"""Random scenes for training and the `simulate` verb, both by the linear imaging model.

See `imaging_model` for what the linear imaging model is and where its limits lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.core import crystals
from napari_stem_defects.core.crystals import Fault, Junction
from napari_stem_defects.core.imaging_model import Imaging
from napari_stem_defects.core.scene import (
    Dot,
    Placement,
    Scene,
    Simulation,
    TruthLine,
    TruthPoint,
    photograph,
)

__all__ = ["FAMILIES", "Simulation", "TruthLine", "TruthPoint", "random_scene"]

Array = NDArray[np.float64]
Rng = np.random.Generator

FAMILIES = {
    "cdte-110": (
        "bulk",
        "twin",
        "intrinsic",
        "extrinsic",
        "paired",
        "overlapped",
        "junction",
        "vacancy",
        "interstitial",
    ),
    "sto-100": ("bulk", "extra", "iextra", "missing"),
}
"""Families of scenes with a crystal, per crystal."""
NEGATIVE_FAMILIES = ("amorphous", "other_crystal", "vacuum", "edge")
"""Families of scenes no class should claim, or only part of them."""
FAULT_CLASSES = {
    "intrinsic": "SF1",
    "overlapped": "SF1",
    "extrinsic": "SF2",
    "paired": "SF2",
}
"""Class of each fault: SF1 the single fault, seen sharp or smeared; SF2 the double fault."""

_PAIRS = (
    (14, 14),
    (31, 33),
    (31, 51),
    (49, 51),
    (49, 33),
    (30, 52),
    (48, 52),
    (48, 52),
    (48, 52),
    (80, 52),
    (31, 15),
)
"""Atomic numbers of zincblende crystals: Si, GaAs, GaSb, InSb, InAs, ZnTe, CdTe, HgTe, GaP."""


def random_scene(
    rng: Rng,
    *,
    crystal: str = "cdte-110",
    family: str | None = None,
    size: int = 256,
    pixel_size_nm: float = 0.027,
) -> Simulation:
    """Draw a scene for training: any direction, strain, probe, dose, jitter and background."""
    if family is None:
        every = FAMILIES[crystal] + NEGATIVE_FAMILIES
        family = every[rng.integers(len(every))]
    imaging = random_imaging(rng, pixel_size_nm, crystal)
    scene = _draw(rng, crystal, family, size, pixel_size_nm)
    return photograph(scene, (size, size), imaging, pixel_size_nm, rng, f"{crystal} {family}")


def random_imaging(rng: Rng, pixel_size_nm: float, crystal: str) -> Imaging:
    """Draw a microscope: from sharp and clean to blurred, tilted and noisy."""
    widths = (0.09, 0.2) if crystal == "cdte-110" else (0.08, 0.16)
    return Imaging(
        probe_fwhm_nm=rng.uniform(*widths),
        astigmatism=rng.uniform(0, 0.3) * (rng.random() < 0.6),
        astigmatism_deg=rng.uniform(0, 180),
        tail_share=rng.uniform(0.05, 0.5),
        tail_nm=rng.uniform(0.05, 0.25),
        exponent=rng.uniform(1.4, 2.0),
        dose=float(np.exp(rng.uniform(np.log(6), np.log(600)))),
        background=rng.uniform(0, 1.0),
        background_slope=(rng.uniform(-1, 1), rng.uniform(-1, 1)),
        thickness_slope=(rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5)),
        cloud=rng.uniform(0, 0.6) * (rng.random() < 0.5),
        jitter_px=rng.uniform(0, 0.6) ** 2 / 0.6 * (0.027 / pixel_size_nm) ** 0.5,
        drift_px=rng.uniform(0, 1.5) * (rng.random() < 0.5),
        noise_blur_px=rng.uniform(0.3, 0.9) * (rng.random() < 0.7),
        position_jitter_nm=rng.uniform(0, 0.012),
    )


def _draw(rng: Rng, crystal: str, family: str, size: int, pixel_size_nm: float) -> Scene:
    strain = tuple(rng.normal(0, 0.015, 3))
    rotation = rng.uniform(0, 360)
    origin = size / 2 + rng.uniform(-0.5, 0.5, 2) * (0.65 / pixel_size_nm)
    placement = Placement.turned(rotation, pixel_size_nm, origin, strain)
    notes = {"crystal": crystal, "family": family, "rotation_deg": rotation, "strain": strain}
    radius = 0.75 * size * pixel_size_nm + 1.5
    if crystal == "cdte-110":
        columns = crystals.zincblende(radius)
        numbers = _PAIRS[rng.integers(len(_PAIRS))]
    else:
        columns = crystals.perovskite(radius)
        numbers = (38, 23, 5)
    notes["atomic_numbers"] = numbers
    bright = np.array(numbers, float) ** 1.7
    scene = Scene(columns, placement, bright / bright.max(), notes=notes)
    return _DRAWERS[family](rng, scene, size)


def _replace(scene: Scene, **changes: Any) -> Scene:
    from dataclasses import replace

    return replace(scene, **changes)


def _bulk(rng: Rng, scene: Scene, size: int) -> Scene:
    return scene


def _layer_through(rng: Rng, scene: Scene, size: int, plane: int) -> int:
    """Draw a layer whose plane crosses the image, its middle part preferred."""
    point = size / 2 + rng.uniform(-0.4, 0.4, 2) * size
    normal, _ = crystals.plane_axes(plane)
    return crystals.nearest_layer(float(scene.placement.to_crystal(point[None])[0] @ normal))


def _plane(rng: Rng) -> int:
    return int(rng.choice([-1, 1]))


def _twin(rng: Rng, scene: Scene, size: int) -> Scene:
    plane = _plane(rng)
    layer = _layer_through(rng, scene, size, plane)
    thickness = int(rng.integers(6, 16)) if rng.random() < 0.15 else None
    return _replace(scene, faults=tuple(crystals.make_twin(plane, layer, thickness)))


def _cuts(rng: Rng, family: str, layer: int) -> tuple[tuple[int, ...], ...]:
    """Return the cuts of a fault, one tuple per slice of the thickness."""
    if family == "intrinsic":
        return ((layer,),)
    if family == "extrinsic":
        return ((layer, layer + 1),)
    if family == "paired":
        return ((layer, layer + int(rng.integers(2, 5))),)
    return ((layer,), (layer + 1,), (layer + 2,))


def _fault(rng: Rng, family: str, layer: int, plane: int) -> Fault:
    dimming = rng.uniform(0, 0.35) if family == "overlapped" else 0.0
    return crystals.make_fault(FAULT_CLASSES[family], plane, _cuts(rng, family, layer), dimming)


def _shares(rng: Rng) -> tuple[float, ...]:
    return tuple(float(share) for share in rng.dirichlet([4, 4, 4]))


def _single(family: str) -> Any:
    def draw(rng: Rng, scene: Scene, size: int) -> Scene:
        plane = _plane(rng)
        fault = _fault(rng, family, _layer_through(rng, scene, size, plane), plane)
        shares = _shares(rng) if family == "overlapped" else (1.0,)
        return _replace(scene, faults=(fault,), shares=shares)

    return draw


def _junction(rng: Rng, scene: Scene, size: int) -> Scene:
    point = size / 2 + rng.uniform(-0.3, 0.3, 2) * size
    core = scene.placement.to_crystal(point[None])[0]
    kinds = [
        ("overlapped", "paired"),
        ("intrinsic", "paired"),
        ("overlapped", "extrinsic"),
        ("intrinsic", "intrinsic"),
        ("overlapped", "intrinsic"),
    ]
    pair = kinds[rng.integers(len(kinds))]
    first = _plane(rng)
    faults = []
    for family, plane in zip(pair, (first, -first), strict=True):
        normal, _ = crystals.plane_axes(plane)
        faults.append(_fault(rng, family, crystals.nearest_layer(float(core @ normal)), plane))
    directions = (_plane(rng), _plane(rng))
    junction = Junction((faults[0], faults[1]), directions, _crossing(faults[0], faults[1]))
    return _replace(
        scene, junctions=(junction,), shares=_shares(rng), core_dimming=float(rng.uniform(0.2, 0.9))
    )


def _crossing(first: Fault, second: Fault) -> tuple[float, float]:
    """Return where the centre lines of two faults cross, nm."""
    normals = np.stack([crystals.plane_axes(fault.plane)[0] for fault in (first, second)])
    x, y = np.linalg.solve(normals, [first.centre_nm, second.centre_nm])
    return float(x), float(y)


def _sites(rng: Rng, candidates: Array, size: int, count: int, apart: float) -> list[int]:
    """Draw sites in the image that keep a distance from each other; return their indices."""
    inside = np.all((candidates > 4) & (candidates < size - 4), axis=1)
    chosen: list[int] = []
    for index in rng.permutation(np.flatnonzero(inside)):
        away = np.hypot(*(candidates[chosen] - candidates[index]).T) if chosen else np.array([])
        if (away > apart).all():
            chosen.append(int(index))
        if len(chosen) == count:
            break
    return chosen


def _point_count(rng: Rng) -> int:
    return int(rng.integers(1, 9))


def _vacancy(rng: Rng, scene: Scene, size: int) -> Scene:
    half = len(scene.columns.position) // 2
    middle = (scene.columns.position[:half] + scene.columns.position[half:]) / 2
    at = scene.placement.to_image(middle)
    apart = 1.2 / scene.placement.nm_per_px()
    share = scene.columns.share.copy()
    sites = _sites(rng, at, size, _point_count(rng), apart)
    for site in sites:
        share[[site, half + site]] = rng.uniform(0, 0.4)
    points = tuple(TruthPoint("Vacancy_CdTe", *map(float, at[site])) for site in sites)
    return _replace(scene, columns=_replace(scene.columns, share=share), points=points)


def _dots(
    rng: Rng,
    scene: Scene,
    sites: Array,
    size: int,
    class_name: str,
    widths_nm: tuple[float, float],
    heights: tuple[float, float],
) -> Scene:
    px = scene.placement.nm_per_px()
    at = scene.placement.to_image(sites)
    chosen = _sites(rng, at, size, _point_count(rng), 1.2 / px)
    dots = tuple(
        Dot(*map(float, at[i]), float(rng.uniform(*heights)), float(rng.uniform(*widths_nm)) / px)
        for i in chosen
    )
    points = tuple(TruthPoint(class_name, dot.y_px, dot.x_px) for dot in dots)
    return _replace(scene, dots=dots, points=points)


def _interstitial(rng: Rng, scene: Scene, size: int) -> Scene:
    half = len(scene.columns.position) // 2
    channel = scene.columns.position[:half] + [0, 0.625 * crystals.CDTE_NM]
    sites = channel + rng.normal(0, 0.03, channel.shape)
    return _dots(rng, scene, sites, size, "interstitial", (0.03, 0.055), (0.35, 1.0))


def _extra(rng: Rng, scene: Scene, size: int) -> Scene:
    oxygen = scene.columns.position[scene.columns.species == 2]
    return _dots(rng, scene, oxygen, size, "Extra", (0.03, 0.06), (0.6, 1.1))


def _iextra(rng: Rng, scene: Scene, size: int) -> Scene:
    titanium = scene.columns.position[scene.columns.species == 1]
    side = np.array([[1, 0], [0, 1]])[rng.integers(2)] * rng.choice([-1, 1])
    scene = _dots(rng, scene, titanium + side * 0.08, size, "IExtra", (0.04, 0.06), (0.4, 0.9))
    return scene


def _missing(rng: Rng, scene: Scene, size: int) -> Scene:
    strontium = np.flatnonzero(scene.columns.species == 0)
    at = scene.placement.to_image(scene.columns.position[strontium])
    share = scene.columns.share.copy()
    sites = _sites(rng, at, size, _point_count(rng), 1.2 / scene.placement.nm_per_px())
    share[strontium[sites]] = rng.uniform(0, 0.3, len(sites))
    points = tuple(TruthPoint("Mis", *map(float, at[site])) for site in sites)
    return _replace(scene, columns=_replace(scene.columns, share=share), points=points)


def _amorphous_filling(rng: Rng, size: int, spacing_px: float) -> Array:
    """Return atoms of an amorphous film: a grid of the right density, shaken until none is left."""
    ticks = np.arange(-20, size + 20, spacing_px)
    y, x = np.meshgrid(ticks, ticks, indexing="ij")
    points = np.stack([y.ravel(), x.ravel()], axis=1)
    points = points + rng.normal(0, 0.4 * spacing_px, points.shape)
    return np.column_stack([points, rng.uniform(0.3, 1.0, len(points))])


def _amorphous(rng: Rng, scene: Scene, size: int) -> Scene:
    spacing = rng.uniform(0.15, 0.4) / scene.placement.nm_per_px()
    return _replace(
        scene, brightness=0 * scene.brightness, filling=_amorphous_filling(rng, size, spacing)
    )


def _vacuum(rng: Rng, scene: Scene, size: int) -> Scene:
    return _replace(scene, brightness=0 * scene.brightness)


def _edge(rng: Rng, scene: Scene, size: int) -> Scene:
    """End the crystal along a random line, in vacuum or in an amorphous film."""
    angle = rng.uniform(0, 2 * np.pi)
    ticks = np.arange(size) - size / 2
    height = np.cos(angle) * ticks[:, None] + np.sin(angle) * ticks[None, :]
    height = height - rng.uniform(-0.35, 0.35) * size
    softness = rng.uniform(0.05, 1.0) / scene.placement.nm_per_px()
    envelope = 1 / (1 + np.exp(np.clip(height / softness, -50, 50)))
    film = None
    if rng.random() < 0.6:
        film = _amorphous_filling(rng, size, rng.uniform(0.15, 0.4) / scene.placement.nm_per_px())
        whole = np.clip(np.rint(film[:, :2]).astype(int), 0, size - 1)
        film[:, 2] *= (1 - envelope[whole[:, 0], whole[:, 1]]) * rng.uniform(0.2, 0.8)
    return _replace(scene, envelope=envelope, filling=film)


def _other_crystal(rng: Rng, scene: Scene, size: int) -> Scene:
    """Fill the image with a two-dimensional lattice that is not zincblende [110]."""
    px = scene.placement.nm_per_px()
    kind = rng.choice(["square", "hexagonal", "honeycomb", "perovskite", "oblique"])
    a = rng.uniform(0.25, 0.55) / px
    ratio, angle = {"square": (1.0, 90.0), "perovskite": (1.0, 90.0)}.get(str(kind), (1.0, 120.0))
    if kind == "oblique":
        ratio, angle = rng.uniform(0.7, 1.5), rng.uniform(65, 115)
    basis = {
        "honeycomb": [(1 / 3, 2 / 3, 1.0), (2 / 3, 1 / 3, rng.uniform(0.2, 0.6))],
        "perovskite": [(0, 0, 1.0), (0.5, 0.5, rng.uniform(0.2, 0.8))],
    }.get(str(kind), [(0, 0, 1.0)])
    turn = rng.uniform(0, 2 * np.pi)
    directions = np.array([turn, turn + np.radians(angle)])
    vectors = np.stack([np.sin(directions), np.cos(directions)], axis=1) * [[a], [a * ratio]]
    count = int(np.ceil(1.6 * size / a / min(ratio, 1)))
    i, j = np.meshgrid(np.arange(-count, count), np.arange(-count, count))
    cells = np.stack([i.ravel(), j.ravel()], axis=1)
    atoms = [
        np.column_stack([(cells + [u, v]) @ vectors + size / 2, np.full(len(cells), w)])
        for u, v, w in basis
    ]
    filling = np.concatenate(atoms)
    keep = np.all((filling[:, :2] > -40) & (filling[:, :2] < size + 40), axis=1)
    notes = {**scene.notes, "lattice": str(kind)}
    return _replace(scene, brightness=0 * scene.brightness, filling=filling[keep], notes=notes)


_DRAWERS = {
    "bulk": _bulk,
    "twin": _twin,
    "junction": _junction,
    "vacancy": _vacancy,
    "interstitial": _interstitial,
    "extra": _extra,
    "iextra": _iextra,
    "missing": _missing,
    "amorphous": _amorphous,
    "vacuum": _vacuum,
    "edge": _edge,
    "other_crystal": _other_crystal,
    **{family: _single(family) for family in FAULT_CLASSES},
}
