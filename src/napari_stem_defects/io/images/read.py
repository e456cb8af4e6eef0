"""Reading of image files as micrographs.

For damaged files the loaders raise more than twenty kinds of exceptions of their libraries;
`read` turns each of them into a `ReadError` with a message of one line.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images.convert import NotAnImage, to_pixels
from napari_stem_defects.io.images.formats import (
    EXPORT_AGAIN,
    IMAGE_SUFFIXES,
    format_of,
)
from napari_stem_defects.io.images.limits import memory_limit
from napari_stem_defects.io.images.missing_package import missing_package
from napari_stem_defects.io.images.pixel_size import square_pixel
from napari_stem_defects.io.images.signals import (
    ChosenSignal,
    SignalChoice,
    SignalInfo,
    StoredSignal,
    choose_signal,
    with_unique_titles,
)
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

_logger = logging.getLogger(__name__)

# More are maps of elements rather than images of detectors.
_MOST_SIGNALS = 24
# tifffile reads a stack that was cut short as its first frame and only logs one of these.
_CUT_SHORT = ("invalid page offset", "metadata invalid or corrupted")
# What HDF5 writes about data packed by a filter that is not installed.
_PACKED = ("required filter", "can't open directory", "can't open plugin")


def read(
    path: str | Path, *, pixel_size_nm: float | None = None, signal: str | int | None = None
) -> Micrograph:
    """Read an image or a stack of frames from a file.

    Supported formats are TIFF (also OME-TIFF, ImageJ and DigitalMicrograph exports), PNG, JPEG,
    NPY, NPZ, MRC (also packed, ``.mrc.gz``) and Nion Swift's ``.ndata``; with the optional extra
    ``formats`` also DM3, DM4, EMD (Velox, NCEM), TIA SER, HyperSpy, Nion Swift's ``.h5`` and
    OME-Zarr folders. Of several signals the one that shows a lattice best is read: an image at
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
    path = Path(path)

    def load(messages: list[str]) -> Micrograph:
        micrograph = _micrograph(path, _stored(path), signal, messages)
        if pixel_size_nm is None:
            return micrograph
        return micrograph.with_pixel_size(pixel_size_nm, "user")

    return _in_one_line(path, load)


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
    path = Path(path)
    return _in_one_line(path, lambda _: [each.info for each in _stored(path)])


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
        return signals, choose_signal(Path(path), signals, signal)
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
    path = Path(path)

    def load(messages: list[str]) -> tuple[list[Micrograph], int]:
        signals = _stored(path)
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

    return _in_one_line(path, load)


def _in_one_line(path: Path, load: Callable[[list[str]], T]) -> T:
    """Run a loader with the warnings of its libraries; turn its errors into one line."""
    with _library_messages() as messages:
        try:
            return load(messages)
        except InputError:
            raise
        except Exception as error:
            _logger.debug("reading %s failed", path, exc_info=True)
            line = _describe(path, error)
    # Raised here, the exception carries no traceback of the loader, which would keep its file
    # open and, on Windows, locked.
    raise ReadError(line)


def _stored(path: Path) -> list[StoredSignal]:
    return with_unique_titles(format_of(path).signals(path))


def _micrograph(
    path: Path, signals: Sequence[StoredSignal], signal: SignalChoice, messages: list[str]
) -> Micrograph:
    infos = [each.info for each in signals]
    chosen = choose_signal(path, infos, signal)
    sha256 = _sha256(path)
    if signal is not None and chosen.number != choose_signal(path, infos).number:
        # Another image than the one that the file stands for has another identity.
        sha256 = hashlib.sha256(f"{sha256} {chosen.number}".encode()).hexdigest()
    info, raw = infos[chosen.number], signals[chosen.number].load()
    if any(sign in message for sign in _CUT_SHORT for message in messages):
        raise ReadError(one_line(path, "is cut short, frames are missing", "copy it again"))
    pixels, invalid, conversions = to_pixels(raw, copy=False)
    pixel_size_nm, size_note = square_pixel(raw.pixel_nm)
    notes = [chosen.note, *raw.notes, *conversions, size_note]
    stored = {
        "format": format_of(path).title,
        "dtype": str(raw.array.dtype),
        "shape": raw.array.shape,
    }
    metadata = {"stored": stored, "reader_messages": messages, **raw.metadata}
    return Micrograph(
        pixels,
        name=_name(path),
        pixel_size_nm=pixel_size_nm,
        pixel_size_source="unknown" if pixel_size_nm is None else "file",
        invalid=invalid,
        path=path,
        sha256=sha256,
        metadata=plain(metadata),
        notes=tuple(note for note in notes if note),
        signal=info.title if len(signals) > 1 else "",
    )


def _name(path: Path) -> str:
    """Return the name of the file without its suffixes."""
    suffixes = sorted(IMAGE_SUFFIXES, key=len, reverse=True)
    suffix = next(each for each in suffixes if path.name.lower().endswith(each))
    return path.name[: -len(suffix)].removesuffix(".ome")


def _sha256(path: Path) -> str:
    """Return the hash of a file, or of the names and contents of all files of a folder."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    whole = hashlib.sha256()
    for each in sorted(file for file in path.rglob("*") if file.is_file()):
        with each.open("rb") as file:
            part = hashlib.file_digest(file, "sha256").hexdigest()
        whole.update(f"{each.relative_to(path).as_posix()} {part}\n".encode())
    return whole.hexdigest()


def _describe(path: Path, error: Exception) -> str:
    if isinstance(error, NotAnImage):
        fault, _, advice = str(error).partition("; ")
        return one_line(path, fault, advice)
    if isinstance(error, PermissionError):
        return one_line(path, "may not be read", "change its permissions or copy it elsewhere")
    if isinstance(error, MemoryError):
        return one_line(path, "does not fit into memory", "cut it into smaller images")
    if isinstance(error, ModuleNotFoundError):
        return missing_package(path, error)
    is_packed = any(sign in str(error) for sign in _PACKED)
    if is_packed and importlib.util.find_spec("hdf5plugin") is None:
        fault = "is packed by a filter that needs the package hdf5plugin"
        return one_line(path, fault, "pip install '.[formats]' from a clone")
    reason = str(error).replace(str(path), path.name) or type(error).__name__
    return one_line(path, f"cannot be read, it may be damaged ({reason})", EXPORT_AGAIN)


class _Messages(logging.Handler):
    """Collect the warnings of a library instead of printing them."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


@contextlib.contextmanager
def _library_messages() -> Iterator[list[str]]:
    """Collect the warnings of the reading libraries in the returned list."""
    lines: list[str] = []
    handler = _Messages(lines)
    loggers = [logging.getLogger(name) for name in ("tifffile", "rsciio")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
            logger.propagate = True
