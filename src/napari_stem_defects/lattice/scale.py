"""The pixel size of an image and of a model: match them, resample, map positions between both.

Pixel i covers i - 0.5 to i + 0.5, so edges, not centres, scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from skimage.transform import resize

from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.power_spectrum import measure_lattice, pixel_size_from_lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph

# Scales this near to the model's are used as they are: resampling would cost more than it gives.
CLOSE_ENOUGH = 0.02
# Magnifications beyond these leave nothing of the pattern that networks were trained on.
SCALE_LIMITS = (0.1, 10.0)
ORIGINS = {"lattice": "from the lattice", "user": "as given", "simulation": "from the simulation"}

_Positions = TypeVar("_Positions", float, "NDArray[Any]")


@dataclass(frozen=True)
class TargetScale:
    """The scale that an image is brought to.

    Attributes
    ----------
    pixel_size_nm : float or None
        None where the model was trained without calibration: images are used as they are.
    lattice_nm : float or None
        Spacing of the crystal's first reflections, from which an uncalibrated image gets its
        pixel size; None where it is not known.
    window_px : int
        Edge of the sliding window; an image must show at least half of one.
    """

    pixel_size_nm: float | None
    lattice_nm: float | None = None
    window_px: int = 64


@dataclass(frozen=True)
class ScaleMatch:
    """How an image is brought to the pixel size of a model.

    Attributes
    ----------
    micrograph : Micrograph
        The image, calibrated where that was possible.
    factor : float
        Magnification applied before inference; 1 where none is needed or known.
    statement : str
        What was done and why, in one sentence for the user.
    """

    micrograph: Micrograph
    factor: float
    statement: str


def match_scale(micrograph: Micrograph, target: TargetScale) -> ScaleMatch:
    """Decide how a single-frame micrograph is resampled.

    The pixel size comes from the micrograph, or, where it has none, from the lattice in its
    power spectrum and the crystal that the model was trained on.

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
        Where the two pixel sizes are too far apart to be the same kind of image, or the image
        shows less than half a window.
    """
    if target.pixel_size_nm is None:
        return ScaleMatch(
            micrograph, 1.0, "The model has no pixel size; the image is used as it is."
        )
    if micrograph.pixel_size_nm is None:
        micrograph = _calibrated_by_lattice(micrograph, target.lattice_nm)
    size = micrograph.pixel_size_nm
    if size is None:
        return ScaleMatch(
            micrograph, 1.0, "No pixel size and no lattice found; the image is used as it is."
        )
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
    origin = ORIGINS.get(micrograph.pixel_size_source, "from the file")
    if abs(factor - 1) <= CLOSE_ENOUGH:
        return ScaleMatch(
            micrograph, 1.0, f"{size:.4f} nm per px ({origin}) is the model's; used as is."
        )
    return ScaleMatch(
        micrograph,
        factor,
        f"Resampled {factor:.3f} times, from {size:.4f} nm per px ({origin}) to the model's"
        f" {target.pixel_size_nm:.4f}.",
    )


def _calibrated_by_lattice(micrograph: Micrograph, lattice_nm: float | None) -> Micrograph:
    lattice = None if lattice_nm is None else measure_lattice(micrograph.pixels)
    if lattice is None or lattice_nm is None:
        return micrograph
    return micrograph.with_pixel_size(pixel_size_from_lattice(lattice, lattice_nm), "lattice")


def resample(pixels: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    """Magnify an image by cubic interpolation, with a low-pass filter where it shrinks.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
    factor : float
        Magnification; 1 returns the image itself.

    Returns
    -------
    ndarray of float32, shape (round(Y * factor), round(X * factor))
        At least one pixel along either axis.
    """
    if factor == 1:
        return pixels
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
        Positions along one axis, or both; the centre of pixel i is i.
    factor : float
        Size of a pixel before over its size after.
    """
    return (positions + 0.5) * factor - 0.5
