"""The five preprocessing stages, the same for preview, training and detection.

a. Original image.
b. Normalised by the maximum intensity.
c. Lightly smoothed, background subtracted, local contrast normalised (`filter_image`).
d. Log magnitude of the 2-D Fourier transform.
e. The same above a threshold.

Stages b and c are computed once for a whole image: a Gaussian blur of an image and of a patch of it
agree everywhere except at the border of the patch. Stages d and e (`features`) are computed once
per window and shared by all members of an ensemble.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_stem_defects.base.cores import usable_cores
from napari_stem_defects.errors import InputError
from napari_stem_defects.preprocessing.filters import (
    NO_SIGNAL,
    normalise_contrast,
    normalise_intensity,
    subtract_background,
)
from napari_stem_defects.preprocessing.tiled import TiledFilter, filter_in_strips

if TYPE_CHECKING:
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings

Image = NDArray[np.float32]
Indices = NDArray[np.int64]

# Images with more pixels are filtered in strips, and those with many more only on access: in
# memory a filtered image is as large as the image.
LARGE_PX = 2**22
HUGE_PX = 2**25


class Stages(NamedTuple):
    """The five stages of one image or patch, float32 arrays of the input's shape (Y, X).

    Attributes
    ----------
    original : ndarray
        Stage a: intensities in the units of the file.
    normalised : ndarray
        Stage b: intensities from 0 to 1.
    background_removed : ndarray
        Stage c: after background subtraction and local contrast normalisation.
    spectrum, thresholded : ndarray
        Stages d and e, centred: the zero frequency is at ``shape // 2``.

    Examples
    --------
    >>> image = sd.simulate(size=128).micrograph.pixels
    >>> found = sd.preprocess(image, sd.PreprocessingSettings())
    >>> found.background_removed.shape
    (128, 128)
    """

    original: Image
    normalised: Image
    background_removed: Image
    spectrum: Image
    thresholded: Image

    def __repr__(self) -> str:
        return f"Stages({', '.join(self._fields)}; each of shape {self.original.shape})"


def normalise(image: Image) -> Image:
    """Divide images by their maximum intensity (stage b).

    If intensities are negative, the lowest is mapped to 0; an image of zeros stays zero.

    Parameters
    ----------
    image : ndarray of float32, shape (..., Y, X)
        Finite intensities. Each image of a batch is normalised by its own maximum.

    Returns
    -------
    ndarray of float32, shape of ``image``
        Intensities from 0 to 1.
    """
    lowest = np.minimum(image.min(axis=(-2, -1), keepdims=True), np.float32(0))
    span = image.max(axis=(-2, -1), keepdims=True) - lowest
    return normalise_intensity(image, lowest, span)


def filter_image(image: Image, settings: PreprocessingSettings) -> Image:
    """Subtract the background and normalise the local contrast of images (stage c).

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X) or (N, Y, X)
        Finite intensities. Each image of a batch is filtered separately.
    settings : PreprocessingSettings
        Smoothing, background and contrast.

    Returns
    -------
    ndarray of float32, shape of ``image``
        Zero-mean on the scale of ``background_px``; all zero if the image is constant. A lattice
        residual, which is filtered already, is returned as it is.
    """
    if settings.is_residual:
        return image
    image = np.ascontiguousarray(image, dtype=np.float32)
    if image.ndim == 2 and image.size > LARGE_PX:
        return filter_in_strips(image, settings)
    filtered = subtract_background(normalise(image), settings.background_px, settings.smoothing_px)
    overall = np.sqrt(np.mean(filtered**2, axis=(-2, -1), keepdims=True))
    filtered = np.where(overall > NO_SIGNAL, filtered, np.float32(0))
    if settings.contrast_px == 0:
        return filtered
    return normalise_contrast(filtered, settings.contrast_px, overall)


def filter_lazily(image: Image, settings: PreprocessingSettings) -> Image | TiledFilter:
    """Apply `filter_image`, to a huge image only where the result is accessed.

    Parameters
    ----------
    image : ndarray of float32, shape (Y, X)
        Finite intensities.
    settings : PreprocessingSettings
        Smoothing, background and contrast.

    Returns
    -------
    ndarray of float32, shape (Y, X), or TiledFilter
        The latter if the image has more than `HUGE_PX` pixels.
    """
    if image.size > HUGE_PX and not settings.is_residual:
        return TiledFilter(np.ascontiguousarray(image, dtype=np.float32), settings)
    return filter_image(image, settings)


def features(patches: Image, settings: PreprocessingSettings) -> dict[str, Image]:
    """Compute the input of the networks from filtered patches (stages d and e).

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
        Patches of an image from `filter_image`; P is ``settings.patch_px``.
    settings : PreprocessingSettings
        Representation, window function, cutoff and threshold.

    Returns
    -------
    dict of ndarray of float32
        ``"fft"``: the non-redundant half of the thresholded log spectrum up to the cutoff, shape
        (N, 1, rows, columns); the zero frequency is in the first column at row ``rows // 2``.
        ``"real"``: the patch, shape (N, 1, P, P). ``"residual"``: the patch of the lattice
        residual, of the same shape. Only those that the representation names.
    """
    if settings.is_residual:
        return {"residual": patches[:, None]}
    scaled = _scale_patches(patches, settings)
    network_input: dict[str, Image] = {}
    if "fft" in settings.representation:
        spectrum = _half_spectrum(_apply_window(scaled, settings), settings)
        limit = settings.threshold * spectrum.max(axis=(-2, -1), keepdims=True)
        network_input["fft"] = _apply_threshold(spectrum, limit)[:, None]
    if "real" in settings.representation:
        network_input["real"] = scaled[:, None]
    return network_input


def feature_shapes(settings: PreprocessingSettings) -> dict[str, tuple[int, int, int]]:
    """Return the shape of each array that `features` computes.

    Parameters
    ----------
    settings : PreprocessingSettings

    Returns
    -------
    dict of str to (int, int, int)
        Channels, rows and columns.
    """
    blank = np.zeros((1, settings.patch_px, settings.patch_px), np.float32)
    shapes = {}
    for name, array in features(blank, settings).items():
        channels, rows, columns = array.shape[1:]
        shapes[name] = (channels, rows, columns)
    return shapes


def stages(image: Image, settings: PreprocessingSettings) -> Stages:
    """Return the five stages of one image or patch of any size for display.

    Parameters
    ----------
    image : ndarray, shape (Y, X)
        Finite intensities.
    settings : PreprocessingSettings
        Parameters of all stages.

    Returns
    -------
    Stages

    Raises
    ------
    InputError
        If the image is not one frame of at least one pixel.

    Notes
    -----
    For a patch of ``settings.patch_px`` these are the values of `features`, with the redundant half
    of the spectrum and the frequencies above the cutoff.

    Examples
    --------
    >>> image = sd.simulate(size=128).micrograph.pixels
    >>> found = sd.preprocess(image, sd.PreprocessingSettings(threshold=0.3))
    >>> bool(found.normalised.max() == 1)
    True
    """
    original = np.ascontiguousarray(image, dtype=np.float32)
    if original.ndim != 2 or original.size == 0:
        raise InputError(f"image of shape {original.shape}: give one frame of shape (Y, X)")
    # A lattice residual has no stages of its own: those of the image it is computed from are shown.
    shown = replace(settings, representation="real") if settings.is_residual else settings
    filtered = filter_image(original, shown)
    windowed = _apply_window(_scale_patches(filtered, settings), settings)
    spectrum = _log_magnitude(scipy.fft.fft2(windowed))
    rows, columns = _frequency_indices(original.shape, settings)
    limit = settings.threshold * spectrum[np.ix_(rows, columns)].max(initial=0)
    centred = scipy.fft.fftshift(spectrum)
    return Stages(
        original, normalise(original), filtered, centred, _apply_threshold(centred, limit)
    )


def _scale_patches(filtered: Image, settings: PreprocessingSettings) -> Image:
    """Scale filtered images (..., Y, X) to a common contrast, if `filter_image` did not."""
    return filtered if settings.contrast_px else _divide_by_maximum(filtered)


def _apply_window(filtered: Image, settings: PreprocessingSettings) -> Image:
    """Multiply images (..., Y, X) by the window function."""
    if settings.window == "none":
        return filtered
    return filtered * np.outer(*(_hann(length) for length in filtered.shape[-2:]))


def _divide_by_maximum(patches: Image) -> Image:
    highest = np.abs(patches).max(axis=(-2, -1), keepdims=True)
    scaled: Image = np.divide(
        patches, highest, out=np.zeros_like(patches), where=highest > NO_SIGNAL
    )
    return scaled


def window_profile(patch_px: int) -> Image:
    """Return the Hann window of a patch that `features` uses.

    Parameters
    ----------
    patch_px : int
        Edge P of the patch in px.

    Returns
    -------
    ndarray of float32, shape (P, P)
    """
    return np.outer(_hann(patch_px), _hann(patch_px))


def _hann(length: int) -> Image:
    # The periodic form sampled at pixel centres: symmetric, and never exactly 0.
    return np.sin(np.pi * (np.arange(length) + 0.5) / length).astype(np.float32) ** 2


def _half_spectrum(patches: Image, settings: PreprocessingSettings) -> Image:
    """Return log1p |FFT| of patches (N, P, P) at the `_frequency_indices`."""
    rows, columns = _frequency_indices(patches.shape[-2:], settings)
    workers = usable_cores()
    transform = scipy.fft.rfft(patches, axis=-1, workers=workers)[..., : len(columns)]
    transform = scipy.fft.fft(transform, axis=-2, workers=workers)
    return _log_magnitude(transform[..., rows, :])


def _frequency_indices(
    shape: tuple[int, ...], settings: PreprocessingSettings
) -> tuple[Indices, Indices]:
    """Return the rows and columns of an uncentred spectrum that are input of the networks.

    Rows run from -k to k - 1 and columns from 0 to k, where k is the cutoff in Fourier px.
    """
    height, width = shape
    down, across = round(settings.cutoff * height), round(settings.cutoff * width)
    return np.arange(-down, down) % height, np.arange(across + 1)


def _log_magnitude(transform: NDArray[np.complex64]) -> Image:
    return np.log1p(np.abs(transform)).astype(np.float32)


def _apply_threshold(spectrum: Image, limit: Image | np.float32) -> Image:
    return np.where(spectrum >= limit, spectrum, np.float32(0))
