"""Simulated images of crystals with any lattice, with exact ground truth.

The linear imaging model of `imaging_model`, with lengths in periods of the lattice: nothing is
known about the material but its image. Bright columns stand for annular dark field, dark columns
for annular bright field.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.draw import polygon2mask

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.simulation.any_lattice import PlanarCrystal, fill_disk
from napari_stem_defects.simulation.any_lattice_defects import add_defect
from napari_stem_defects.simulation.any_lattice_specimen import (
    DOMAIN_FORMS,
    LatticeDefect,
    Specimen,
)
from napari_stem_defects.simulation.imaging_model import Imaging, expose, render, row_shifts

Array = NDArray[np.float64]

_MARGIN_PERIODS = 4.0
_ORDER = ("twin", "grain", "precipitate", "antiphase", "fault", "core")
_SIZES = (48, 8192)


@dataclass(frozen=True)
class LatticeImaging:
    """How a crystal of any lattice is imaged; lengths in periods or px.

    Attributes
    ----------
    contrast : {"bright", "dark"}
        Whether columns are brighter (dark field) or darker (bright field) than their surroundings.
    probe_fwhm : float
        Full width at half maximum of the probe in periods.
    tail_share : float
        Fraction of the probe in its Lorentzian tail.
    dose : float
        Electrons detected per pixel, on average.
    background : float
        Uniform background as a fraction of the mean signal.
    background_slope, thickness_slope : (float, float)
        Relative change over the image along y and x.
    haze : float
        Strength of uneven contamination as a fraction of the mean signal.
    column_jitter : float
        Standard deviation of static displacements of the columns in periods.
    brightness_jitter : float
        Relative standard deviation of the brightness of columns (thickness, occupancy).
    row_jitter_px, drift_px : float
        Standard deviation of the shift of scan rows, and amplitude of the drift.
    disturbed_rows : int
        Number of scan rows that are shifted and brighter or darker than their neighbours (flyback).
    strain : float
        Relative change of the period over the image.
    blur_px : float
        Standard deviation of the smoothing of the recorded image, noise included.
    """

    contrast: Literal["bright", "dark"] = "bright"
    probe_fwhm: float = 0.42
    tail_share: float = 0.2
    dose: float = 40.0
    background: float = 0.6
    background_slope: tuple[float, float] = (0.0, 0.0)
    thickness_slope: tuple[float, float] = (0.0, 0.0)
    haze: float = 0.0
    column_jitter: float = 0.012
    brightness_jitter: float = 0.03
    row_jitter_px: float = 0.15
    drift_px: float = 0.0
    disturbed_rows: int = 0
    strain: float = 0.0
    blur_px: float = 0.4


@dataclass(frozen=True)
class LatticeScene:
    """A crystal with defects and how it is imaged.

    Attributes
    ----------
    crystal : PlanarCrystal
        Lattice and motif in px.
    defects : tuple of LatticeDefect
        Defects to put in at random places.
    imaging : LatticeImaging
        Parameters of the image.
    shape : (int, int)
        Height and width in px.
    """

    crystal: PlanarCrystal
    defects: tuple[LatticeDefect, ...] = ()
    imaging: LatticeImaging = field(default_factory=LatticeImaging)
    shape: tuple[int, int] = (512, 512)


@dataclass(frozen=True)
class LatticeSimulation:
    """A simulated image of a crystal of any lattice, with its ground truth.

    Attributes
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Electrons per pixel.
    crystal : PlanarCrystal
        Perfect crystal, with base vectors and period in px.
    kinds : dict of str to str
        Kind of each class: point, line or area.
    points : dict of str to ndarray of float64, shape (N, 2)
        Point defects per class: y, x in px of the image.
    lines : dict of str to tuple of ndarray of float64, shape (N, 2)
        Centre lines per class, as dense polylines y, x in px; parts outside the image are cut off.
    areas : dict of str to ndarray of bool, shape (Y, X)
        Masks of area defects per class.
    parameters : dict
        All parameters, JSON-safe.
    """

    pixels: NDArray[np.float32]
    crystal: PlanarCrystal
    kinds: dict[str, str]
    points: dict[str, Array]
    lines: dict[str, tuple[Array, ...]]
    areas: dict[str, NDArray[np.bool_]]
    parameters: dict[str, Any]

    @property
    def period_px(self) -> float:
        """Length of the shortest lattice vector in px."""
        return self.crystal.period_px

    def distance(self, class_name: str | None = None) -> NDArray[np.float32]:
        """Return the distance of every pixel to the nearest defect.

        Parameters
        ----------
        class_name : str, optional
            Name of the class; by default all classes count.

        Returns
        -------
        ndarray of float32, shape (Y, X)
            Distance in px, to half a pixel: to points, centre lines, and areas (0 inside);
            infinite where there is no such defect.
        """
        names = list(self.kinds) if class_name is None else [class_name]
        hit = np.zeros(self.pixels.shape, bool)
        for name in names:
            for places in (self.points.get(name, np.zeros((0, 2))), *self.lines.get(name, ())):
                whole = np.rint(places).astype(np.intp)
                whole = whole[np.all((whole >= 0) & (whole < self.pixels.shape), axis=1)]
                hit[whole[:, 0], whole[:, 1]] = True
            if name in self.areas:
                hit |= self.areas[name]
        if not hit.any():
            return np.full(hit.shape, np.inf, np.float32)
        return np.asarray(ndimage.distance_transform_edt(~hit), dtype=np.float32)

    def micrograph(self, name: str = "simulated crystal") -> Micrograph:
        """Return the image as an uncalibrated micrograph.

        Parameters
        ----------
        name : str
            Name of the micrograph.

        Returns
        -------
        Micrograph
        """
        return Micrograph(
            pixels=self.pixels,
            name=name,
            sha256=hashlib.sha256(self.pixels.tobytes()).hexdigest(),
            metadata={"model": "linear imaging model"},
        )


def simulate_lattice(scene: LatticeScene, seed: int = 0) -> LatticeSimulation:
    """Simulate an image of a crystal of any lattice with its defects.

    Parameters
    ----------
    scene : LatticeScene
        Crystal, defects and imaging.
    seed : int
        The same scene and seed give the same image.

    Returns
    -------
    LatticeSimulation

    Raises
    ------
    InputError
        If the size or the period of the image is out of range.

    Examples
    --------
    >>> from napari_stem_defects.simulation.any_lattice import make_crystal
    >>> made = simulate_lattice(LatticeScene(make_crystal("hexagonal", 12.0), shape=(128, 128)))
    >>> made.pixels.shape
    (128, 128)
    """
    _check(scene)
    rng = np.random.default_rng(seed)
    specimen = _specimen(scene, rng)
    shift = row_shifts(rng, scene.shape[0], _linear_imaging(scene))
    gain = _disturb_rows(shift, scene.imaging, rng)
    pixels = _image(scene, specimen, shift, gain, rng)
    return _simulation(scene, specimen, pixels, shift, seed)


def _check(scene: LatticeScene) -> None:
    if not all(_SIZES[0] <= n <= _SIZES[1] for n in scene.shape):
        raise InputError(f"size {scene.shape} px is out of range; use {_SIZES[0]} to {_SIZES[1]}")
    if not 3 <= scene.crystal.period_px <= min(scene.shape) / 3:
        period = scene.crystal.period_px
        raise InputError(f"period {period:.3g} px is out of range; use 3 px to a third of the size")


def _specimen(scene: LatticeScene, rng: np.random.Generator) -> Specimen:
    shape, period = np.array(scene.shape, float), scene.crystal.period_px
    domains = sum(defect.form in DOMAIN_FORMS for defect in scene.defects)
    # A mirrored or rotated copy is displaced by up to a third of the image.
    radius = np.hypot(*shape) / 2 + 0.5 * domains * shape.max() + 2 * _MARGIN_PERIODS * period
    origin = shape / 2 + rng.uniform(0, 1, 2) @ scene.crystal.base
    columns = fill_disk(scene.crystal, shape / 2, origin, float(radius))
    specimen = Specimen(scene.crystal, scene.shape, columns)
    ordered = sorted(scene.defects, key=lambda d: _ORDER.index(d.form) if d.form in _ORDER else 9)
    strained = False
    for defect in ordered:
        if defect.kind == "point" and defect.form != "core" and not strained:
            specimen, strained = _strained(specimen, scene.imaging.strain, rng), True
        specimen = add_defect(specimen, defect, rng)
    return specimen if strained else _strained(specimen, scene.imaging.strain, rng)


def _strained(specimen: Specimen, strain: float, rng: np.random.Generator) -> Specimen:
    """Displace all by a quadratic field: the period changes linearly over the image."""
    if strain == 0:
        return specimen
    middle = np.array(specimen.shape) / 2
    angle = rng.uniform(0, 2 * np.pi)
    gradient = np.array([np.sin(angle), np.cos(angle)]) * strain / max(specimen.shape) / 2

    def move(position: Array) -> Array:
        away = position - middle
        return position + (away @ gradient)[:, None] * away

    return specimen.displaced(move)


def _linear_imaging(scene: LatticeScene) -> Imaging:
    """Translate to the linear imaging model, with px in place of nm."""
    given, period = scene.imaging, scene.crystal.period_px
    return Imaging(
        probe_fwhm_nm=given.probe_fwhm * period,
        tail_share=given.tail_share,
        tail_nm=given.probe_fwhm * period,
        dose=given.dose,
        background=given.background,
        background_slope=given.background_slope,
        thickness_slope=given.thickness_slope,
        cloud=given.haze,
        jitter_px=given.row_jitter_px,
        drift_px=given.drift_px,
        noise_blur_px=given.blur_px,
    )


def _disturb_rows(shift: Array, imaging: LatticeImaging, rng: np.random.Generator) -> Array:
    """Shift some rows in place and return the relative brightness of every row."""
    gain = np.ones(len(shift))
    rows = rng.integers(0, len(shift), imaging.disturbed_rows)
    shift[rows] += rng.normal(0, 1.5, len(rows))
    gain[rows] *= rng.uniform(0.85, 1.15, len(rows))
    return gain


def _image(
    scene: LatticeScene, specimen: Specimen, shift: Array, gain: Array, rng: np.random.Generator
) -> NDArray[np.float32]:
    given, period = scene.imaging, scene.crystal.period_px
    margin = int(np.ceil(_MARGIN_PERIODS * period / 2))
    columns = specimen.columns
    near = np.all(
        (columns.position > -2 * margin) & (columns.position < np.array(scene.shape) + 2 * margin),
        axis=1,
    )
    columns = columns.select(near & (columns.brightness > 0))
    jitter = rng.normal(0, given.column_jitter * period, columns.position.shape)
    uneven = rng.normal(0, given.brightness_jitter, len(columns.brightness))
    position = columns.position + jitter
    brightness = columns.brightness * np.maximum(1 + uneven, 0)
    linear = _linear_imaging(scene)
    shape = (scene.shape[0] + 2 * margin, scene.shape[1] + 2 * margin)
    shifts = np.pad(shift, margin, mode="edge")
    signal = render(position + margin, brightness, shape, linear, 1.0, shifts)
    signal = signal[margin:-margin, margin:-margin]
    if given.contrast == "dark":
        signal = 1.05 * np.percentile(signal, 99.9) - signal
    signal = np.maximum(signal, 0) * gain[:, None]
    return expose(signal, linear, rng)


def _simulation(
    scene: LatticeScene,
    specimen: Specimen,
    pixels: NDArray[np.float32],
    shift: Array,
    seed: int,
) -> LatticeSimulation:
    kinds = {defect.class_name: defect.kind for defect in scene.defects}
    points: dict[str, Array] = {}
    lines: dict[str, tuple[Array, ...]] = {}
    areas: dict[str, NDArray[np.bool_]] = {}
    for name, places in specimen.points:
        seen = _inside(_shifted(places, shift), scene.shape)
        points[name] = np.concatenate([points.get(name, np.zeros((0, 2))), seen])
    for name, vertices in specimen.lines:
        seen = _inside(_shifted(vertices, shift), scene.shape)
        if len(seen):
            lines[name] = (*lines.get(name, ()), seen)
    for name, outline in specimen.areas:
        mask = polygon2mask(scene.shape, _shifted(outline, shift))
        areas[name] = areas[name] | mask if name in areas else mask
    parameters = {**asdict(scene), "seed": seed, "period_px": scene.crystal.period_px}
    return LatticeSimulation(pixels, scene.crystal, kinds, points, lines, areas, parameters)


def _shifted(places: Array, shift: Array) -> Array:
    rows = np.clip(np.rint(places[:, 0]), 0, len(shift) - 1).astype(np.intp)
    return np.stack([places[:, 0], places[:, 1] + shift[rows]], axis=1)


def _inside(places: Array, shape: tuple[int, int]) -> Array:
    keep = np.all((places >= 0) & (places <= np.array(shape) - 1), axis=1)
    return np.asarray(places[keep])
