"""Reflections in the power spectrum of an image: where they are and how far above the noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_stem_defects.lattice.highest_frequency import highest_frequency

Array = NDArray[np.float64]

MIN_HEIGHT = 20.0
"""Minimum ratio of the smoothed power of a peak to its surroundings.

The largest of 30,000 values of speckle is lower, amorphous films included.
"""
_FAINTEST = 1e-6
"""Least power that surrounds a peak as a share of that of the highest one: recorded images have
more, but without noise the smear of reflections rises far above next to nothing."""
MAX_PEAKS = 36
MIN_SPACING_PX, MAX_SPACING_PX = 2.2, 90.0
_MARGIN = 8
"""Columns of negative frequency that are kept, so that peaks at zero have both sides."""
_BACKGROUND_PX = 96
_CUT, _FLAT, _CUT_RINGS = 300.0, 10.0, 5
"""Least ratio of rings to all beyond the cut of a filter, their largest ratio to each other, and
how many of them."""
_ALONG = np.arange(3, 11)
"""Distances in bins at which the lines through a reflection are compared with it."""
_BESIDE_BINS = 6.0
"""Distance in bins at which reflections of parts of an image are compared with what is around."""
_SQUARE = np.array(list(np.ndindex(3, 3))) - 1
"""Steps (y, x) in bins from a position to itself and its neighbours."""
_ANGLES = np.arange(0, np.pi, np.pi / 8)
_LINES = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)], axis=1)
"""Directions (y, x) of eight lines."""


@dataclass(frozen=True)
class Spectrum:
    """Power spectrum of an image, columns from slightly negative frequencies up.

    Attributes
    ----------
    power : ndarray of float64, shape (H, K)
        Squared magnitude; row ``H // 2`` and column ``margin`` are zero frequency.
    height : ndarray of float64, shape (H, K)
        Smoothed power over the median of its surroundings.
    peak_height : ndarray of float64, shape (H, K)
        The same, with surroundings that have at least 1e-6 of the power of the highest reflection.
    steps : ndarray of float64, shape (2,)
        Size of a bin along y and x in cycles per px.
    subtracted : ndarray of float32, shape (Y, X)
        The image after background subtraction.
    margin : int
        Number of columns of negative frequency.
    """

    power: Array
    height: Array
    peak_height: Array
    steps: Array
    subtracted: NDArray[np.float32]
    margin: int = _MARGIN

    @property
    def bin_size(self) -> float:
        """The larger side of a bin in cycles per px."""
        return float(self.steps.max())

    def index(self, positions: Array) -> NDArray[np.intp]:
        """Return row and column of positions (N, 2) in cycles per px, in the stored half."""
        flipped = np.where((positions[:, 1] < 0)[:, None], -positions, positions)
        found = np.rint(flipped / self.steps).astype(np.intp)
        return np.asarray(found + np.array([self.power.shape[0] // 2, self.margin]))


def spectrum(pixels: NDArray[np.float32]) -> Spectrum:
    """Return the power spectrum of an image after background subtraction, under a Hann window.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        Finite intensities in any unit.

    Returns
    -------
    Spectrum
    """
    low, high = np.percentile(pixels[::3, ::3], [0.05, 99.95])
    return spectrum_of(np.clip(pixels, low, high) - _background(pixels))


def spectrum_of(subtracted: NDArray[np.float32]) -> Spectrum:
    """Return the power spectrum of an image without background, under a Hann window.

    Parameters
    ----------
    subtracted : ndarray of float32, shape (Y, X)

    Returns
    -------
    Spectrum
    """
    height, width = subtracted.shape
    window = np.hanning(height).astype(np.float32)[:, None] * np.hanning(width).astype(np.float32)
    half = fft.rfft2(subtracted * window)
    power = np.abs(half).astype(np.float64) ** 2
    rows = -np.arange(height) % height
    mirrored = power[rows][:, _MARGIN:0:-1]
    power = fft.fftshift(np.hstack([mirrored, power]), axes=0)
    steps = np.array([1 / height, 1 / width])
    return Spectrum(power, *_heights(power, steps), steps, subtracted)


def _background(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the image blurred over a twelfth of its side, computed on block means."""
    block = max(1, min(pixels.shape) // _BACKGROUND_PX)
    height, width = (n // block * block for n in pixels.shape)
    parts = pixels[:height, :width].reshape(height // block, block, width // block, block)
    small = parts.mean(axis=(1, 3), dtype=np.float32)
    small = ndimage.gaussian_filter(small, min(small.shape) / 12, mode="nearest", truncate=3)
    found: NDArray[np.float32] = ndimage.zoom(
        small, block, order=1, mode="nearest", grid_mode=True, output=np.float32
    )
    if block > 1:
        # The kinks of a linear interpolation have the period of the blocks: a lattice.
        found = ndimage.uniform_filter(found, block, mode="nearest")
    missing = [(0, n - m) for n, m in zip(pixels.shape, found.shape, strict=True)]
    return np.pad(found, missing, mode="edge")


def _heights(power: Array, steps: Array) -> tuple[Array, Array]:
    """Divide the smoothed power by the median of its ring, and of its column at zero frequency.

    Rows of a scan that differ in brightness raise the power of the columns next to zero. Returns
    the heights of a spectrum and those of its peaks.
    """
    smooth = ndimage.gaussian_filter(power, 0.8, mode="wrap", truncate=3)
    ring, order, ends = _rings(power.shape[0], power.shape[1], float(steps[0]), float(steps[1]))
    values = power.ravel()[order]
    medians = [float(np.median(part)) for part in np.split(values, ends[:-1]) if part.size]
    floor = max(float(np.median(power)) * 1e-6, 1e-30)
    around = np.maximum(_across_cuts(ndimage.median_filter(medians, 3)), floor)[ring]
    if power.shape[0] >= 200:
        columns = slice(_MARGIN - 2, _MARGIN + 3)
        along = ndimage.median_filter(power[:, columns], (41, 1), mode="wrap")
        around[:, columns] = np.maximum(around[:, columns], along)
    in_range = _radii(power.shape, steps) > _lowest_frequency(steps)
    highest = float(smooth.max(where=in_range, initial=0))
    return smooth / around, smooth / np.maximum(around, max(_FAINTEST * highest, 1e-30))


def _across_cuts(medians: Array) -> Array:
    """Return the median of each ring, beside a cut that of the rings that were kept.

    A filter that keeps a disc of the spectrum leaves a ring of which most bins are empty, so that
    the speckle in the others would rise far above it.
    """
    # Without noise, power falls as steeply from ring to ring, but within a disc as well.
    inside = sliding_window_view(np.pad(medians, (_CUT_RINGS, 0)), _CUT_RINGS)[:-1]
    kept = inside[:, :-1]  # the ring before may be that of the cut
    beyond = np.maximum.accumulate(medians[::-1])[::-1]
    is_cut = (kept.min(axis=1) > _CUT * beyond) & (kept.max(axis=1) < _FLAT * kept.min(axis=1))
    beside = ndimage.maximum_filter(is_cut, _CUT_RINGS)
    return np.where(beside, ndimage.maximum_filter(medians, _CUT_RINGS), medians)


def _radii(shape: tuple[int, ...], steps: Array) -> Array:
    """Return the distance of each bin from zero frequency in cycles per px."""
    fy = (np.arange(shape[0]) - shape[0] // 2) * steps[0]
    fx = (np.arange(shape[1]) - _MARGIN) * steps[1]
    return np.asarray(np.hypot(fy[:, None], fx[None, :]))


def _lowest_frequency(steps: Array) -> float:
    """Return the frequency in cycles per px from which there may be reflections."""
    return max(1 / MAX_SPACING_PX, 2.7 * float(steps.max()))


@lru_cache(maxsize=2)
def _rings(
    height: int, width: int, step_y: float, step_x: float
) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.intp]]:
    """Return the ring of each bin, the bins in the order of their rings, and where rings end.

    Kept for the next frame of a stack.
    """
    exact = _radii((height, width), np.array([step_y, step_x])) / (2 * max(step_y, step_x))
    ring = np.rint(exact).astype(np.int32)
    order = np.argsort(ring, axis=None, kind="stable")
    found = ring, order, np.cumsum(np.bincount(ring.ravel()))
    for each in found:
        each.setflags(write=False)
    return found


def find_peaks(spectrum: Spectrum, least: float = MIN_HEIGHT) -> tuple[Array, Array]:
    """Return the significant peaks of half the spectrum, highest first.

    Parameters
    ----------
    spectrum : Spectrum
    least : float
        Least height.

    Returns
    -------
    positions : ndarray of float64, shape (N, 2)
        Peaks as y, x in cycles per px, at most 36.
    heights : ndarray of float64, shape (N,)
        Smoothed power over the median of the surroundings.
    """
    height, steps = spectrum.peak_height, spectrum.steps
    fy = (np.arange(height.shape[0]) - height.shape[0] // 2) * steps[0]
    fx = (np.arange(height.shape[1]) - spectrum.margin) * steps[1]
    radius = _radii(height.shape, steps)
    lowest = _lowest_frequency(steps)
    highest = highest_frequency(spectrum.power, radius, lowest, spectrum.bin_size)
    in_range = (radius > lowest) & (radius < min(1 / MIN_SPACING_PX, highest))
    in_range &= (fx[None, :] > 0) | ((fx[None, :] == 0) & (fy[:, None] > 0))
    rows, columns = np.nonzero(in_range & (height > least))
    if len(rows):
        top = ndimage.maximum_filter(height, 5, mode="wrap")[rows, columns]
        keep = height[rows, columns] == top
        rows, columns = rows[keep], columns[keep]
    order = np.argsort(-height[rows, columns], kind="stable")[:MAX_PEAKS]
    rows, columns = rows[order], columns[order]
    return _positions(spectrum, rows, columns), height[rows, columns]


def power_at(spectrum: Spectrum, positions: Array) -> Array:
    """Return the power of reflections, without that of their surroundings.

    Parameters
    ----------
    spectrum : Spectrum
    positions : ndarray of float64, shape (N, 2)
        In cycles per px, any half of the spectrum.

    Returns
    -------
    ndarray of float64, shape (N,)
        Sum over 5 x 5 bins.
    """
    parts = _parts_around(spectrum, *spectrum.index(positions).T)
    around = np.median(parts, axis=(1, 2), keepdims=True)
    return np.asarray(np.maximum((parts - around).sum(axis=(1, 2)), 0))


def _parts_around(spectrum: Spectrum, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
    """Return the power of 5 x 5 bins around some, (N, 5, 5)."""
    offsets, power = np.arange(-2, 3), spectrum.power
    down = (rows[:, None] + offsets) % power.shape[0]
    across = (columns[:, None] + offsets) % power.shape[1]
    return np.asarray(power[down[:, :, None], across[:, None, :]])


def _positions(spectrum: Spectrum, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
    """Return the centroids of peaks in cycles per px; split peaks are averaged."""
    if not len(rows):
        return np.zeros((0, 2))
    offsets, power = np.arange(-2, 3), spectrum.power
    parts = _parts_around(spectrum, rows, columns)
    parts = np.maximum(parts - np.median(parts, axis=(1, 2), keepdims=True), 0)
    total = np.maximum(parts.sum(axis=(1, 2)), 1e-300)
    y, x = parts.sum(axis=2) @ offsets / total, parts.sum(axis=1) @ offsets / total
    found = np.stack([rows - power.shape[0] // 2 + y, columns - spectrum.margin + x], axis=1)
    return np.asarray(found * spectrum.steps)


def reflections_at(
    spectrum: Spectrum, positions: Array, reach: float = 5.0
) -> tuple[Array, Array, Array]:
    """Measure the reflections expected at some positions.

    Parameters
    ----------
    spectrum : Spectrum
    positions : ndarray of float64, shape (N, 2)
        Expected positions in cycles per px, any half of the spectrum.
    reach : float
        Distance in bins at which the surroundings are compared.

    Returns
    -------
    heights : ndarray of float64, shape (N,)
        Highest ratio to the surroundings within one bin.
    sharpness : ndarray of float64, shape (N,)
        Ratio of that height to the highest of the lower ends of eight lines through it: about 1
        on the streak of a planar defect.
    measured : ndarray of float64, shape (N, 2)
        Centroids in cycles per px, in the half of the expected positions.
    """
    rows, columns = spectrum.index(positions).T
    around = _values(spectrum.height, rows + _SQUARE[:, :1], columns + _SQUARE[:, 1:])
    heights = around.max(axis=0)
    best = np.where(heights[:, None] > 0, _SQUARE[around.argmax(axis=0)], 0)
    away = np.rint(reach * _LINES).astype(np.intp)
    both = [
        _values(spectrum.height, rows + sign * away[:, :1], columns + sign * away[:, 1:])
        for sign in (1, -1)
    ]
    ends = np.minimum(*both).max(axis=0)
    measured = _positions(spectrum, rows + best[:, 0], columns + best[:, 1])
    sign = np.where(positions[:, 1] < 0, -1.0, 1.0)[:, None]
    return heights, heights / np.maximum(ends, 1e-12), measured * sign


def isolation(spectrum: Spectrum, positions: Array) -> Array:
    """Return how far reflections rise above every line through them.

    Speckle on a ridge, as on the axes of the spectrum of a random walk, of steps and of gradients,
    rises far above its ring and hardly above the ridge.

    Parameters
    ----------
    spectrum : Spectrum
    positions : ndarray of float64, shape (N, 2)
        Reflections in cycles per px, any half of the spectrum.

    Returns
    -------
    ndarray of float64, shape (N,)
        Height over the highest median along one of eight lines through the reflection.
    """
    rows, columns = spectrum.index(positions).T
    around = _values(spectrum.height, rows + _SQUARE[:, :1], columns + _SQUARE[:, 1:])
    away = np.concatenate([-_ALONG[::-1], _ALONG])[:, None]
    down, across = (np.rint(away * part).astype(int)[..., None] for part in _LINES.T)
    lines = np.median(_values(spectrum.height, rows + down, columns + across), axis=0)
    return np.asarray(around.max(axis=0) / np.maximum(lines.max(axis=0), 1e-12))


def _values(height: Array, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
    columns = np.clip(columns, 0, height.shape[1] - 1)
    return np.asarray(height[rows % height.shape[0], columns])


def local_power(spectrum: Spectrum, positions: Array, reach: float = np.inf) -> Array:
    """Return the power of some reflections in nine overlapping parts of the image.

    Parameters
    ----------
    spectrum : Spectrum
    positions : ndarray of float64, shape (N, 2)
        Frequencies in cycles per px.
    reach : float
        Distance in bins up to which the surroundings are free of other reflections.

    Returns
    -------
    ndarray of float64, shape (9,)
        Sum over the reflections of the squared magnitude under a Hann window of half the height
        and width, less the median at frequencies around.
    """
    if not len(positions):
        return np.zeros(9)
    height, width = spectrum.subtracted.shape
    # Shifts along one axis share the product of the other: three rows, three columns.
    shifts = min(_BESIDE_BINS, reach) * np.arange(-1, 2)[:, None] * spectrum.steps
    fy, fx = np.moveaxis(positions[:, None] + shifts, 2, 0)
    rows = _windowed_waves(height, fy).reshape(-1, height)
    # One product of real matrices: a complex one would convert the image for every reflection.
    first = np.concatenate([rows.real, rows.imag]) @ spectrum.subtracted
    first = (first[: len(rows)] + 1j * first[len(rows) :]).reshape(len(positions), 9, width)
    values = first @ _windowed_waves(width, fx).reshape(len(positions), 9, width).transpose(0, 2, 1)
    power = np.abs(values.astype(np.complex128)).reshape(len(positions), 3, 3, 3, 3) ** 2
    here, below, above = power[:, 1, :, 1], power[:, 0, :, 1], power[:, 2, :, 1]
    around = np.median([above, below, power[:, 1, :, 2], power[:, 1, :, 0]], axis=0)
    return np.asarray((here - around).sum(axis=0).ravel())


def _windowed_waves(length: int, frequencies: Array) -> NDArray[np.complex64]:
    """Return waves (N, 3, 3, length) of frequencies (N, 3) under the three windows."""
    waves = np.exp(-2j * np.pi * frequencies[:, :, None] * np.arange(length))
    return np.asarray(waves[:, :, None] * _three_windows(length), np.complex64)


def _three_windows(length: int) -> Array:
    """Return Hann windows of half a length at its start, middle and end, shape (3, length)."""
    half = length // 2
    found = np.zeros((3, length))
    for row, start in enumerate((0, (length - half) // 2, length - half)):
        found[row, start : start + half] = np.hanning(half)
    return found
