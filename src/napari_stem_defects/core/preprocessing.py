"""The five preprocessing stages, the same for preview, training and detection.

(a) original -> (b) normalised by the maximum intensity -> (c) lightly smoothed and freed of its
background -> (d) log magnitude of the 2-D Fourier transform -> (e) the same above a threshold.

Stages b and c (`flatten`) are computed once for a whole image, because a Gaussian blur of an
image and of a patch cut from it agree everywhere but at the patch's border. Stages d and e
(`features`) are computed once per window and shared by all members of an ensemble.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from napari_stem_defects.core.blurring import blur
from napari_stem_defects.core.flat_strips import CONTRAST_FLOOR, NO_SIGNAL, FlatStrips
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

Image = NDArray[np.float32]
Representation = Literal["fft", "real", "fft+real"]
Window = Literal["hann", "none"]
Indices = NDArray[np.int64]

# Images of more pixels are flattened in strips.
LARGE_PX = 2**22
# No atomic pattern needs a larger window, and a model file may not ask for boundless memory.
LARGEST_PATCH_PX = 512


@dataclass(frozen=True)
class Preprocessing:
    """Parameters of the stages; lengths are in px of the model's pixel size.

    Attributes
    ----------
    patch_px : int
        Edge of the square window the network sees, even.
    smoothing_px : float
        Standard deviation of the light Gaussian smoothing; 0 leaves it out.
    background_px : float
        Standard deviation of the Gaussian blur that is taken for the background and subtracted.
    contrast_px : float
        Standard deviation of the Gaussian over which local contrast is evened out; 0 leaves it
        out, and every window is divided by its own largest magnitude instead.
    window : {"hann", "none"}
        Weight over the patch before it is transformed. "hann" makes the answer speak of the
        patch's centre, because a Fourier magnitude by itself has no position; "none" is the
        abstract's. The patch itself has positions and is never weighted.
    threshold : float
        Log magnitudes below this share of the window's largest one up to the cutoff become 0.
    cutoff : float
        Highest spatial frequency kept, in cycles per px (0.5 keeps all).
    representation : {"fft", "real", "fft+real"}
        What the network sees: the thresholded spectrum, the flattened patch, or both.
    """

    patch_px: int = 64
    smoothing_px: float = 1.0
    background_px: float = 12.0
    contrast_px: float = 24.0
    window: Window = "hann"
    threshold: float = 0.0
    cutoff: float = 0.375
    representation: Representation = "fft"

    def __post_init__(self) -> None:
        """Refuse values no stage can work with."""
        checks = {
            "patch_px": isinstance(self.patch_px, int)
            and 16 <= self.patch_px <= LARGEST_PATCH_PX
            and self.patch_px % 2 == 0,
            "smoothing_px": 0 <= self.smoothing_px <= 20,
            "background_px": 1 <= self.background_px <= 1000,
            "contrast_px": 0 <= self.contrast_px <= 1000,
            "window": self.window in get_args(Window),
            "threshold": 0 <= self.threshold < 1,
            "cutoff": 0.1 <= self.cutoff <= 0.5,
            "representation": self.representation in get_args(Representation),
        }
        for name, good in checks.items():
            if not good:
                raise InputError(f"preprocessing: {name}={getattr(self, name)!r} is out of range")

    @classmethod
    def paper(cls) -> Preprocessing:
        """Return the configuration of Marvin et al.: un-windowed, thresholded FFT magnitude."""
        return cls(smoothing_px=0.5, contrast_px=0.0, window="none", threshold=0.2, cutoff=0.5)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Read what `to_dict` wrote; unknown or missing names are an `InputError`."""
        known = {item.name for item in fields(cls)}
        if set(values) != known:
            odd = ", ".join(sorted(set(values) ^ known))
            raise InputError(f"preprocessing: unknown or missing parameters: {odd}")
        return cls(**values)


