"""Scenes: a crystal with defects, its simulated image and the ground truth."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.simulation import extended_defects
from napari_stem_defects.simulation.ground_truth import (
    CORE_RADIUS_NM,
    GroundTruthLine,
    GroundTruthPoint,
    distance_to,
    ground_truth_masks,
)
from napari_stem_defects.simulation.imaging_model import Imaging, expose, render, row_shifts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_stem_defects.simulation.crystal_pose import CrystalPose
    from napari_stem_defects.simulation.crystals import Columns
    from napari_stem_defects.simulation.extended_defects import Fault, Junction

Array = NDArray[np.float64]

_MARGIN_PX = 60
"""Columns up to this distance outside the image are kept: faults and drift may move them in."""


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated micrograph with its ground truth.

    Attributes
    ----------
    micrograph : Micrograph
        Electron counts, with the pixel size.
    masks : dict of str to ndarray of bool, shape (Y, X)
        Ground-truth masks: per class, bands of extended defects and disks of point defects.
    points : tuple of GroundTruthPoint
        Point defects and cores of junctions, as they appear in the image.
    lines : tuple of GroundTruthLine
        Centre lines of extended defects, as they lie in the specimen.
    parameters : dict
        All parameters of the simulation, JSON-safe.
    row_shift : ndarray of float64, shape (Y,)
        Shift of each scan row along x in px.
    crystal : ndarray of float32, shape (Y, X)
        Fraction of the crystal in each pixel: 1 inside the crystal, 0 outside.

    Examples
    --------
    >>> made = sd.simulate("sto-001", defects=["missing"], size=256)
    >>> made.points[0].class_name
    'Mis'
    >>> made.masks["Mis"].shape
    (256, 256)
    """

    micrograph: Micrograph
    masks: dict[str, NDArray[np.bool_]]
    points: tuple[GroundTruthPoint, ...]
    lines: tuple[GroundTruthLine, ...]
    parameters: dict[str, Any]
    row_shift: Array
    crystal: NDArray[np.float32]

    def __repr__(self) -> str:
        points, lines = len(self.points), len(self.lines)
        return (
            f"Simulation({self.micrograph!r}, {points} point{'s' * (points != 1)},"
            f" {lines} line{'s' * (lines != 1)}: {', '.join(self.masks) or 'perfect crystal'})"
        )

    def distance(self, class_name: str) -> NDArray[np.float32]:
        """Return the distance of every pixel to the nearest defect of a class.

        Parameters
        ----------
        class_name : str
            Name of the class.

        Returns
        -------
        ndarray of float32, shape (Y, X)
            Distance in px; infinite if the class does not occur.
        """
        lines = [line for line in self.lines if line.class_name == class_name]
        points = [point for point in self.points if point.class_name == class_name]
        return distance_to(lines, points, self.micrograph.frame_shape, self.row_shift)


class Dot(NamedTuple):
    """An additional bright column of individual size.

    Attributes
    ----------
    y_px, x_px : float
        Position in px.
    height : float
        Height relative to the peaks of the crystal above its valleys.
    sigma_px : float
        Size in px.
    flatness : int
        1 for a Gaussian, 2 for a dot with a flat top and a sharper edge.
    """

    y_px: float
    x_px: float
    height: float
    sigma_px: float
    flatness: int = 1


