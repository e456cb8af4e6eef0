"""Reading of image files as micrographs, whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from napari_stem_defects.base.paths import to_path
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.convert import to_pixels
from napari_stem_defects.io.images.library_faults import in_one_line
from napari_stem_defects.io.images.limits import memory_limit
from napari_stem_defects.io.images.signal_micrograph import chosen_image, stored_signals
from napari_stem_defects.io.images.signals import (
    ChosenSignal,
    SignalChoice,
    SignalInfo,
    StoredSignal,
    choose_signal,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph

# More are maps of elements rather than images of detectors.
_MOST_SIGNALS = 24


def read(
    path: str | Path, *, pixel_size_nm: float | None = None, signal: str | int | None = None
) -> Micrograph:
    """Read an image or a stack of frames from a file.

    Supported formats are TIFF (also OME-TIFF, ImageJ and DigitalMicrograph exports), PNG, JPEG,
    NPY, NPZ, MRC (also packed, ``.mrc.gz``) and Nion Swift's ``.ndata``; with the optional extra
    ``formats`` also DM3, DM4, EMD (Velox, NCEM), TIA SER, HyperSpy (``.hspy``, ``.zspy``), HDF5 of
    Nion Swift, py4DSTEM and pyNSID, and Zarr folders. Of several signals the
    one that shows a lattice best is read: an image of a detector before maps of elements, at
    atomic scale before a survey image, HAADF before others, raw numbers before 8-bit copies, the
    largest; `list_signals` lists them.

    Parameters
    ----------
    path : str or Path
        A file with one of the supported suffixes.
    pixel_size_nm : float, optional
        Edge of a pixel in nm; replaces the pixel size in the file.
    signal : str or int, optional
        Of a file with several signals, the name of the one to read, or its number from 0.

    Returns
    -------
    Micrograph
        Image (Y, X) or stack (T, Y, X); ``notes`` lists the conversions, one sentence each.

    Raises
    ------
    ReadError
        The file is missing, damaged, too big, not a micrograph, has no such signal or the wrong
        suffix. The message is one line: file, fault, advice.
    InputError
        ``pixel_size_nm`` is not a positive length.

    Notes
    -----
    Pixels are converted to float32 without rescaling. Three equal colour channels are read as
    grey, other colours as their luminance (0.299 R + 0.587 G + 0.114 B); alpha is ignored.
    Complex values become their magnitude; Fourier transforms and diffraction patterns are refused.
    Pixels that are NaN or infinite, and those under marks burned into the image (scale bars, data
    bars, text), are marked in ``invalid`` and filled with the median of their frame.

    The pixel size is None if it is missing, implausible (outside 1e-4 to 1e3 nm, such as a print
    resolution), or not square within 1 %.

    Examples
    --------
    >>> import numpy as np
    >>> np.save("lamella.npy", np.arange(12, dtype=np.uint16).reshape(3, 4))
    >>> micrograph = sd.read("lamella.npy", pixel_size_nm=0.02)
    >>> micrograph.name, micrograph.frame_shape, micrograph.pixel_size_nm
    ('lamella', (3, 4), 0.02)
    """
    path = to_path(path)

    def load(messages: list[str]) -> Micrograph:
        micrograph = _micrograph(path, stored_signals(path), signal, messages)
        if pixel_size_nm is None:
            return micrograph
        return micrograph.with_pixel_size(pixel_size_nm, "user")

    return in_one_line(path, load)


def list_signals(path: str | Path) -> list[SignalInfo]:
    """List the signals of a file, also those that are no micrographs.

    Parameters
    ----------
    path : str or Path
        A file with one of the supported suffixes.

    Returns
    -------
    list of SignalInfo
        In the order of the file; their places are the numbers that `read` takes as ``signal``.

    Raises
    ------
    ReadError
        The file is missing, damaged, too big or has the wrong suffix.

    Examples
    --------
    >>> import numpy as np
    >>> np.savez("both.npz", haadf=np.ones((64, 96)), survey=np.ones((32, 32)))
    >>> [(signal.title, signal.shape) for signal in sd.list_signals("both.npz")]
    [('haadf', (64, 96)), ('survey', (32, 32))]
    >>> sd.read("both.npz", signal="survey").frame_shape
    (32, 32)
    """
    path = to_path(path)
    return in_one_line(path, lambda _: [each.info for each in stored_signals(path)])


def signals_and_choice(
    path: str | Path, signal: SignalChoice = None
) -> tuple[list[SignalInfo], ChosenSignal | str]:
    """Return the signals of a file and which would be read.

    Parameters
    ----------
    path : str or Path
        A file with one of the supported suffixes.
    signal : str, int or None
        The signal to read; see `read`.

    Returns
    -------
    signals : list of SignalInfo
    chosen : ChosenSignal or str
        The signal that `read` reads, or the message why none is read.

    Raises
    ------
    ReadError
        The file is missing, damaged, too big or has the wrong suffix.
    """
    signals = list_signals(path)
    try:
        return signals, choose_signal(to_path(path), signals, signal)
    except InputError as error:
        return signals, str(error)


def read_all(path: str | Path) -> tuple[list[Micrograph], int]:
    """Read every signal of a file that is a micrograph.

    Parameters
    ----------
    path : str or Path
        A file with one of the supported suffixes.

    Returns
    -------
    micrographs : list of Micrograph
        In the order of the file; the default alone where all together need too much memory.
    default : int
        The place in the list of the one that `read` reads.

    Raises
    ------
    ReadError
        The file is missing, damaged, too big, has the wrong suffix or holds no micrograph.
    """
    path = to_path(path)

    def load(messages: list[str]) -> tuple[list[Micrograph], int]:
        signals = stored_signals(path)
        infos = [each.info for each in signals]
        default = choose_signal(path, infos).number
        readable = [number for number, info in enumerate(infos) if not info.fault]
        needed = sum(4 * math.prod(infos[number].shape) for number in readable)
        if needed > memory_limit() // 2 or len(readable) > _MOST_SIGNALS:
            readable = [default]
        found = [
            _micrograph(path, signals, None if number == default else number, messages)
            for number in readable
        ]
        return found, readable.index(default)

    return in_one_line(path, load)


def _micrograph(
    path: Path, signals: Sequence[StoredSignal], signal: SignalChoice, messages: list[str]
) -> Micrograph:
    chosen = chosen_image(path, signals, signal, messages)
    pixels, invalid, conversions = to_pixels(chosen.raw, copy=False)
    return chosen.micrograph(pixels, invalid, conversions, messages)