class Stages(NamedTuple):
    """The five stages of one image or patch, float32 arrays of the input's shape (Y, X).

    ``spectrum`` and ``thresholded`` are centred (zero frequency at ``shape // 2``).
    """

    original: Image
    normalised: Image
    flattened: Image
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
    lowest = image.min(axis=(-2, -1), keepdims=True)
    shifted = image - np.minimum(lowest, 0)
    highest = shifted.max(axis=(-2, -1), keepdims=True)
    normalised: Image = np.divide(shifted, highest, out=np.zeros_like(shifted), where=highest > 0)
    return normalised


def flatten(image: Image, settings: Preprocessing) -> Image:
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
    normal = normalise(image)
    smooth = blur(normal, settings.smoothing_px)
    flat = smooth - blur(normal, float(np.hypot(settings.background_px, settings.smoothing_px)))
    overall = np.sqrt(np.mean(flat**2, axis=(-2, -1), keepdims=True))
    flat = np.where(overall > NO_SIGNAL, flat, np.float32(0))
    if settings.contrast_px == 0:
        return flat
    local = np.sqrt(np.maximum(blur(flat**2, settings.contrast_px), 0))
    floor = np.maximum(CONTRAST_FLOOR * overall, NO_SIGNAL)
    evened: Image = flat / np.maximum(local, floor)
    return evened


def look_at_flattened(image: Image, settings: Preprocessing) -> Image | FlatStrips:
    """Return what `flatten` returns, of a large image computed only where it is looked at."""
    if image.size > LARGE_PX:
        return FlatStrips(np.ascontiguousarray(image, dtype=np.float32), settings)
    return flatten(image, settings)


def _flatten_in_strips(image: Image, settings: Preprocessing) -> Image:
    """Do what `flatten` does to a large image (Y, X), holding only its result beside it."""
    strips, flat = FlatStrips(image, settings), np.empty_like(image)
    for rows in strips.strips():
        flat[rows] = strips[rows, slice(None)]
    return flat


def features(patches: Image, settings: Preprocessing) -> dict[str, Image]:
    """Return what the network sees of flattened patches.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, P, P)
        Patches cut from what `flatten` returned, P = ``settings.patch_px``.
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


def feature_shapes(settings: Preprocessing) -> dict[str, tuple[int, int, int]]:
    """Return the shape (channels, rows, columns) of each array `features` gives."""
    blank = np.zeros((1, settings.patch_px, settings.patch_px), np.float32)
    shapes = {}
    for name, array in features(blank, settings).items():
        channels, rows, columns = array.shape[1:]
        shapes[name] = (channels, rows, columns)
    return shapes


def stages(image: Image, settings: Preprocessing) -> Stages:
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
    flattened = flatten(original, settings)
    weighted = _weighted(_levelled(flattened, settings), settings)
    spectrum = _log_magnitude(scipy.fft.fft2(weighted))
    rows, columns = _kept(original.shape, settings)
    limit = settings.threshold * spectrum[np.ix_(rows, columns)].max(initial=0)
    centred = scipy.fft.fftshift(spectrum)
    return Stages(original, normalise(original), flattened, centred, _above(centred, limit))


def _levelled(flattened: Image, settings: Preprocessing) -> Image:
    """Bring flattened images (..., Y, X) to the same strength, if `flatten` has not."""
    return flattened if settings.contrast_px else _by_own_maximum(flattened)


def _weighted(flattened: Image, settings: Preprocessing) -> Image:
    """Return what is transformed: images (..., Y, X) under the window function."""
    if settings.window == "none":
        return flattened
    return flattened * np.outer(*(_hann(length) for length in flattened.shape[-2:]))


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


def _half_spectrum(patches: Image, settings: Preprocessing) -> Image:
    """Return log1p |FFT| at the frequencies that are `_kept`."""
    rows, columns = _kept(patches.shape[-2:], settings)
    workers = os.cpu_count()
    transform = scipy.fft.rfft(patches, axis=-1, workers=workers)[..., : len(columns)]
    transform = scipy.fft.fft(transform, axis=-2, workers=workers)
    return _log_magnitude(transform[..., rows, :])


def _kept(shape: tuple[int, ...], settings: Preprocessing) -> tuple[Indices, Indices]:
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