@dataclass(frozen=True)
class Scene:
    """The specimen: a crystal, its defects and other material.

    Attributes
    ----------
    columns : Columns
        The crystal without displacements; vacancies have a reduced occupancy.
    pose : CrystalPose
        Position and orientation of the crystal in the image.
    species : tuple of tuple of int
        Atomic numbers in a column of each species.
    faults : tuple of Fault
    junctions : tuple of Junction
        Extended defects.
    slice_fractions : tuple of float
        Fractions of the thickness in each slice (see `Fault.cuts`).
    core_dimming, core_disorder_nm : float
        Fraction of the intensity that is lost in the core of a junction, and standard deviation
        of the displacements of its columns.
    points : tuple of GroundTruthPoint
        Point defects.
    dots : tuple of Dot
        Additional bright columns.
    envelope : ndarray, shape (Y, X), or None
        Brightness of the crystal, which falls to 0 where the crystal ends.
    filling : ndarray, shape (N, 3), or None
        Points of an amorphous film or another lattice: y, x in px, and brightness relative to the
        brightest species.
    notes : mapping
        Parameters of the scene to record.
    """

    columns: Columns
    pose: CrystalPose
    species: tuple[tuple[int, ...], ...]
    faults: tuple[Fault, ...] = ()
    junctions: tuple[Junction, ...] = ()
    slice_fractions: tuple[float, ...] = (1.0,)
    core_dimming: float = 0.7
    core_disorder_nm: float = 0.05
    points: tuple[GroundTruthPoint, ...] = ()
    dots: tuple[Dot, ...] = ()
    envelope: Array | None = None
    filling: Array | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)

    def displacement(self, position: Array, depth: int) -> Array:
        """Return the displacement of columns by all extended defects in one slice.

        Parameters
        ----------
        position : ndarray of float64, shape (N, 2)
            x, y of the columns of the perfect crystal in nm.
        depth : int
            Number of the slice.

        Returns
        -------
        ndarray of float64, shape (N, 2)
            Displacement in nm.
        """
        moved = np.zeros_like(position)
        for fault in self.faults:
            moved += extended_defects.displacement(position, fault, depth)
        for junction in self.junctions:
            moved += extended_defects.junction_displacement(position, junction, depth)
        return moved


def acquire_image(
    scene: Scene,
    shape: tuple[int, int],
    imaging: Imaging,
    pixel_size_nm: float,
    rng: np.random.Generator,
    name: str,
) -> Simulation:
    """Simulate the image of a scene and compute its ground truth.

    Parameters
    ----------
    scene : Scene
    shape : (int, int)
        Height and width of the image in px.
    imaging : Imaging
        Parameters of the microscope.
    pixel_size_nm : float
        Edge of one square pixel in nm.
    rng : numpy.random.Generator
        Source of noise, jitter and disorder.
    name : str
        Name of the micrograph.

    Returns
    -------
    Simulation
    """
    shift = row_shifts(rng, shape[0], imaging)
    positions, brightness = image_points(scene, shape, imaging, rng)
    signal = render(positions, brightness, shape, imaging, pixel_size_nm, shift)
    _add_dots(signal, scene.dots, shift)
    pixels = expose(signal, imaging, rng)
    points = tuple(_shift_point(point, shift) for point in (*scene.points, *_core_points(scene)))
    lines = tuple(_centre_lines(scene, shape))
    micrograph = Micrograph(
        pixels=pixels,
        name=name,
        pixel_size_nm=pixel_size_nm,
        pixel_size_source="simulation",
        sha256=hashlib.sha256(pixels.tobytes()).hexdigest(),
        metadata={"model": "linear imaging model"},
    )
    parameters = {**scene.notes, "pixel_size_nm": pixel_size_nm, "imaging": asdict(imaging)}
    masks = ground_truth_masks(lines, points, shape, shift, pixel_size_nm)
    return Simulation(
        micrograph, masks, points, lines, parameters, shift, _crystal_fraction(scene, shape)
    )


def _crystal_fraction(scene: Scene, shape: tuple[int, int]) -> NDArray[np.float32]:
    if len(scene.columns.position) == 0:
        return np.zeros(shape, np.float32)
    whole = np.ones(shape, np.float32)
    return whole if scene.envelope is None else scene.envelope.astype(np.float32)


