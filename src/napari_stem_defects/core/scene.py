"""A crystal with defects, put in front of the linear imaging model, with the truth beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.core import crystals
from napari_stem_defects.core.crystals import Columns, Fault, Junction
from napari_stem_defects.core.imaging_model import Imaging, expose, render, row_shifts
from napari_stem_defects.core.micrograph import Micrograph

Array = NDArray[np.float64]

POINT_RADIUS_NM = 0.2
"""Radius of the disk that stands for a point defect in the truth masks."""
CORE_RADIUS_NM = 0.6
"""Radius of the disk that stands for the core of a junction."""
_MARGIN_PX = 20


class TruthPoint(NamedTuple):
    """A point defect, or the core of a junction, in px of the image."""

    class_name: str
    y_px: float
    x_px: float


class TruthLine(NamedTuple):
    """The centre line of an extended defect, in px of the image (ends may lie outside it)."""

    class_name: str
    start: tuple[float, float]
    end: tuple[float, float]
    half_width_px: float


@dataclass(frozen=True)
class Simulation:
    """A simulated micrograph and the truth about it.

    Attributes
    ----------
    micrograph : Micrograph
        Electron counts, calibrated.
    masks : dict of str to ndarray of bool, shape (Y, X)
        For each class the bands of its extended defects and the disks of its points.
    points, lines : tuple
        Point defects and centre lines of extended ones.
    parameters : dict
        Everything that went into the simulation, plain data.
    row_shift : ndarray of float64, shape (Y,)
        How far the scan shifted each row along x, px; points hold it already, lines do not.
    """

    micrograph: Micrograph
    masks: dict[str, NDArray[np.bool_]]
    points: tuple[TruthPoint, ...]
    lines: tuple[TruthLine, ...]
    parameters: dict[str, Any]
    row_shift: Array

    def distance(self, class_name: str) -> NDArray[np.float32]:
        """Return the distance in px of every pixel to a class's nearest line or point.

        Shape (Y, X); infinite where the class does not occur.
        """
        lines = [line for line in self.lines if line.class_name == class_name]
        points = [point for point in self.points if point.class_name == class_name]
        return _distance(self.row_shift, self.micrograph.frame_shape, lines, points)


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
        origin: Sequence[float],
        strain: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> Placement:
        """Rotate the crystal counter-clockwise; strain is (xx, yy, xy) in its own frame."""
        c, s = np.cos(np.radians(rotation_deg)), np.sin(np.radians(rotation_deg))
        xx, yy, xy = strain
        deformed = np.array([[c, -s], [s, c]]) @ np.array([[1 + xx, xy], [xy, 1 + yy]])
        # Crystal x, y become image y (downwards) and x.
        return cls(np.array([-deformed[1], deformed[0]]) / pixel_size_nm, np.asarray(origin, float))

    def to_image(self, position: Array) -> Array:
        """Map crystal nm (N, 2) to image px (N, 2) as y, x."""
        return np.asarray(position @ self.matrix.T + self.origin)

    def to_crystal(self, points: Array) -> Array:
        """Map image px (N, 2) as y, x to crystal nm (N, 2)."""
        return np.asarray((points - self.origin) @ np.linalg.inv(self.matrix).T)

    def nm_per_px(self) -> float:
        """Return the mean edge of a pixel in the crystal's frame, nm."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.matrix))))


class Dot(NamedTuple):
    """A small bright column of its own size, added to the signal."""

    y_px: float
    x_px: float
    height: float
    sigma_px: float


