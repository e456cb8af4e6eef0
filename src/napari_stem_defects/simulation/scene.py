"""A crystal with its defects in front of the linear imaging model, and the truth about it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.simulation import crystals
from napari_stem_defects.simulation.ground_truth import (
    CORE_RADIUS_NM,
    TruthLine,
    TruthPoint,
    distance_to,
    truth_masks,
)
from napari_stem_defects.simulation.imaging_model import Imaging, expose, render, row_shifts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.simulation.crystals import Columns, Fault, Junction

Array = NDArray[np.float64]

_MARGIN_PX = 60
"""Columns this far outside the image are kept: faults and drift may move them in."""


@dataclass(frozen=True)
class Simulation:
    """A simulated micrograph and the truth about it.

    Attributes
    ----------
    micrograph : Micrograph
        Electron counts, calibrated.
    masks : dict of str to ndarray of bool, shape (Y, X)
        For each class the bands of its extended defects and the disks of its points.
    points : tuple of TruthPoint
        Point defects and cores of junctions, as they appear in the image.
    lines : tuple of TruthLine
        Centre lines of extended defects, as they lie in the specimen.
    parameters : dict
        Everything that went into the simulation, plain data.
    row_shift : ndarray of float64, shape (Y,)
        How far the scan shifted each row along x, px.
    crystal : ndarray of float32, shape (Y, X)
        How much of the crystal stands in each pixel: 1 all of it, 0 none.
    """

    micrograph: Micrograph
    masks: dict[str, NDArray[np.bool_]]
    points: tuple[TruthPoint, ...]
    lines: tuple[TruthLine, ...]
    parameters: dict[str, Any]
    row_shift: Array
    crystal: NDArray[np.float32]

    def distance(self, class_name: str) -> NDArray[np.float32]:
        """Return the distance in px of every pixel to a class's nearest line or point.

        Shape (Y, X); infinite where the class does not occur.
        """
        lines = [line for line in self.lines if line.class_name == class_name]
        points = [point for point in self.points if point.class_name == class_name]
        return distance_to(lines, points, self.micrograph.frame_shape, self.row_shift)


@dataclass(frozen=True)
class Placement:
    """How the crystal lies in the image: ``(y, x) px = origin + matrix @ (x, y) nm``."""

    matrix: Array
    origin: Array

    @classmethod
    def turned(
        cls,
        rotation_deg: float,
        pixel_size_nm: float,
        origin: Sequence[float] | Array,
        strain: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> Placement:
        """Turn the crystal counter-clockwise; strain is (xx, yy, xy) in its own frame."""
        c, s = np.cos(np.radians(rotation_deg)), np.sin(np.radians(rotation_deg))
        xx, yy, xy = strain
        deformed = np.array([[c, -s], [s, c]]) @ np.array([[1 + xx, xy], [xy, 1 + yy]])
        downwards = np.array([-deformed[1], deformed[0]])
        return cls(downwards / pixel_size_nm, np.asarray(origin, dtype=np.float64))

    def to_image(self, position: Array) -> Array:
        """Map crystal nm (N, 2) as x, y to image px (N, 2) as y, x."""
        return np.asarray(position @ self.matrix.T + self.origin)

    def to_crystal(self, points: Array) -> Array:
        """Map image px (N, 2) as y, x to crystal nm (N, 2) as x, y."""
        return np.asarray((points - self.origin) @ np.linalg.inv(self.matrix).T)

    def nm_per_px(self) -> float:
        """Return the mean edge of a pixel in the crystal's frame, nm."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.matrix))))


class Dot(NamedTuple):
    """A bright column of its own size, added to the signal.

    ``height`` is relative to the crystal's peaks above its valleys; ``flatness`` 1 makes a
    Gaussian, 2 a dot with a flat top and a sharper edge.
    """

    y_px: float
    x_px: float
    height: float
    sigma_px: float
    flatness: int = 1


