"""Scan distortion, estimated from the lattice of the image itself.

Two figures, and what they cannot distinguish:

- Jitter of the scan rows. Every row is compared with the mean of the image at whole lattice vectors
  above and below it, and its shift along x follows from the intensity gradient (least squares).
  The left and the right half of a row are two estimates with independent noise of the same shift,
  so their covariance is the variance of the shift alone. Differences of rows far apart, which
  belong to drift or strain, are taken away with a running mean.
- Stretch and shear against the geometry that the crystal should have: the strain that carries the
  expected base vectors, rotated and scaled for the best fit, into the measured ones. A crystal that
  is strained or tilted looks the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft, ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.lattice.geometry import LatticeGeometry
    from napari_stem_defects.lattice.measurement import LatticeMeasurement

_EDGE_PX = 512
_REPEATS = 3  # lattice vectors in both directions
_FEWEST_ROWS = 48
_SLOW_PERIODS = 3.0  # running mean that takes drift away


@dataclass(frozen=True)
class ScanDistortion:
    """Distortion of a scan; what could not be estimated is None.

    Attributes
    ----------
    row_jitter_px : float or None
        Root mean square shift of single scan rows along x, px.
    row_jitter_error_px : float or None
        Its standard deviation.
    stretch_percent : float or None
        Difference of the two principal stretches against the expected geometry, percent.
    shear_deg : float or None
        Deviation of the angle of the base vectors from the expected one, degrees.
    """

    row_jitter_px: float | None = None
    row_jitter_error_px: float | None = None
    stretch_percent: float | None = None
    shear_deg: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the figures, rounded, as JSON-safe values."""
        digits = (("row_jitter_px", 3), ("row_jitter_error_px", 3), ("stretch_percent", 2),
                  ("shear_deg", 2))  # fmt: skip
        values = {name: (getattr(self, name), places) for name, places in digits}
        return {
            name: None if value is None else round(value, places)
            for name, (value, places) in values.items()
        }


def measure_scan_distortion(
    pixels: NDArray[np.float32],
    measured: LatticeMeasurement,
    expected: LatticeGeometry | None = None,
) -> ScanDistortion:
    """Estimate the distortion of a scan from the lattice.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        One frame; of a large one the middle is used.
    measured : LatticeMeasurement
        Its lattice.
    expected : LatticeGeometry, optional
        Geometry of the crystal, such as that of the model; not used if it is general.

    Returns
    -------
    ScanDistortion
        Without figures for an image without exactly one lattice.
    """
    if measured.kind != "one" or measured.cell is None:
        return ScanDistortion()
    vectors = np.array(measured.cell.vectors_px, float)
    jitter, error = _row_jitter(pixels, vectors)
    stretch = shear = None
    if expected is not None and not expected.is_general:
        stretch, shear = _affine(vectors, expected.angle_deg, expected.ratio)
    return ScanDistortion(jitter, error, stretch, shear)


def _row_jitter(
    pixels: NDArray[np.float32], vectors: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    height, width = pixels.shape
    top, left = max(0, (height - _EDGE_PX) // 2), max(0, (width - _EDGE_PX) // 2)
    part = pixels[top : top + _EDGE_PX, left : left + _EDGE_PX].astype(np.float64)
    border = int(np.ceil(np.abs(_REPEATS * vectors).sum(axis=0).max()))
    border = min(border, min(part.shape) // 4)
    mean = _lattice_mean(part, vectors)
    gradient = np.gradient(mean, axis=1)
    inner = slice(border, part.shape[0] - border)
    middle = part.shape[1] // 2
    halves = slice(border, middle), slice(middle, part.shape[1] - border)
    if inner.stop - inner.start < _FEWEST_ROWS:
        return None, None
    period = float(np.hypot(*vectors.T).min())
    slow = max(3, round(_SLOW_PERIODS * period))
    (first, w), (second, v) = (
        _moved(part[inner, h], mean[inner, h], gradient[inner, h], slow) for h in halves
    )
    # Rows between columns have little structure, and little weight.
    weights = np.sqrt(w * v)
    products = first * second / np.maximum(weights, 1e-12 * float(weights.max()))
    variance = float(products.sum() / weights.sum()) / (1 - 1 / slow)
    error = float(products.std()) * len(products) ** 0.5 / float(weights.sum())
    jitter = max(variance, 0.0) ** 0.5
    # Of a square root; near zero the error is that of what could be there unseen.
    return jitter, error / max(2 * jitter, error**0.5)


def _lattice_mean(part: NDArray[np.float64], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of an image at whole lattice vectors, those along its rows left out."""
    steps = range(-_REPEATS, _REPEATS + 1)
    offsets = [i * vectors[0] + j * vectors[1] for i in steps for j in steps]
    # Shifts of a row or less would compare a row with itself.
    offsets = [each for each in offsets if abs(each[0]) >= 0.4 * np.hypot(*vectors.T).min()]
    y = fft.fftfreq(part.shape[0])[:, None]
    x = fft.rfftfreq(part.shape[1])
    down, across = np.array(offsets).T
    factor = np.exp(-2j * np.pi * y * down) @ np.exp(-2j * np.pi * across[:, None] * x)
    factor /= len(offsets)
    spectrum = fft.rfft2(part - part.mean())
    mean: NDArray[np.float64] = fft.irfft2(spectrum * factor, part.shape) + part.mean()
    return mean


def _moved(
    rows: NDArray[np.float64],
    mean: NDArray[np.float64],
    gradient: NDArray[np.float64],
    slow: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weighted shift of each row against its neighbours, px, and its weight."""
    difference = rows - mean
    difference -= difference.mean(axis=1, keepdims=True)
    weight = (gradient**2).sum(axis=1)
    shift = -(difference * gradient).sum(axis=1)
    drift = ndimage.uniform_filter1d(shift, slow) / ndimage.uniform_filter1d(weight, slow)
    return np.asarray(shift - drift * weight), np.asarray(weight)


def _affine(vectors: NDArray[np.float64], angle_deg: float, ratio: float) -> tuple[float, float]:
    """Return the anisotropic stretch in percent and the change of the angle in degrees."""
    lengths = np.hypot(*vectors.T)
    cosine = float(vectors[0] @ vectors[1] / lengths.prod())
    angle = float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    if abs(180 - angle - angle_deg) < abs(angle - angle_deg):
        angle = 180 - angle
    found_ratio = float(max(lengths) / min(lengths))
    expected = _basis(ratio, angle_deg)
    strain = np.linalg.solve(expected, _basis(found_ratio, angle))
    stretches = np.linalg.svd(strain, compute_uv=False)
    return 100 * float(stretches[0] / stretches[1] - 1), angle - angle_deg


def _basis(ratio: float, angle_deg: float) -> NDArray[np.float64]:
    angle = np.radians(angle_deg)
    return np.array([[1.0, 0.0], [ratio * np.cos(angle), ratio * np.sin(angle)]])
