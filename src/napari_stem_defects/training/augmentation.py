"""Many honest windows from few labels: other orientations, magnifications, doses and drifts.

A whole parent image is transformed at once and its sites with it, so that windows are cut from
pixels that were measured; nothing is invented at their borders. What lies outside the parent
becomes 0 after flattening, which is also what a window at the border of an image sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates, zoom

from napari_stem_defects.preprocessing.pipeline import (
    filter_image,
    normalise,
)

if TYPE_CHECKING:
    from napari_stem_defects.preprocessing.settings import (
        PreprocessingSettings,
    )

Image = NDArray[np.float32]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Augmentation:
    """How far a view may differ from its parent; pairs are ranges drawn from uniformly.

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
        Counting noise grows with intensity, so half of its variance does.
    jitter_px : float
        Largest standard deviation of the scan lines' displacement.
    gamma : (float, float)
        Exponent of the intensities (thickness, detector), drawn log-uniformly.
    background : float
        Largest slow variation added, as a share of the image's contrast.
    haze : float
        Largest standard deviation of lumps of foreign matter where it lies thickest, as a share
        of the image's contrast. Lumps are wider than columns and lie in some places only, so
        that no filter of preprocessing removes them.
    haze_px : (float, float)
        Standard deviation of the Gaussian that a lump is, drawn log-uniformly.
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
        """Return the ranges as plain JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }


def turned_view(
    image: Image, points: Points, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[Image, Points, NDArray[np.bool_]]:
    """Turn, mirror, magnify and shear a parent image freely.

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
        Where the sites went; some lie outside.
    outside : ndarray of bool, shape (Y, X)
        Pixels that the parent does not cover.
    """
    matrix = _random_matrix(augmentation, rng)
    centre = (np.array(image.shape) - 1) / 2
    # Look at a random part of a magnified image, so that its border is seen as well.
    target = centre + rng.uniform(-0.25, 0.25, 2) * image.shape
    inverse = np.linalg.inv(matrix)
    offset = target - inverse @ centre
    # Mirrored beyond its border, as the blurs of `filter_image` see an image in detection.
    view = affine_transform(image, inverse, offset, order=3, mode="mirror")
    inside = affine_transform(np.ones_like(image), inverse, offset, order=1, mode="constant")
    moved = (points - target) @ matrix.T + centre
    return view.astype(np.float32), moved, inside < 0.99


def _random_matrix(augmentation: Augmentation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the 2x2 matrix that takes (y, x) offsets of the parent to those of the view."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shear = np.eye(2)
    shear[tuple(rng.permutation(2))] = rng.uniform(-1, 1) * augmentation.shear
    mirror = np.diag([1.0, rng.choice([-1.0, 1.0])])
    scale = np.exp(rng.uniform(*np.log(augmentation.scale)))
    matrix: NDArray[np.float64] = scale * turn @ shear @ mirror
    return matrix


def quarter_view(image: Image, rng: np.random.Generator) -> Image:
    """Turn a square patch by 0, 90, 180 or 270 degrees, as the abstract does."""
    return np.ascontiguousarray(np.rot90(image, int(rng.integers(4))))


def square_view(image: Image, number: int) -> Image:
    """Return one of the eight ways to lay down a square patch (Y, X).

    0 to 3 are the abstract's quarter turns, 0 the patch as it is; 4 to 7 those of its mirror
    image; then it begins anew.
    """
    mirrored = image[:, ::-1] if number % 8 >= 4 else image
    return np.ascontiguousarray(np.rot90(mirrored, number % 4))


def disturbed(image: Image, augmentation: Augmentation, rng: np.random.Generator) -> Image:
    """Give an image (Y, X) another dose, focus, scan, contrast and background.

    How strong each disturbance is is drawn anew for every call, weak ones as often as strong.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
    augmentation : Augmentation
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Not negative.
    """
    picture = normalise(image) ** np.float32(np.exp(rng.uniform(*np.log(augmentation.gamma))))
    picture = _jittered(picture, rng.uniform(0, augmentation.jitter_px), rng)
    picture = gaussian_filter(picture, rng.uniform(0, augmentation.blur_px) * (rng.random() < 0.5))
    contrast = float(picture.std())
    strength = rng.uniform(0, augmentation.noise) * contrast
    counting = np.sqrt(np.maximum(picture, 0) / max(float(picture.mean()), 1e-6))
    noise = rng.standard_normal((2, *picture.shape), dtype=np.float32)
    noisy = picture + strength * np.sqrt(0.5) * (noise[0] + counting * noise[1])
    slow = _slow(image.shape, rng) * rng.uniform(0, augmentation.background) * contrast
    uneven = noisy + slow + contrast * _haze(image.shape, augmentation, rng)
    result: Image = (uneven - min(float(uneven.min()), 0.0)).astype(np.float32)
    return result


def _slow(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a field (Y, X) that varies over a quarter of it, of a standard deviation near 1."""
    nodes = rng.standard_normal((4, 4))
    scale = np.array(shape) / 4
    slow: NDArray[np.float64] = zoom(nodes, scale, order=3, grid_mode=True, mode="nearest")
    return slow


def _haze(
    shape: tuple[int, ...], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return lumps (Y, X) where a slow field is positive, in units of the image's contrast."""
    if augmentation.haze == 0:
        return np.zeros(shape, np.float32)
    width = np.exp(rng.uniform(*np.log(augmentation.haze_px)))
    lumps = gaussian_filter(rng.standard_normal(shape, dtype=np.float32), width)
    lumps *= rng.uniform(0, augmentation.haze) / max(float(lumps.std()), 1e-6)
    there = np.clip(_slow(shape, rng), 0, 1)
    haze: NDArray[np.float32] = (lumps * there).astype(np.float32)
    return haze


def _jittered(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    """Displace every scan line along itself by a random fraction of a pixel."""
    places = np.indices(image.shape, dtype=np.float32)
    places[1] += rng.normal(0, sigma, (len(image), 1)).astype(np.float32)
    moved: Image = map_coordinates(image, places, order=1, mode="nearest")
    return moved


def flat_view(
    image: Image,
    points: Points,
    preprocessing: PreprocessingSettings,
    augmentation: Augmentation,
    rng: np.random.Generator,
) -> tuple[Image, Points]:
    """Return a turned and disturbed view of a parent, flattened, with its sites.

    Parameters are those of `turned_view`. Pixels outside the parent are 0, as beyond the border
    in detection.
    """
    view, moved, outside = turned_view(image, points, augmentation, rng)
    flat = filter_image(disturbed(view, augmentation, rng), preprocessing)
    flat[outside] = 0
    return flat, moved