@dataclass(frozen=True)
class Scene:
    """What stands in front of the microscope.

    ``shares`` are the shares of the slices the thickness is cut into; ``dots`` heights are
    relative to the brightest pixel of the crystal. ``envelope`` (Y, X) weakens the crystal where
    it ends, ``filling`` holds other material as extra points (y, x, brightness).
    """

    columns: Columns
    placement: Placement
    brightness: Array
    faults: tuple[Fault, ...] = ()
    junctions: tuple[Junction, ...] = ()
    shares: tuple[float, ...] = (1.0,)
    points: tuple[TruthPoint, ...] = ()
    dots: tuple[Dot, ...] = ()
    envelope: Array | None = None
    filling: Array | None = None
    core_dimming: float = 0.6
    notes: Mapping[str, Any] = field(default_factory=dict)


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
    points, brightness = _image_points(scene, shape, imaging, rng)
    signal = render(points, brightness, shape, imaging, pixel_size_nm, shift)
    _add_dots(signal, scene.dots, shift)
    pixels = expose(signal, imaging, rng)
    truth_points = tuple(_shifted(point, shift) for point in (*scene.points, *_cores(scene)))
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
    masks = _masks(shift, shape, lines, truth_points, pixel_size_nm)
    return Simulation(micrograph, masks, truth_points, lines, parameters, shift)


