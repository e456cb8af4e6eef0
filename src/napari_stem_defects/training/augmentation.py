"""Data augmentation: rotated, scaled and degraded views of a labelled image.

A whole image is transformed together with its sites, so that windows are cut from measured pixels
and nothing is invented at their borders. Pixels outside the image become 0 after preprocessing, as
beyond the border of an image in detection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates, zoom

from napari_stem_defects.preprocessing.pipeline import filter_image, normalise

if TYPE_CHECKING:
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings

Image = NDArray[np.float32]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Augmentation:
    """Ranges from which the differences between a view and its image are drawn uniformly.

    Attributes
    ----------
    scale : (float, float)
        Magnification, drawn log-uniformly.
    shear : float
        Largest shear (scan drift) to either side.
    blur_px : float
        Largest standard deviation of additional blur.
    noise : float
        Largest standard deviation of additional noise, as a share of the image's contrast.
        Half of its variance grows with intensity, as counting noise does.
    jitter_px : float
        Largest standard deviation of the scan lines' displacement.
    gamma : (float, float)
        Exponent of the intensities (thickness, detector), drawn log-uniformly.
    background : float
        Largest slow variation added, as a share of the image's contrast.
    haze : float
        Largest standard deviation of lumpy surface contamination at its thickest place, as a
        share of the image's contrast. Lumps are wider than columns and cover parts of the image,
        so that no filter of preprocessing removes them.
    haze_px : (float, float)
        Standard deviation of the Gaussian lumps in px, drawn log-uniformly.
    """

    scale: tuple[float, float] = (0.85, 1.18)
    shear: float = 0.04
    blur_px: float = 1.2
    noise: float = 0.5
    jitter_px: float = 0.4
    gamma: tuple[float, float] = (0.7, 1.5)
    background: float = 1.5
    haze: float = 0.0
    haze_px: tuple[float, float] = (3.0, 9.0)

    def to_dict(self) -> dict[str, Any]:
        """Return the ranges as JSON-safe values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }


def random_affine_view(
    image: Image, points: Points, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[Image, Points, NDArray[np.bool_]]:
    """Rotate, mirror, scale and shear an image randomly.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    points : ndarray of float64, shape (n, 2)
        Sites (y, x) in px.
    augmentation : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    view : ndarray of float32, shape (Y, X)
    points : ndarray of float64, shape (n, 2)
        The sites in the view; some are outside of it.
    outside : ndarray of bool, shape (Y, X)
        Pixels that the image does not cover.
    """
    matrix = _random_matrix(augmentation, rng)
    centre = (np.array(image.shape) - 1) / 2
    # Centre a random part of the image, so that a magnified view shows its border as well.
    target = centre + rng.uniform(-0.25, 0.25, 2) * image.shape
    inverse = np.linalg.inv(matrix)
    offset = target - inverse @ centre
    # Mirrored beyond its border, as by the blurs of `filter_image` in detection.
    view = affine_transform(image, inverse, offset, order=3, mode="mirror")
    inside = affine_transform(np.ones_like(image), inverse, offset, order=1, mode="constant")
    transformed = (points - target) @ matrix.T + centre
    return view.astype(np.float32), transformed, inside < 0.99


def _random_matrix(augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the 2x2 matrix from (y, x) offsets in the image to offsets in the view."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.eye(2)
    shear[tuple(rng.permutation(2))] = rng.uniform(-1, 1) * augmentation.shear
    mirror = np.diag([1.0, rng.choice([-1.0, 1.0])])
    scale = np.exp(rng.uniform(*np.log(augmentation.scale)))
    matrix: NDArray[np.float64] = scale * turn @ shear @ mirror
    return matrix


def random_quarter_turn(image: Image, rng: np.random.Generator) -> Image:
    """Rotate a patch by a random multiple of 90 degrees, as the abstract does.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32
    """
    return np.ascontiguousarray(np.rot90(image, int(rng.integers(4))))


def dihedral_view(image: Image, number: int) -> Image:
    """Apply one of the eight symmetry operations of a square to a patch.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    number : int
        0 to 3 are the quarter turns of the abstract, 0 the unchanged patch; 4 to 7 are those of
        the mirror image. Larger numbers repeat these.

    Returns
    -------
    ndarray of float32
    """
    mirrored = image[:, ::-1] if number % 8 >= 4 else image
    return np.ascontiguousarray(np.rot90(mirrored, number % 4))


def degrade_image(image: Image, augmentation: Augmentation, rng: np.random.Generator) -> Image:
    """Degrade an image: other dose, focus, scan distortion, contrast and background.

    The strength of each degradation is drawn uniformly for every call.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    augmentation : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Intensities, not negative.
    """
    degraded = normalise(image) ** np.float32(np.exp(rng.uniform(*np.log(augmentation.gamma))))
    degraded = _jittered(degraded, rng.uniform(0, augmentation.jitter_px), rng)
    degraded = gaussian_filter(
        degraded, rng.uniform(0, augmentation.blur_px) * (rng.random() < 0.5)
    )
    contrast = float(degraded.std())
    strength = rng.uniform(0, augmentation.noise) * contrast
    counting = np.sqrt(np.maximum(degraded, 0) / max(float(degraded.mean()), 1e-6))
    noise = rng.standard_normal((2, *degraded.shape), dtype=np.float32)
    noisy = degraded + strength * np.sqrt(0.5) * (noise[0] + counting * noise[1])
    slow = _slow_field(image.shape, rng) * rng.uniform(0, augmentation.background) * contrast
    uneven = noisy + slow + contrast * _haze(image.shape, augmentation, rng)
    result: Image = (uneven - min(float(uneven.min()), 0.0)).astype(np.float32)
    return result


def _slow_field(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a smooth random field (Y, X) with a standard deviation near 1."""
    nodes = rng.standard_normal((4, 4))
    scale = np.array(shape) / 4
    slow: NDArray[np.float64] = zoom(nodes, scale, order=3, grid_mode=True, mode="nearest")
    return slow


def _haze(
    shape: tuple[int, ...], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return lumpy contamination (Y, X) in units of the image's contrast."""
    if augmentation.haze == 0:
        return np.zeros(shape, np.float32)
    width = np.exp(rng.uniform(*np.log(augmentation.haze_px)))
    lumps = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), width)
    lumps *= rng.uniform(0, augmentation.haze) / max(float(lumps.std()), 1e-6)
    thickness = np.clip(_slow_field(shape, rng), 0, 1)
    haze: NDArray[np.float32] = (lumps * thickness).astype(np.float32)
    return haze


def _jittered(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    """Displace every scan line along itself by a random fraction of a pixel."""
    coordinates = np.indices(image.shape, dtype=np.float32)
    coordinates[1] += rng.normal(0, sigma, (len(image), 1)).astype(np.float32)
    jittered: Image = map_coordinates(image, coordinates, order=1, mode="nearest")
    return jittered


def filtered_view(
    image: Image,
    points: Points,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[Image, Points]:
    """Return an augmented and preprocessed view of an image with its sites.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    points : ndarray of float64, shape (n, 2)
        Sites (y, x) in px.
    preprocessing : PreprocessingSettings
    augmentation : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    view : ndarray of float32, shape (Y, X)
        Background-subtracted and contrast-normalised; 0 outside the image, as beyond the border
        of an image in detection.
    points : ndarray of float64, shape (n, 2)
        The sites in the view; some are outside of it.
    """
    view, transformed, outside = random_affine_view(image, points, augmentation, rng)
    filtered = filter_image(degrade_image(view, augmentation, rng), preprocessing)
    filtered[outside] = 0
    return filtered, transformed
