"""Windows of the lattice residual of simulated crystals of any lattice, with their classes.

A scene is a random crystal with one to three forms of defects. Its residual is computed as in
detection, so that neither lattice nor motif are left: what the networks learn holds for crystals
that no scene shows.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import ndimage

from napari_stem_defects.anomaly.contrast import bright_residual
from napari_stem_defects.anomaly.residual import lattice_residual
from napari_stem_defects.anomaly.sampling import Scale, sample
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.scale import SAMPLES_PER_UNIT
from napari_stem_defects.simulation.any_lattice_boundaries import mirror_direction
from napari_stem_defects.simulation.any_lattice_random import random_lattice_scene
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice
from napari_stem_defects.simulation.any_lattice_specimen import FORMS
from napari_stem_defects.training.sampling import Samples

if TYPE_CHECKING:
    from napari_stem_defects.anomaly.sampling import Sampled
    from napari_stem_defects.simulation.any_lattice import PlanarCrystal
    from napari_stem_defects.simulation.any_lattice_scene import LatticeScene, LatticeSimulation
    from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect

BULK, MISSING, ADDED, FAULT, BOUNDARY, CORE, OTHER = range(7)
CLASSES = ("Bulk", "Missing", "Added", "Fault", "Boundary", "Core", "Other")
WINDOW_PX = 32
# Lattice periods per edge of a scene, and limits of its edge and of the period in px.
PERIODS, EDGE_PX, PERIOD_PX = 36, (224, 480), (6.0, 22.0)
PERFECT_SHARE = 0.06
# Relative frequencies of the forms in `FORMS`, and of one, two and three forms in a scene.
FREQUENCIES = (2, 2, 2, 2, 2, 1.5, 1.5, 2, 1.2)
NUMBERS = (0.45, 0.4, 0.15)
# Windows of a scene on each class, on Bulk, and anywhere.
ON_CLASS, ON_BULK, ANYWHERE = 20, 20, 10
# Windows of a scene for the calibration, as frequent as in an image.
EVENLY = 300
# A class is present up to the first distance and absent from the second, in lattice periods.
REACH = {MISSING: (0.35, 0.9), ADDED: (0.35, 0.9), CORE: (0.6, 1.5)}
LINE_REACH = (0.5, 1.2)
BULK_FROM = 1.8
# Two lattices are the same if no vector of one is further from the other than this, in periods.
SAME_LATTICE = 0.06

Family = tuple[str, int]
Array = NDArray[np.float64]


class Scene(NamedTuple):
    """A simulated image, and its residual with the classes at every sample.

    ``targets`` are (7, rows, columns): 1 present, 0 absent, -1 unknown.
    """

    simulation: LatticeSimulation
    sampled: Sampled
    residual: NDArray[np.float32]
    targets: NDArray[np.int8]


def family_of(crystal: PlanarCrystal) -> Family:
    """Return the Bravais lattice of a simulated crystal and its number of columns per cell."""
    a, b = crystal.base
    equal = abs(np.hypot(*a) / np.hypot(*b) - 1) < 1e-6
    angle = np.degrees(np.arccos(np.dot(a, b) / np.hypot(*a) / np.hypot(*b)))
    right = abs(angle - 90) < 1e-3
    if equal:
        name = "square" if right else "hexagonal" if abs(angle - 120) < 1e-3 else "centred"
    else:
        name = "rectangular" if right else "oblique"
    return name, len(crystal.motif)


def draw_scene(seed: int, families: frozenset[Family]) -> LatticeScene:
    """Draw a random scene of some families."""
    rng = np.random.default_rng([seed, 77])
    while True:
        period = float(np.exp(rng.uniform(*np.log(PERIOD_PX))))
        edge = int(np.clip(PERIODS * period, *EDGE_PX))
        number = int(rng.choice([1, 2, 3], p=NUMBERS))
        weight = np.array(FREQUENCIES) / sum(FREQUENCIES)
        forms = tuple(FORMS[n] for n in rng.choice(len(FORMS), number, replace=False, p=weight))
        forms = () if rng.random() < PERFECT_SHARE else forms
        scene = random_lattice_scene(rng, (edge, edge), period_px=period, forms=forms)
        if family_of(scene.crystal) in families:
            return scene


def make_scene(seed: int, families: frozenset[Family]) -> Scene | None:
    """Simulate a scene and compute its residual; nothing where no lattice is found in it."""
    scene = draw_scene(seed, families)
    simulation = simulate_lattice(scene, seed)
    measured = measure_lattices(simulation.pixels)
    if measured.cell is None:
        return None
    sampled = sample(simulation.pixels, measured.cells, Scale(SAMPLES_PER_UNIT))
    residual = bright_residual(lattice_residual(sampled), _tail(sampled))
    classes = {defect.class_name: class_of(defect, scene.crystal) for defect in scene.defects}
    return Scene(simulation, sampled, residual, targets_of(simulation, sampled, classes))


def _tail(sampled: Sampled) -> int:
    """Return the sign of the skewness: the contrast with which the bundled weights were trained.

    It is wrong for one in 25 scenes, where columns stand densely; `column_sign` came later.
    """
    middle = np.asarray(sampled.filtered[0 : sampled.filtered.shape[0], slice(None)])
    return 1 if np.mean((middle - np.mean(middle, dtype=np.float64)) ** 3) > 0 else -1


def class_of(defect: LatticeDefect, crystal: PlanarCrystal) -> int:
    """Return the generic class of a defect.

    A boundary has another lattice on its other side; at a fault the lattice is the same. A twin
    whose mirror maps the lattice onto itself is therefore a fault of the motif. The mirror is that
    of the simulation, which takes another one where the crystal itself is not changed.

    The bundled model was trained when the mirror that was drawn decided: twins of square and
    hexagonal crystals with one column per cell were faults to it.
    """
    if defect.form == "exchanged":
        return ADDED if defect.amount > 1 else MISSING
    if defect.form == "twin":
        direction = mirror_direction(crystal, defect.direction)
        return FAULT if _mirrored_is_same(crystal, direction) else BOUNDARY
    return {
        "missing": MISSING,
        "added": ADDED,
        "core": CORE,
        "fault": FAULT,
        "antiphase": FAULT,
        "grain": BOUNDARY,
        "precipitate": OTHER,
    }[defect.form]


def _mirrored_is_same(crystal: PlanarCrystal, direction: tuple[int, int]) -> bool:
    """Return whether the mirror line along a lattice direction is one of the lattice."""
    base = crystal.base
    along = np.array(direction, float) @ base
    along /= np.hypot(*along)
    mirror = 2 * np.outer(along, along) - np.eye(2)
    steps = (base @ mirror) @ np.linalg.inv(base)
    away = (steps - np.rint(steps)) @ base
    return bool(np.hypot(*away.T).max() < SAME_LATTICE * crystal.period_px)


def targets_of(
    simulation: LatticeSimulation, sampled: Sampled, classes: dict[str, int]
) -> NDArray[np.int8]:
    """Return the targets (7, rows, columns) at every sample: 1 present, 0 absent, -1 unknown."""
    shape = sampled.filtered.shape[0], sampled.filtered.shape[1]
    targets = np.zeros((len(CLASSES), *shape), np.int8)
    distances: dict[int, NDArray[np.float32]] = {}
    for name, number in classes.items():
        distance = _distance(simulation, name, sampled, shape)
        if np.isfinite(distance).any():
            distances[number] = np.minimum(distances.get(number, np.inf), distance)
    for number, distance in distances.items():
        inner, outer = REACH.get(number, LINE_REACH)
        targets[number][distance <= outer] = -1
        targets[number][distance <= (0 if number == OTHER else inner)] = 1
    _mark_unknown(targets, distances)
    nearest = np.min([*distances.values(), np.full(shape, np.inf)], axis=0)
    present = (targets[1:] == 1).any(axis=0)
    targets[BULK] = np.where(nearest > BULK_FROM, 1, np.where(present, 0, -1))
    return targets


def _distance(
    simulation: LatticeSimulation, name: str, sampled: Sampled, shape: tuple[int, int]
) -> NDArray[np.float32]:
    """Return the distance in lattice periods of every sample to a class of the ground truth."""
    hit = np.zeros(shape, bool)
    for places in (simulation.points.get(name, np.zeros((0, 2))), *simulation.lines.get(name, ())):
        at = np.rint(sampled.to_samples(np.asarray(places))).astype(int)
        at = at[np.all((at >= 0) & (at < shape), axis=1)]
        hit[at[:, 0], at[:, 1]] = True
    if name in simulation.areas:
        area = simulation.areas[name]
        rows, columns = (
            np.clip(np.rint((np.arange(n) + 0.5) / f - 0.5).astype(int), 0, length - 1)
            for n, f, length in zip(shape, sampled.factor, area.shape, strict=True)
        )
        hit |= area[np.ix_(rows, columns)]
    if not hit.any():
        return np.full(shape, np.inf, np.float32)
    distance = ndimage.distance_transform_edt(~hit) / SAMPLES_PER_UNIT
    return np.asarray(distance, dtype=np.float32)


def _mark_unknown(targets: NDArray[np.int8], distances: dict[int, NDArray[np.float32]]) -> None:
    """Mark, in place, where a class is neither present nor surely absent.

    Boundaries, ends of faults and edges of areas consist of what looks like cores, and point
    defects on extended ones are not what they are elsewhere.
    """
    for extended in (FAULT, BOUNDARY, OTHER):
        if extended in distances:
            near = distances[extended] < 1.5
            for number in (MISSING, ADDED, CORE):
                targets[number][near & (targets[number] == 0)] = -1
    if OTHER in distances:
        edge = (distances[OTHER] < 1) & (targets[BOUNDARY] == 0)
        targets[BOUNDARY][edge] = -1


def windows_of(
    seed: int, families: frozenset[Family], *, evenly: bool = False
) -> tuple[NDArray[np.float16], Array] | None:
    """Return windows (n, 32, 32) of one scene, randomly turned and mirrored, and their targets.

    With ``evenly`` they lie anywhere, so that each class is as frequent as in an image.
    """
    scene = make_scene(seed, families)
    if scene is None:
        return None
    rng = np.random.default_rng([seed, 78])
    flat = scene.targets.reshape(len(CLASSES), -1)
    chosen = [rng.integers(0, flat.shape[1], EVENLY if evenly else ANYWHERE)]
    for number in () if evenly else range(len(CLASSES)):
        present = np.flatnonzero(flat[number] == 1)
        wanted = ON_BULK if number == BULK else ON_CLASS
        chosen.append(rng.permutation(present)[:wanted])
    at = np.concatenate(chosen)
    y, x = np.unravel_index(at, scene.residual.shape)
    padded = np.pad(scene.residual, WINDOW_PX // 2)
    cut = sliding_window_view(padded, (WINDOW_PX + 1, WINDOW_PX + 1))[y, x]
    turned = [_turned(window, int(rng.integers(8))) for window in cut]
    targets = flat[:, at].T.astype(np.float32)
    targets[targets < 0] = np.nan
    return np.array(turned, np.float16), targets


def _turned(window: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """Return one of the eight views of a window (33, 33) about its centre, cut to (32, 32).

    The centre of an even window is the pixel at half its edge, which a turn would not keep.
    """
    view = np.rot90(window[:, ::-1] if number >= 4 else window, number % 4)
    return view[:WINDOW_PX, :WINDOW_PX]


def scene_samples(
    seeds: range, families: frozenset[Family], workers: int = 2, *, evenly: bool = False
) -> Samples:
    """Return windows of many scenes, computed by several processes."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        drawn = partial(windows_of, families=families, evenly=evenly)
        made = pool.map(drawn, seeds, chunksize=8)
        parts = [part for part in made if part is not None]
    windows = np.concatenate([part[0] for part in parts]).astype(np.float32)
    targets = np.concatenate([part[1] for part in parts]).astype(np.float32)
    return Samples({"residual": windows[:, None]}, targets)