@dataclass(frozen=True)
class Scene:
    """What stands in front of the microscope.

    Attributes
    ----------
    columns, placement
        The perfect crystal (less its vacancies) and how it lies in the image.
    species : tuple of tuple of int
        Atomic numbers in a column of each species.
    faults, junctions
        Extended defects.
    shares : tuple of float
        Shares of the slices the thickness is cut into (see `Fault.cuts`).
    core_dimming, core_disorder_nm : float
        Share of the intensity lost in the core of a junction, and how far columns stray there.
    points, dots
        Point defects of the truth, and bright dots to draw.
    envelope : ndarray, shape (Y, X), or None
        Weakens the crystal where it ends.
    filling : ndarray, shape (N, 3), or None
        Other matter as points: y, x in px, brightness relative to the brightest species.
    notes : mapping
        What to record about the scene.
    """

    columns: Columns
    placement: Placement
    species: tuple[tuple[int, ...], ...]
    faults: tuple[Fault, ...] = ()
    junctions: tuple[Junction, ...] = ()
    shares: tuple[float, ...] = (1.0,)
    core_dimming: float = 0.7
    core_disorder_nm: float = 0.05
    points: tuple[TruthPoint, ...] = ()
    dots: tuple[Dot, ...] = ()
    envelope: Array | None = None
    filling: Array | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def displacement(self, position: Array, depth: int) -> Array:
        """Return how far the extended defects move columns in one slice, nm, shape (N, 2)."""
        moved = np.zeros_like(position)
        for fault in self.faults:
            moved += crystals.displacement(position, fault, depth)
        for junction in self.junctions:
            moved += crystals.junction_displacement(position, junction, depth)
        return moved


def photograph(
    scene: Scene,
    shape: tuple[int, int],
    imaging: Imaging,
    pixel_size_nm: float,
    rng: np.random.Generator,
    name: str,
) -> Simulation:
    """Take the image of a scene and work out its truth."""
    shift = row_shifts(rng, shape[0], imaging)
    where, brightness = image_points(scene, shape, imaging, rng)
    signal = render(where, brightness, shape, imaging, pixel_size_nm, shift)
    _add_dots(signal, scene.dots, shift)
    pixels = expose(signal, imaging, rng)
    points = tuple(_shifted(point, shift) for point in (*scene.points, *_cores(scene)))
    lines = tuple(_lines(scene, shape))
    micrograph = Micrograph(
        pixels=pixels,
        name=name,
        pixel_size_nm=pixel_size_nm,
        pixel_size_source="simulation",
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        metadata={"model": "linear imaging model"},
    )
    parameters = {**scene.notes, "pixel_size_nm": pixel_size_nm, "imaging": asdict(imaging)}
    masks = truth_masks(lines, points, shape, shift, pixel_size_nm)
    return Simulation(micrograph, masks, points, lines, parameters, shift, _coverage(scene, shape))


def _coverage(scene: Scene, shape: tuple[int, int]) -> NDArray[np.float32]:
    if len(scene.columns.position) == 0:
        return np.zeros(shape, np.float32)
    whole = np.ones(shape, np.float32)
    return whole if scene.envelope is None else scene.envelope.astype(np.float32)


