"""Sampling of an image at a fixed number of samples per length unit, and its filters.

All lengths of the survey are multiples of a unit, so that one set of constants suits every crystal
and magnification: the lattice period, or a few column spacings where a cell has many columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.even_contrast import even_contrast
from napari_stem_defects.lattice.scale import SAMPLES_PER_UNIT, resample
from napari_stem_defects.lattice.unit_cell import lattice_period, units_per_period
from napari_stem_defects.preprocessing.pipeline import filter_lazily
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.preprocessing.tiled import FilteredImage

_AS_IS = (5.5, 9.0)  # length units in px at which an image is used without resampling
_LARGE = 1 << 24  # px from which images are resampled in strips
_STRIP_ROWS = 256
_SPLINE_REACH = 16  # px beyond which a cubic spline no longer depends on a value
_REACH = 2.5
"""Distance in lattice periods up to which a score depends on a pixel: half the window of a
prediction (see `anomaly.residual`) and the averages of the score."""
# Standard deviations in length units.
_SMOOTHING, _BACKGROUND, _CONTRAST = 0.12, 1.5, 4.0


class Scale(NamedTuple):
    """Samples per length unit, and length units per lattice period.

    Attributes
    ----------
    samples : float
        Samples per length unit.
    units : float or None
        Length units per lattice period: 1 unless the cell has many columns; None for what suits an
        image, see `lattice.unit_cell.units_per_period`.
    """

    samples: float
    units: float | None = None


@dataclass(frozen=True)
class Sampled:
    """A filtered image with a known number of samples per length unit.

    Attributes
    ----------
    filtered : FilteredImage, shape (rows, columns)
        Background subtracted, local contrast normalised.
    scale : Scale
        Samples (px of ``filtered``) per length unit.
    factor : (float, float)
        Magnification of ``filtered`` along y and x relative to the image.
    lattices : tuple of ndarray of float, each of shape (2, 2)
        Base vectors (y, x) of each lattice of the image in samples.
    pixels : ndarray of float32, shape (Y, X), or None
        The image itself, for what the filters take away.
    """

    filtered: FilteredImage
    scale: Scale
    factor: tuple[float, float]
    lattices: tuple[NDArray[np.float64], ...] = ()
    pixels: NDArray[np.float32] | None = None

    @property
    def samples(self) -> float:
        """Samples per length unit."""
        return self.scale.samples

    @property
    def unit_px(self) -> float:
        """Length unit in px of the image."""
        return self.samples / float(np.sqrt(self.factor[0] * self.factor[1]))

    @property
    def period(self) -> float:
        """Samples per lattice period, or per window where there is no lattice."""
        return self.samples * (self.scale.units or 1.0)

    @property
    def period_px(self) -> float:
        """Lattice period, or window, in px of the image."""
        return self.unit_px * (self.scale.units or 1.0)

    def to_samples(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map positions (N, 2) in px of the image to samples."""
        mapped: NDArray[np.float64] = (positions + 0.5) * np.array(self.factor) - 0.5
        return mapped

    def to_image(self, positions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Map positions (N, 2) in samples to px of the image."""
        mapped: NDArray[np.float64] = (positions + 0.5) / np.array(self.factor) - 0.5
        return mapped


def default_samples(unit_px: float) -> float:
    """Return the samples per length unit at which an image is analysed.

    Parameters
    ----------
    unit_px : float
        Length unit in px of the image.

    Returns
    -------
    float
        The unit itself where it is suitable, so that the image need not be resampled.
    """
    return unit_px if _AS_IS[0] <= unit_px <= _AS_IS[1] else SAMPLES_PER_UNIT


def sample(
    pixels: NDArray[np.float32], cells: Sequence[UnitCell], scale: Scale | None = None
) -> Sampled:
    """Resample and filter an image for a number of samples per length unit.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.
    cells : sequence of UnitCell
        The lattices of the image, at least one; period and columns are those of the first.
    scale : Scale, optional
        By default what suits the image.

    Returns
    -------
    Sampled
    """
    units = units_per_period(cells[0]) if scale is None or scale.units is None else scale.units
    unit_px = lattice_period(cells[0]) / units
    samples = None if scale is None else scale.samples
    found = _sampled(pixels, unit_px, samples, (_SMOOTHING, _CONTRAST))
    lattices = tuple(np.array(cell.vectors_px) * found.factor for cell in cells)
    filtered = found.filtered
    if isinstance(filtered, np.ndarray):  # a huge image is filtered where it is accessed
        filtered = even_contrast(filtered, found.samples)
    scale = Scale(found.samples, units)
    return replace(found, filtered=filtered, scale=scale, lattices=lattices)


def sample_window(
    pixels: NDArray[np.float32], window_px: float, samples: float | None = None
) -> Sampled:
    """Resample and filter an image without a lattice.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.
    window_px : float
        Length in px that takes the place of the lattice period.
    samples : float, optional
        Samples per window; by default those of `default_samples`.

    Returns
    -------
    Sampled
        Without a lattice, not smoothed. The local contrast is as it was, because spots that crowd
        are most of it where they are.
    """
    return _sampled(pixels, window_px, samples, (0.0, 0.0))


def _sampled(
    pixels: NDArray[np.float32],
    unit_px: float,
    samples: float | None,
    sigmas: tuple[float, float],
) -> Sampled:
    """Resample and filter an image; the sigmas, in units, are of smoothing and contrast."""
    samples = default_samples(unit_px) if samples is None else samples
    factor = samples / unit_px
    resampled = pixels if abs(factor - 1) < 0.005 else _resampled(pixels, factor)
    settings = PreprocessingSettings(
        representation="real",
        smoothing_px=sigmas[0] * samples,
        background_px=_BACKGROUND * samples,
        contrast_px=sigmas[1] * samples,
    )
    height, width = (new / old for new, old in zip(resampled.shape, pixels.shape, strict=True))
    filtered = filter_lazily(resampled, settings)
    return Sampled(filtered, Scale(samples, 1.0), (height, width), (), pixels)


def near_invalid(
    invalid: NDArray[np.bool_] | None,
    shape: tuple[int, int],
    period_px: float,
    unsure: float = 0.0,
) -> NDArray[np.bool_]:
    """Return the pixels whose prediction depends on pixels without a value.

    Parameters
    ----------
    invalid : ndarray of bool, shape (Y, X), or None
        Pixels without a value.
    shape : (Y, X)
        Of the image.
    period_px : float
        Lattice period in px.
    unsure : float
        How much larger the part without a value may be, in lattice periods.

    Returns
    -------
    ndarray of bool, shape (Y, X)
        Pixels within 2.5 lattice periods of them; none where all have a value.
    """
    if invalid is None or not invalid.any():
        return np.zeros(shape, bool)
    near: NDArray[np.bool_] = ndimage.distance_transform_edt(~invalid) <= (
        (_REACH + unsure) * period_px
    )
    return near


def at_samples(mask: NDArray[np.bool_], sampled: Sampled) -> NDArray[np.bool_]:
    """Return a mask of the pixels of an image at its samples.

    Parameters
    ----------
    mask : ndarray of bool, shape (Y, X)
    sampled : Sampled
        The image.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
    """
    y, x = (1 / factor for factor in sampled.factor)
    return mask[np.ix_(*nearest_places(sampled.filtered.shape, (y, x), mask.shape))]


def at_pixels(
    mask: NDArray[np.bool_], sampled: Sampled, shape: tuple[int, int]
) -> NDArray[np.bool_]:
    """Return a mask of the samples of an image at its pixels.

    Parameters
    ----------
    mask : ndarray of bool, shape (rows, columns)
    sampled : Sampled
        The image.
    shape : (Y, X)
        Of the image.

    Returns
    -------
    ndarray of bool, shape (Y, X)
    """
    return mask[np.ix_(*nearest_places(shape, sampled.factor, mask.shape))]


def nearest_places(
    shape: tuple[int, ...], factor: tuple[float, float], there: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows and columns of a magnified grid that are nearest to those of a grid.

    Parameters
    ----------
    shape : (int, int)
        Of the grid.
    factor : (float, float)
        Magnification along y and x.
    there : (int, int)
        Shape of the magnified grid.

    Returns
    -------
    (ndarray of int, ndarray of int)
    """
    rows, columns = (
        np.clip(np.rint((np.arange(length) + 0.5) * by - 0.5).astype(np.intp), 0, count - 1)
        for length, by, count in zip(shape, factor, there, strict=True)
    )
    return rows, columns


def _resampled(pixels: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Resample an image; a large one in strips, with little memory besides the result."""
    if pixels.size <= _LARGE:
        return resample(pixels, factor)
    rows, columns = (max(1, round(length * factor)) for length in pixels.shape)
    steps = np.array(pixels.shape) / (rows, columns)
    result = np.empty((rows, columns), np.float32)
    for top in range(0, rows, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, rows)
        result[top:bottom] = _strip(pixels, steps, (top, bottom), columns)
    return result


def _strip(
    pixels: NDArray[np.float32], steps: NDArray[np.float64], rows: tuple[int, int], columns: int
) -> NDArray[np.float32]:
    """Return some rows of a resampled image: low-pass filter, then cubic splines."""
    first, last = ((row + 0.5) * steps[0] - 0.5 for row in rows)
    low = max(0, int(first) - _SPLINE_REACH - int(4 * steps[0]))
    high = min(pixels.shape[0], int(last) + _SPLINE_REACH + int(4 * steps[0]) + 1)
    part = pixels[low:high]
    if steps[0] > 1:
        part = ndimage.gaussian_filter(part, (steps - 1) / 2, mode="mirror")
    strip: NDArray[np.float32] = ndimage.affine_transform(
        part,
        steps,
        offset=(first - low, 0.5 * steps[1] - 0.5),
        output_shape=(rows[1] - rows[0], columns),
        output=np.float32,
        order=3,
        mode="mirror",
    )
    return strip
