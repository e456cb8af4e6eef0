"""The five preprocessing stages, the same for preview, training and detection.

(a) original -> (b) normalised by the maximum intensity -> (c) lightly smoothed and freed of its
background -> (d) log magnitude of the 2-D Fourier transform -> (e) the same above a threshold.

Stages b and c (`filter_image`) are computed once for a whole image, because a Gaussian blur of an
image and of a patch cut from it agree everywhere but at the patch's border. Stages d and e
(`features`) are computed once per window and shared by all members of an ensemble.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_stem_defects.preprocessing.filters import (
    NO_SIGNAL,
    normalise_contrast,
    normalise_intensity,
    subtract_background,
)
from napari_stem_defects.preprocessing.tiled import TiledFilter

if TYPE_CHECKING:
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings

Image = NDArray[np.float32]
Indices = NDArray[np.int64]

# Images of more pixels are flattened in strips.
LARGE_PX = 2**22


class Stages(NamedTuple):
    """The five stages of one image or patch, float32 arrays of the input's shape (Y, X).

    ``spectrum`` and ``thresholded`` are centred (zero frequency at ``shape // 2``).
    """

    original: Image
    normalised: Image
    background_removed: Image
    spectrum: Image
    thresholded: Image


def normalise(image: Image) -> Image:
    """Divide by the maximum intensity (stage b).

    Where intensities are negative, the lowest is made 0 first; an image of zeros stays zero.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
        Finite intensities. Each image of a batch is normalised by its own maximum.

    Returns
    -------
    ndarray of float32, the input's shape
        0 to 1.
    """
    lowest = np.minimum(image.min(axis=(-2, -1), keepdims=True), np.float32(0))
    span = image.max(axis=(-2, -1), keepdims=True) - lowest
    return normalise_intensity(image, lowest, span)


def filter_image(image: Image, settings: PreprocessingSettings) -> Image:
    """Return stage c: normalised, smoothed, background removed, local contrast evened out.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X) or (N, Y, X)
        Finite intensities; the images of a batch do not influence one another.
    settings : Preprocessing

    Returns
    -------
    ndarray of float32, the input's shape
        Zero-mean on the scale of ``background_px``; all zero where the image is constant.
    """
    image = np.ascontiguousarray(image, dtype=np.float32)
    if image.ndim == 2 and image.size > LARGE_PX:
        return _flatten_in_strips(image, settings)
    flat = subtract_background(normalise(image), settings.background_px, settings.smoothing_px)
    overall = np.sqrt(np.mean(flat**2, axis=(-2, -1), keepdims=True))
    flat = np.where(overall > NO_SIGNAL, flat, np.float32(0))
    if settings.contrast_px == 0:
        return flat
    return normalise_contrast(flat, settings.contrast_px, overall)


def filter_lazily(image: Image, settings: PreprocessingSettings) -> Image | TiledFilter:
    """Return what `filter_image` returns, of a large image computed only where it is looked at."""
    if image.size > LARGE_PX:
        return TiledFilter(np.ascontiguousarray(image, dtype=np.float32), settings)
    return filter_image(image, settings)


def _flatten_in_strips(image: Image, settings: PreprocessingSettings) -> Image:
    """Do what `filter_image` does to a large image (Y, X), holding only its result beside it."""
    strips, flat = TiledFilter(image, settings), np.empty_like(image)
    for rows in strips.strips():
        flat[rows] = strips[rows, slice(None)]
    return flat


def features(patches: Image, settings: PreprocessingSettings) -> dict[str, Image]:
    """Return what the network sees of flattened patches.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
        Patches cut from what `filter_image` returned, P = ``settings.patch_px``.
    settings : Preprocessing

    Returns
    -------
    dict of ndarray of float32
        ``"fft"``: (N, 1, rows, columns), non-redundant half of the thresholded log spectrum
        up to the cutoff, zero frequency in the first column at row ``rows // 2``;
        ``"real"``: (N, 1, P, P), the patch. Only those the representation names.
    """
    levelled = _levelled(patches, settings)
    seen: dict[str, Image] = {}
    if "fft" in settings.representation:
        spectrum = _half_spectrum(_weighted(levelled, settings), settings)
        limit = settings.threshold * spectrum.max(axis=(-2, -1), keepdims=True)
        seen["fft"] = _above(spectrum, limit)[:, None]
    if "real" in settings.representation:
        seen["real"] = levelled[:, None]
    return seen


def feature_shapes(settings: PreprocessingSettings) -> dict[str, tuple[int, int, int]]:
    """Return the shape (channels, rows, columns) of each array `features` gives."""
    blank = np.zeros((1, settings.patch_px, settings.patch_px), np.float32)
    shapes = {}
    for name, array in features(blank, settings).items():
        channels, rows, columns = array.shape[1:]
        shapes[name] = (channels, rows, columns)
    return shapes


def stages(image: Image, settings: PreprocessingSettings) -> Stages:
    """Return the five stages of one image or patch of any size, for people to look at.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Finite intensities.
    settings : Preprocessing

    Notes
    -----
    For a patch of ``settings.patch_px`` these are the numbers `features` gives, the redundant
    half of the spectrum and frequencies above the cutoff included.
    """
    original = np.ascontiguousarray(image, dtype=np.float32)
    filtered = filter_image(original, settings)
    weighted = _weighted(_levelled(filtered, settings), settings)
    spectrum = _log_magnitude(scipy.fft.fft2(weighted))
    rows, columns = _kept(original.shape, settings)
    limit = settings.threshold * spectrum[np.ix_(rows, columns)].max(initial=0)
    centred = scipy.fft.fftshift(spectrum)
    return Stages(original, normalise(original), filtered, centred, _above(centred, limit))


def _levelled(filtered: Image, settings: PreprocessingSettings) -> Image:
    """Bring flattened images (..., Y, X) to the same strength, if `filter_image` has not."""
    return filtered if settings.contrast_px else _by_own_maximum(filtered)


def _weighted(filtered: Image, settings: PreprocessingSettings) -> Image:
    """Return what is transformed: images (..., Y, X) under the window function."""
    if settings.window == "none":
        return filtered
    return filtered * np.outer(*(_hann(length) for length in filtered.shape[-2:]))


def _by_own_maximum(patches: Image) -> Image:
    highest = np.abs(patches).max(axis=(-2, -1), keepdims=True)
    scaled: Image = np.divide(
        patches, highest, out=np.zeros_like(patches), where=highest > NO_SIGNAL
    )
    return scaled


def window_profile(patch_px: int) -> Image:
    """Return the Hann weight (P, P) of a patch, as `features` uses it."""
    return np.outer(_hann(patch_px), _hann(patch_px))


def _hann(length: int) -> Image:
    # The periodic form sampled at pixel centres: symmetric, and never exactly 0.
    return np.sin(np.pi * (np.arange(length) + 0.5) / length).astype(np.float32) ** 2


def _half_spectrum(patches: Image, settings: PreprocessingSettings) -> Image:
    """Return log1p |FFT| at the frequencies that are `_kept`."""
    rows, columns = _kept(patches.shape[-2:], settings)
    workers = os.cpu_count()
    transform = scipy.fft.rfft(patches, axis=-1, workers=workers)[..., : len(columns)]
    transform = scipy.fft.fft(transform, axis=-2, workers=workers)
    return _log_magnitude(transform[..., rows, :])


def _kept(shape: tuple[int, ...], settings: PreprocessingSettings) -> tuple[Indices, Indices]:
    """Return which rows and columns of an uncentred spectrum the networks see.

    Rows run from -k to k-1 and columns from 0 to k, k being the cutoff in Fourier px.
    """
    height, width = shape
    down, across = round(settings.cutoff * height), round(settings.cutoff * width)
    return np.arange(-down, down) % height, np.arange(across + 1)


def _log_magnitude(transform: NDArray[np.complex64]) -> Image:
    return np.log1p(np.abs(transform)).astype(np.float32)


def _above(spectrum: Image, limit: Image | np.float32) -> Image:
    return np.where(spectrum >= limit, spectrum, np.float32(0))