def image_points(
    scene: Scene, shape: tuple[int, int], imaging: Imaging, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return positions and brightness of the columns of all slices in the image.

    Parameters
    ----------
    scene : Scene
    shape : (int, int)
        Height and width of the image in px.
    imaging : Imaging
        Exponent of the contrast and disorder of the columns.
    rng : numpy.random.Generator

    Returns
    -------
    points : ndarray of float64, shape (N, 2)
        y, x in px.
    brightness : ndarray of float64, shape (N,)
    """
    drawn = scene.pose.to_image(scene.columns.position)
    near = np.all((drawn > -_MARGIN_PX) & (drawn < np.array(shape) + _MARGIN_PX), axis=1)
    base, species = scene.columns.position[near], scene.columns.species[near]
    contrast = np.array([sum(z**imaging.exponent for z in atoms) for atoms in scene.species])
    bright = (contrast / contrast.max())[species] * scene.columns.occupancy[near]
    bright = bright * _remaining_brightness(scene, base)
    still = base + rng.normal(0, 1, base.shape) * imaging.position_jitter_nm
    positions, weight = [], []
    for depth, fraction in enumerate(scene.slice_fractions):
        moved = still + scene.displacement(base, depth) + _disorder(scene, base, rng)
        positions.append(scene.pose.to_image(moved))
        weight.append(bright * fraction)
    points, brightness = np.concatenate(positions), np.concatenate(weight)
    if scene.envelope is not None:
        brightness = brightness * _sample_nearest(scene.envelope, points)
    if scene.filling is not None:
        points = np.concatenate([points, scene.filling[:, :2]])
        brightness = np.concatenate([brightness, scene.filling[:, 2]])
    return points, brightness


def _sample_nearest(image: Array, points: Array) -> Array:
    whole = np.clip(np.rint(points), 0, np.array(image.shape) - 1).astype(np.intp)
    return np.asarray(image[whole[:, 0], whole[:, 1]])


def _remaining_brightness(scene: Scene, position: Array) -> Array:
    """Return the fraction of brightness that columns keep in the bands and cores of defects."""
    keep = np.ones(len(position))
    for fault in scene.faults:
        keep *= 1 - fault.dimming * extended_defects.band(position, fault)
    for junction in scene.junctions:
        beside = extended_defects.beside_wedge(position, junction)
        for fault in junction.faults:
            keep *= 1 - fault.dimming * extended_defects.band(position, fault) * beside
        keep *= 1 - scene.core_dimming * _core_weight(position, junction)
    return keep


def _disorder(scene: Scene, position: Array, rng: np.random.Generator) -> Array | float:
    if not scene.junctions:
        return 0.0
    near = sum(_core_weight(position, junction) for junction in scene.junctions)
    return scene.core_disorder_nm * np.asarray(near)[:, None] * rng.normal(0, 1, position.shape)


def _core_weight(position: Array, junction: Junction) -> Array:
    """Return a weight: 1 in the middle of the core of a junction, falling to 0 around it."""
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


def _shift_point(point: GroundTruthPoint, shift: Array) -> GroundTruthPoint:
    row = int(np.clip(round(point.y_px), 0, len(shift) - 1))
    return point._replace(x_px=point.x_px + float(shift[row]))


def _core_points(scene: Scene) -> list[GroundTruthPoint]:
    cores = np.array([junction.core_nm for junction in scene.junctions]).reshape(-1, 2)
    return [GroundTruthPoint("LC", float(y), float(x)) for y, x in scene.pose.to_image(cores)]


def _centre_lines(scene: Scene, shape: tuple[int, int]) -> list[GroundTruthLine]:
    """Return the centre lines near the image; they extend far beyond it."""
    px = scene.pose.nm_per_px()
    middle = scene.pose.to_crystal(np.array([[shape[0] / 2, shape[1] / 2]]))[0]
    reach = 2 * max(shape) * px
    ends = [(f, extended_defects.line_through(f, middle, (-reach, reach))) for f in scene.faults]
    for junction in scene.junctions:
        core = np.array(junction.core_nm)
        for fault, direction in zip(junction.faults, junction.directions, strict=True):
            ends.append((fault, extended_defects.line_through(fault, core, (0, direction * reach))))
    lines = []
    for fault, both in ends:
        start, end = (tuple(map(float, p)) for p in scene.pose.to_image(both))
        half = fault.half_width_nm / px
        line = GroundTruthLine(fault.class_name, (start[0], start[1]), (end[0], end[1]), half)
        if distance_to([line], [], shape, np.zeros(shape[0]), step=8).min() < half + 8:
            lines.append(line)
    return lines
