"""Matching of the pixel sizes of an image and a model, resampling, and mapping of positions.

Pixel i covers i - 0.5 to i + 0.5. Resampling scales the edges of pixels, not their centres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.geometry import describe_cell
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.power_spectrum import measure_lattice, pixel_size_from_lattice
from napari_stem_defects.lattice.unit_cell import lattice_period, unit_cell, units_per_period

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.geometry import LatticeGeometry
    from napari_stem_defects.lattice.unit_cell import UnitCell

# Relative difference of pixel sizes below which images are not resampled.
SCALE_TOLERANCE = 0.02
# Range of magnifications that preserve the pattern on which the networks were trained.
SCALE_LIMITS = (0.1, 10.0)
SAMPLES_PER_UNIT = 7.0
"""Samples per length unit where an image is resampled: enough for the columns of a dumbbell."""
# Relative difference of two measurements of a spacing below which they are of the same planes.
_SAME_SPACING = 0.05
_ORIGINS = {"user": "as given", "simulation": "from the simulation"}

_Positions = TypeVar("_Positions", float, "NDArray[Any]")


@dataclass(frozen=True)
class TargetScale:
    """Pixel size to which an image is resampled.

    Attributes
    ----------
    pixel_size_nm : float or None
        None if the model was trained without pixel size: images are not resampled.
    lattice_nm : float or None
        Spacing of the first reflections of the crystal, which yields the pixel size of an
        uncalibrated image; None if unknown.
    window_px : int
        Edge of the sliding window; an image must contain at least half a window.
    geometry : LatticeGeometry or None
        Geometry of the lattice of the crystal. An uncalibrated image gets a pixel size only from
        a lattice that fits it; any lattice fits None.
    samples_per_unit : float or None
        Samples per length unit, for models of the lattice residual: images of any pixel size are
        resampled to it. None for all other models.
    units : float or None
        Length units per lattice period of such a model; None for what suits an image, see
        `lattice.unit_cell.units_per_period`.
    """

    pixel_size_nm: float | None
    lattice_nm: float | None = None
    window_px: int = 64
    geometry: LatticeGeometry | None = None
    samples_per_unit: float | None = None
    units: float | None = None

    @property
    def measures_pixel_size(self) -> bool:
        """Whether an image without a pixel size gets one from its lattice."""
        known = self.pixel_size_nm is not None and self.lattice_nm is not None
        return known and self.samples_per_unit is None


@dataclass(frozen=True)
class ScaleMatch:
    """Resampling of an image to the pixel size of a model.

    Attributes
    ----------
    micrograph : Micrograph
        The image, with a pixel size if one was given or measured.
    factor : float
        Magnification to apply before inference; 1 if none is needed or known.
    statement : str
        Explanation in one sentence for the user.
    """

    micrograph: Micrograph
    factor: float
    statement: str


def match_scale(micrograph: Micrograph, target: TargetScale) -> ScaleMatch:
    """Determine how a single-frame micrograph is resampled for a model.

    A model of the lattice residual needs a number of samples per length unit. For all others the
    pixel size is that of the micrograph. If it has none, it is measured from the lattice in the
    power spectrum and the lattice spacing of the crystal that the model was trained on, if the
    geometry of the lattice is that of the crystal.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    target : TargetScale
        Pixel size, lattice spacing and window of the model.

    Returns
    -------
    ScaleMatch

    Raises
    ------
    InputError
        If the two pixel sizes differ by more than a factor of 10, or the resampled image is
        smaller than half a window.
    """
    if target.samples_per_unit is not None:
        return _match_unit(micrograph, target.samples_per_unit, target.units)
    if target.pixel_size_nm is None:
        return ScaleMatch(
            micrograph, 1.0, "The model has no pixel size; the image is used as it is."
        )
    if micrograph.pixel_size_nm is None:
        micrograph, statement = _measure_pixel_size(micrograph, target)
    size = micrograph.pixel_size_nm
    if size is None:
        return ScaleMatch(micrograph, 1.0, statement)
    factor = size / target.pixel_size_nm
    if not SCALE_LIMITS[0] <= factor <= SCALE_LIMITS[1]:
        raise InputError(
            f"{micrograph.name}: {size:.4g} nm per px is too far from the model's"
            f" {target.pixel_size_nm:.4g}; check the calibration or give --pixel-size"
        )
    if min(micrograph.frame_shape) * factor < target.window_px / 2:
        raise InputError(
            f"{micrograph.name}: at the model's {target.pixel_size_nm:.4g} nm per px the image is"
            " smaller than half a window; check the calibration or give a larger image"
        )
    origin = _origin(micrograph, target.geometry)
    if abs(factor - 1) <= SCALE_TOLERANCE:
        return ScaleMatch(
            micrograph, 1.0, f"{size:.4f} nm per px ({origin}) is the model's; used as is."
        )
    return ScaleMatch(
        micrograph,
        factor,
        f"Resampled {factor:.3f} times, from {size:.4f} nm per px ({origin}) to the model's"
        f" {target.pixel_size_nm:.4f}.",
    )


def _origin(micrograph: Micrograph, geometry: LatticeGeometry | None) -> str:
    """Return where the pixel size comes from; that from the lattice depends on the crystal."""
    if micrograph.pixel_size_source == "lattice":
        known = "" if geometry is None else geometry.crystal
        return f"from the lattice, if the crystal is {known or 'that of the model'}"
    return _ORIGINS.get(micrograph.pixel_size_source, "from the file")


def _match_unit(micrograph: Micrograph, samples: float, units: float | None) -> ScaleMatch:
    """Return the magnification that gives a length unit the wanted number of samples."""
    lattice = measure_lattices(micrograph.pixels, micrograph.pixel_size_nm)
    if lattice.cell is None:
        return ScaleMatch(
            micrograph, 1.0, f"No lattice, so nothing is recognised: {lattice.reason}."
        )
    units = units_per_period(lattice.cell) if units is None else units
    factor = samples * units / lattice_period(lattice.cell)
    statement = period_statement(lattice.cell, factor, micrograph.pixel_size_nm, units)
    return ScaleMatch(micrograph, factor, statement)


def period_statement(
    cell: UnitCell, factor: float, pixel_size_nm: float | None, units: float
) -> str:
    """State how an image is resampled for a model of the lattice residual.

    Parameters
    ----------
    cell : UnitCell
        Of the image.
    factor : float
        Magnification.
    pixel_size_nm : float or None
    units : float
        Length units of the model per lattice period.

    Returns
    -------
    str
        One sentence.
    """
    period = lattice_period(cell)
    samples = factor * period / units
    of_many = "" if units == 1 else f" of {units:.2f} per period, for its cell has many columns"
    return (
        f"The lattice period is {both_units(round(period, 2), pixel_size_nm)}; resampled"
        f" {factor:.3f} times, to the model's {samples:.1f} samples per"
        f" {'length unit' if of_many else 'period'}{of_many}."
    )


def _measure_pixel_size(micrograph: Micrograph, target: TargetScale) -> tuple[Micrograph, str]:
    """Return the micrograph, with a pixel size from a lattice that fits, and why it has none."""
    if target.lattice_nm is None:
        return micrograph, "No pixel size and no lattice found; the image is used as it is."
    lattice = measure_lattice(micrograph.pixels)
    if target.geometry is None:
        size = None if lattice is None else pixel_size_from_lattice(lattice, target.lattice_nm)
    else:
        cell = measure_lattices(micrograph.pixels).cell
        if cell is None and lattice is not None:
            cell = unit_cell(np.array(lattice.vectors), np.zeros((2, 2)), lattice.confidence)
        if cell is not None and target.geometry.misfit(cell) > 1:
            return micrograph, (
                f"No pixel size, and the lattice ({describe_cell(cell)}) is not that of the model"
                f" ({target.geometry.describe()}); the image is used as it is."
            )
        size = None if cell is None else target.lattice_nm / cell.spacing_px
        first = None if lattice is None else pixel_size_from_lattice(lattice, target.lattice_nm)
        if first is not None and size is not None and abs(first / size - 1) < _SAME_SPACING:
            size = first
    if size is None:
        return micrograph, "No pixel size and no lattice found; the image is used as it is."
    return micrograph.with_pixel_size(size, "lattice"), ""


def resample(pixels: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Resample an image by cubic interpolation, with a low-pass filter if it shrinks.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Intensities in any unit.
    factor : float
        Magnification; 1 returns the image itself.

    Returns
    -------
    ndarray of float32, shape (round(Y * factor), round(X * factor))
        At least one pixel along each axis.
    """
    if factor == 1:
        return pixels
    from skimage.transform import resize  # slow to import, and many images need none

    shape = tuple(max(1, round(length * factor)) for length in pixels.shape)
    result: NDArray[np.float32] = resize(
        pixels, shape, order=3, mode="reflect", anti_aliasing=factor < 1, preserve_range=True
    )
    return result.astype(np.float32)


def scale_positions(positions: _Positions, factor: float) -> _Positions:
    """Map positions in px of an image to px of the image magnified ``factor`` times.

    Parameters
    ----------
    positions : float or ndarray
        Positions in px along one or both axes; the centre of pixel i is i.
    factor : float
        Magnification.

    Returns
    -------
    float or ndarray
        Positions in px of the magnified image.
    """
    return (positions + 0.5) * factor - 0.5