def image_points(
    scene: Scene, shape: tuple[int, int], imaging: Imaging, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return where the columns of all slices fall in the image, y, x in px, and how bright."""
    drawn = scene.placement.to_image(scene.columns.position)
    near = np.all((drawn > -_MARGIN_PX) & (drawn < np.array(shape) + _MARGIN_PX), axis=1)
    base, species = scene.columns.position[near], scene.columns.species[near]
    contrast = np.array([sum(z**imaging.exponent for z in atoms) for atoms in scene.species])
    bright = (contrast / contrast.max())[species] * scene.columns.share[near]
    bright = bright * _kept(scene, base)
    still = base + rng.normal(0, 1, base.shape) * imaging.position_jitter_nm
    where, weight = [], []
    for depth, share in enumerate(scene.shares):
        moved = still + scene.displacement(base, depth) + _disorder(scene, base, rng)
        where.append(scene.placement.to_image(moved))
        weight.append(bright * share)
    points, brightness = np.concatenate(where), np.concatenate(weight)
    if scene.envelope is not None:
        brightness = brightness * _sample(scene.envelope, points)
    if scene.filling is not None:
        points = np.concatenate([points, scene.filling[:, :2]])
        brightness = np.concatenate([brightness, scene.filling[:, 2]])
    return points, brightness


def _sample(image: Array, points: Array) -> Array:
    whole = np.clip(np.rint(points), 0, np.array(image.shape) - 1).astype(np.intp)
    return np.asarray(image[whole[:, 0], whole[:, 1]])


def _kept(scene: Scene, position: Array) -> Array:
    """Return the share of their brightness columns keep in the bands and cores of defects."""
    keep = np.ones(len(position))
    for fault in scene.faults:
        keep *= 1 - fault.dimming * crystals.band(position, fault)
    for junction in scene.junctions:
        beside = crystals.beside_wedge(position, junction)
        for fault in junction.faults:
            keep *= 1 - fault.dimming * crystals.band(position, fault) * beside
        keep *= 1 - scene.core_dimming * _core(position, junction)
    return keep


def _disorder(scene: Scene, position: Array, rng: np.random.Generator) -> Array | float:
    if not scene.junctions:
        return 0.0
    near = sum(_core(position, junction) for junction in scene.junctions)
    return scene.core_disorder_nm * np.asarray(near)[:, None] * rng.normal(0, 1, position.shape)


def _core(position: Array, junction: Junction) -> Array:
    """Return 1 in the middle of a junction's core, falling to 0 round it."""
    away = np.hypot(*(position - np.array(junction.core_nm)).T)
    return np.asarray(np.exp(-0.5 * (away / (0.6 * CORE_RADIUS_NM)) ** 2))


def _add_dots(signal: Array, dots: Sequence[Dot], shift: Array) -> None:
    if not dots:
        return
    valley, peak = np.percentile(signal[::3, ::3], [5, 99])
    for dot in dots:
        reach = int(np.ceil(4 * dot.sigma_px)) + 1
        y0, x0 = max(round(dot.y_px) - reach, 0), max(round(dot.x_px) - reach, 0)
        part = signal[y0 : y0 + 2 * reach + 1, x0 : x0 + 2 * reach + 1]
        ys, xs = y0 + np.arange(part.shape[0]), x0 + np.arange(part.shape[1])
        dx = xs[None, :] - dot.x_px - shift[ys][:, None]
        square = ((ys[:, None] - dot.y_px) ** 2 + dx**2) / (2 * dot.sigma_px**2)
        part += dot.height * (peak - valley) * np.exp(-(square**dot.flatness))


def _shifted(point: TruthPoint, shift: Array) -> TruthPoint:
    row = int(np.clip(round(point.y_px), 0, len(shift) - 1))
    return point._replace(x_px=point.x_px + float(shift[row]))


def _cores(scene: Scene) -> list[TruthPoint]:
    cores = np.array([junction.core_nm for junction in scene.junctions]).reshape(-1, 2)
    return [TruthPoint("LC", float(y), float(x)) for y, x in scene.placement.to_image(cores)]


def _lines(scene: Scene, shape: tuple[int, int]) -> list[TruthLine]:
    """Return the centre lines that come near the image; they reach well outside it."""
    px = scene.placement.nm_per_px()
    middle = scene.placement.to_crystal(np.array([[shape[0] / 2, shape[1] / 2]]))[0]
    reach = 2 * max(shape) * px
    ends = [(f, crystals.line_through(f, middle, (-reach, reach))) for f in scene.faults]
    for junction in scene.junctions:
        core = np.array(junction.core_nm)
        for fault, direction in zip(junction.faults, junction.directions, strict=True):
            ends.append((fault, crystals.line_through(fault, core, (0, direction * reach))))
    lines = []
    for fault, both in ends:
        start, end = (tuple(map(float, p)) for p in scene.placement.to_image(both))
        half = fault.half_width_nm / px
        line = TruthLine(fault.class_name, (start[0], start[1]), (end[0], end[1]), half)
        if distance_to([line], [], shape, np.zeros(shape[0]), step=8).min() < half + 8:
            lines.append(line)
    return lines