def _image_points(
    scene: Scene, shape: tuple[int, int], imaging: Imaging, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return where all columns of all slices fall in the image and how bright they are."""
    near = _near_image(scene.placement.to_image(scene.columns.position), shape, margin=60)
    base = scene.columns.position[near]
    bright = scene.brightness[scene.columns.species[near]] * scene.columns.share[near]
    bright = bright * _dimming(scene, base)
    still = rng.normal(0, 1, base.shape) * imaging.position_jitter_nm
    points, weights = [], []
    for depth, share in enumerate(scene.shares):
        moved = base + still
        for fault in scene.faults:
            moved += crystals.displacement(base, fault, depth)
        for junction in scene.junctions:
            moved += crystals.junction_displacement(base, junction, depth)
        points.append(scene.placement.to_image(moved))
        weights.append(bright * share)
    where, weight = np.concatenate(points), np.concatenate(weights)
    if scene.envelope is not None:
        weight = weight * _sample(scene.envelope, where)
    if scene.filling is not None:
        where = np.concatenate([where, scene.filling[:, :2]])
        weight = np.concatenate([weight, scene.filling[:, 2]])
    return where, weight


def _near_image(points: Array, shape: tuple[int, int], margin: float) -> NDArray[np.bool_]:
    return np.asarray(np.all((points > -margin) & (points < np.array(shape) + margin), axis=1))


def _sample(image: Array, points: Array) -> Array:
    whole = np.rint(points).astype(np.intp)
    y = np.clip(whole[:, 0], 0, image.shape[0] - 1)
    x = np.clip(whole[:, 1], 0, image.shape[1] - 1)
    return np.asarray(image[y, x])


def _dimming(scene: Scene, position: Array) -> Array:
    """Return the share of their brightness columns keep in the bands and cores of defects."""
    keep = np.ones(len(position))
    for fault in scene.faults:
        if fault.dimming:
            keep *= 1 - fault.dimming * crystals.band(position, fault)
    for junction in scene.junctions:
        wedge = crystals.near_wedge(position, junction)
        for fault in junction.faults:
            if fault.dimming:
                keep *= 1 - fault.dimming * crystals.band(position, fault) * wedge
        away = np.hypot(*(position - np.array(junction.core_nm)).T)
        keep *= 1 - scene.core_dimming * np.exp(-0.5 * (away / (0.5 * CORE_RADIUS_NM)) ** 2)
    return keep


def _add_dots(signal: Array, dots: Sequence[Dot], shift: Array) -> None:
    peak = float(signal.max()) if signal.size else 0.0
    for dot in dots:
        reach = int(np.ceil(4 * dot.sigma_px)) + 1
        y0, x0 = round(dot.y_px) - reach, round(dot.x_px) - reach
        ys = np.arange(max(y0, 0), min(y0 + 2 * reach + 1, signal.shape[0]))
        xs = np.arange(max(x0, 0), min(x0 + 2 * reach + 1, signal.shape[1]))
        if len(ys) == 0 or len(xs) == 0:
            continue
        dx = xs[None, :] - dot.x_px - shift[ys][:, None]
        square = ((ys[:, None] - dot.y_px) ** 2 + dx**2) / (2 * dot.sigma_px**2)
        signal[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1] += dot.height * peak * np.exp(-square)


def _shifted(point: TruthPoint, shift: Array) -> TruthPoint:
    row = int(np.clip(round(point.y_px), 0, len(shift) - 1))
    return point._replace(x_px=point.x_px + float(shift[row]))


def _cores(scene: Scene) -> list[TruthPoint]:
    cores = np.array([junction.core_nm for junction in scene.junctions]).reshape(-1, 2)
    return [TruthPoint("LC", float(y), float(x)) for y, x in scene.placement.to_image(cores)]


def _lines(scene: Scene, shape: tuple[int, int]) -> list[TruthLine]:
    """Return the centre lines that come near the image, cut off well outside it."""
    px = scene.placement.nm_per_px()
    reach = 3 * max(shape) * px
    middle = scene.placement.to_crystal(np.array([[shape[0] / 2, shape[1] / 2]]))[0]
    ends = [(fault, _whole_line(fault, middle, reach)) for fault in scene.faults]
    for junction in scene.junctions:
        for fault, direction in zip(junction.faults, junction.directions):
            ends.append((fault, _half_line(fault, junction, direction, reach)))
    lines = []
    for fault, crystal_ends in ends:
        (y0, x0), (y1, x1) = scene.placement.to_image(crystal_ends)
        half = fault.half_width_nm / px
        line = TruthLine(fault.class_name, (float(y0), float(x0)), (float(y1), float(x1)), half)
        if _distance(np.zeros(shape[0]), shape, [line], [], step=8).min() < half + 16:
            lines.append(line)
    return lines


def _whole_line(fault: Fault, middle: Array, reach: float) -> Array:
    normal, axis = crystals.plane_axes(fault.plane)
    foot = middle + (fault.centre_nm - middle @ normal) * normal
    return np.stack([foot - reach * axis, foot + reach * axis])


def _half_line(fault: Fault, junction: Junction, direction: int, reach: float) -> Array:
    normal, axis = crystals.plane_axes(fault.plane)
    core = np.array(junction.core_nm)
    foot = core + (fault.centre_nm - core @ normal) * normal
    return np.stack([foot, foot + direction * reach * axis])


def _distance(
    shift: Array,
    shape: tuple[int, int],
    lines: Sequence[TruthLine],
    points: Sequence[TruthPoint],
    step: int = 1,
) -> NDArray[np.float32]:
    y = np.arange(0, shape[0], step, dtype=np.float32)[:, None]
    x = np.arange(0, shape[1], step, dtype=np.float32)[None, :]
    straight = x - shift[::step, None].astype(np.float32)
    nearest = np.full((y.shape[0], x.shape[1]), np.inf, np.float32)
    for line in lines:
        (y0, x0), (y1, x1) = line.start, line.end
        dy, dx = y1 - y0, x1 - x0
        along = np.clip(((y - y0) * dy + (straight - x0) * dx) / (dy**2 + dx**2), 0, 1)
        away = np.hypot(y - y0 - along * dy, straight - x0 - along * dx)
        nearest = np.minimum(nearest, away.astype(np.float32))
    for point in points:
        away = np.hypot(y - point.y_px, x - point.x_px)
        nearest = np.minimum(nearest, away.astype(np.float32))
    return nearest


def _masks(
    shift: Array,
    shape: tuple[int, int],
    lines: Sequence[TruthLine],
    points: Sequence[TruthPoint],
    pixel_size_nm: float,
) -> dict[str, NDArray[np.bool_]]:
    masks: dict[str, NDArray[np.bool_]] = {}
    for line in lines:
        hit = _distance(shift, shape, [line], []) <= line.half_width_px
        masks[line.class_name] = masks.get(line.class_name, False) | hit
    for point in points:
        radius = CORE_RADIUS_NM if point.class_name == "LC" else POINT_RADIUS_NM
        hit = _distance(shift, shape, [], [point]) <= radius / pixel_size_nm
        masks[point.class_name] = masks.get(point.class_name, False) | hit
    return masks
