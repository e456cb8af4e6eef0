"""Linear imaging model: from atomic columns to an annular dark-field image.

Every column is a point of brightness ``Z ** exponent`` times its occupancy. The image is the sum of
the columns convolved with the probe, times a thickness slope, plus a background. It is counted with
a finite dose; the scan jitters and drifts.

The model follows usnistgov/atomvision: incoherent imaging with Z contrast and a probe that consists
of a Gaussian and a Lorentzian tail. Limits: an image is linear in the columns only for very thin
samples (Combs et al., Advanced Structural and Chemical Imaging 5:2, 2019); channelling, strain
contrast and detector response are neglected. Positions and shapes are meaningful, intensities are
not quantitative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, special

Array = NDArray[np.float64]

_PAD = 24
"""Pixels rendered around the image, so that no probe wraps around and no border is dim."""


@dataclass(frozen=True)
class Imaging:
    """Parameters of the linear imaging model.

    Attributes
    ----------
    probe_fwhm_nm : float
        Full width at half maximum of the Gaussian part of the probe, source size included.
    astigmatism, astigmatism_deg : float
        Relative difference of the two widths of the probe, and the direction of the larger one.
    tail_share, tail_nm : float
        Fraction of the probe in its Lorentzian tail, and the half width of the tail.
    exponent : float
        Exponent n of the Z**n contrast.
    dose : float
        Electrons detected per pixel, on average over the image.
    background : float
        Uniform background as a fraction of the mean signal.
    background_slope, thickness_slope : (float, float)
        Relative change from one side of the image to the other, along y and along x.
    cloud : float
        Strength of the uneven background (contamination) as a fraction of the mean signal.
    jitter_px, drift_px : float
        Standard deviation of the shift of each scan row, and amplitude of the slow drift.
    noise_blur_px : float
        Standard deviation of the smoothing by detector or file, which also smooths the noise.
    position_jitter_nm : float
        Standard deviation of static displacements of the columns.
    """

    probe_fwhm_nm: float = 0.15
    astigmatism: float = 0.0
    astigmatism_deg: float = 0.0
    tail_share: float = 0.2
    tail_nm: float = 0.2
    exponent: float = 1.7
    dose: float = 45.0
    background: float = 0.9
    background_slope: tuple[float, float] = (0.0, 0.0)
    thickness_slope: tuple[float, float] = (0.0, 0.0)
    cloud: float = 0.0
    jitter_px: float = 0.2
    drift_px: float = 0.0
    noise_blur_px: float = 0.45
    position_jitter_nm: float = 0.003


def render(
    points: Array,
    brightness: Array,
    shape: tuple[int, int],
    imaging: Imaging,
    pixel_size_nm: float,
    row_shift: Array,
) -> Array:
    """Return the noiseless signal of columns.

    Parameters
    ----------
    points : ndarray, shape (N, 2)
        y, x of the columns in px of the image.
    brightness : ndarray, shape (N,)
        Brightness of the columns in arbitrary units.
    shape : (int, int)
        Height and width of the image in px.
    imaging : Imaging
        Probe of the microscope.
    pixel_size_nm : float
        Edge of one square pixel in nm.
    row_shift : ndarray, shape (Y,)
        Shift of each scan row along x in px.

    Returns
    -------
    ndarray of float64, shape (Y, X)
        Signal, 0 or more.
    """
    height, width = (fft.next_fast_len(n + 2 * _PAD, real=True) for n in shape)
    grid = _deposit(points + _PAD, brightness, (height, width))
    spectrum = fft.rfft2(grid)
    spectrum *= _transfer((height, width), imaging, pixel_size_nm)
    rows = fft.ifft(spectrum, axis=0)[_PAD : _PAD + shape[0]]
    shift = np.exp(-2j * np.pi * np.outer(row_shift, fft.rfftfreq(width)))
    image = fft.irfft(rows * shift, n=width, axis=1)[:, _PAD : _PAD + shape[1]]
    return np.asarray(np.maximum(image, 0), dtype=np.float64)


def _deposit(points: Array, brightness: Array, shape: tuple[int, int]) -> Array:
    """Deposit points on the grid with cubic B-splines; `_transfer` compensates for their blur."""
    whole = np.floor(points).astype(np.intp)
    inside = np.all((whole >= 1) & (whole < np.array(shape) - 2), axis=1)
    whole, rest = whole[inside], (points - whole)[inside]
    wy, wx = _spline_weights(rest[:, 0]), _spline_weights(rest[:, 1])
    weights = wy[:, :, None] * wx[:, None, :] * brightness[inside][:, None, None]
    steps = np.arange(-1, 3)
    rows = (whole[:, 0, None] + steps) * shape[1]
    index = rows[:, :, None] + (whole[:, 1, None] + steps)[:, None, :]
    grid = np.zeros(shape)
    np.add.at(grid.reshape(-1), index, weights)
    return grid


def _spline_weights(t: Array) -> Array:
    """Return the four cubic B-spline weights around each position, shape (N, 4)."""
    rest = 1 - t
    return np.stack(
        [
            rest**3 / 6,
            2 / 3 - t**2 + t**3 / 2,
            2 / 3 - rest**2 + rest**3 / 2,
            t**3 / 6,
        ],
        axis=1,
    )


def _transfer(shape: tuple[int, int], imaging: Imaging, pixel_size_nm: float) -> Array:
    """Return the transfer function of the probe over that of the spline, (Y, X // 2 + 1)."""
    fy, fx = fft.fftfreq(shape[0])[:, None], fft.rfftfreq(shape[1])[None, :]
    spline = (np.sinc(fy) * np.sinc(fx)) ** 4
    sigma = imaging.probe_fwhm_nm / 2.3548 / pixel_size_nm
    angle = np.radians(imaging.astigmatism_deg)
    along = (fx * np.cos(angle) + fy * np.sin(angle)) * sigma * (1 + imaging.astigmatism / 2)
    across = (fy * np.cos(angle) - fx * np.sin(angle)) * sigma * (1 - imaging.astigmatism / 2)
    gauss = np.exp(-2 * np.pi**2 * (along**2 + across**2))
    # The two-dimensional Lorentzian (r^2 + g^2)^(-3/2) has the transform exp(-2 pi g f).
    tail = np.exp(-2 * np.pi * imaging.tail_nm / pixel_size_nm * np.hypot(fx, fy))
    return np.asarray(((1 - imaging.tail_share) * gauss + imaging.tail_share * tail) / spline)


def row_shifts(rng: np.random.Generator, rows: int, imaging: Imaging) -> Array:
    """Draw the shift of each scan row: jitter and a slow drift.

    Parameters
    ----------
    rng : numpy.random.Generator
    rows : int
        Number of rows.
    imaging : Imaging
        Jitter and drift of the scan.

    Returns
    -------
    ndarray of float64, shape (rows,)
        Shift along x in px.
    """
    jitter = rng.normal(0, 1, rows) * imaging.jitter_px
    if imaging.drift_px == 0:
        return jitter
    t = np.linspace(0, 1, rows)
    waves = sum(
        rng.normal() / k * np.sin(np.pi * k * t + rng.uniform(0, 2 * np.pi)) for k in (1, 2, 3)
    )
    return np.asarray(jitter + imaging.drift_px * waves)


def expose(signal: Array, imaging: Imaging, rng: np.random.Generator) -> NDArray[np.float32]:
    """Add background and slopes to a signal and count electrons.

    Parameters
    ----------
    signal : ndarray of float64, shape (Y, X)
        Noiseless signal from `render`.
    imaging : Imaging
        Background, slopes, dose and smoothing.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Electrons per pixel.
    """
    mean = max(float(signal.mean()), 1e-12)
    level = imaging.background * (1 + _slope(signal.shape, imaging.background_slope))
    if imaging.cloud > 0:
        level = level + imaging.cloud * _cloud(signal.shape, rng)
    image = signal / mean * (1 + _slope(signal.shape, imaging.thickness_slope)) + level
    image = np.maximum(image, 0.01)
    expected = image * (imaging.dose / image.mean())
    counts: NDArray[np.float32] = rng.poisson(expected).astype(np.float32)
    if imaging.noise_blur_px > 0:
        counts = _blurred(counts, imaging.noise_blur_px)
    return counts


def _blurred(image: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur with the discrete Gaussian kernel, which is exact for widths below one pixel, too."""
    reach = int(np.ceil(4 * sigma))
    kernel = special.ive(np.abs(np.arange(-reach, reach + 1)), sigma**2)
    for axis in (0, 1):
        image = ndimage.correlate1d(image, kernel / kernel.sum(), axis=axis, mode="reflect")
    return image


def _slope(shape: tuple[int, ...], slope: tuple[float, float]) -> Array:
    y, x = (np.linspace(-0.5, 0.5, n) for n in shape)
    return slope[0] * y[:, None] + slope[1] * x[None, :]


def _cloud(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Draw a smooth field between 0 and 1 by interpolation of coarse random values."""
    coarse = rng.uniform(0, 1, (5, 5))
    zoom = [n / 5 for n in shape]
    return np.asarray(
        np.clip(ndimage.zoom(coarse, zoom, order=2, grid_mode=True, mode="nearest"), 0, 1)
    )
