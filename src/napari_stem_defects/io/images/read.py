"""Reading of image files as micrographs; the list of formats.

The suffix and the first bytes of a file select its loader from `_FORMATS`. For damaged files the
loaders raise more than twenty kinds of exceptions of their libraries; `read` turns each of them
into a `ReadError` with a message of one line.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images import general_formats, microscope_formats
from napari_stem_defects.io.images.convert import NotAnImage, to_pixels
from napari_stem_defects.io.images.missing_package import missing_package
from napari_stem_defects.io.images.pixel_size import square_pixel
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.messages import missing_file, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from napari_stem_defects.io.images.convert import RawImage

_logger = logging.getLogger(__name__)

_EXPORT_AGAIN = "export it again from the program that wrote it"
# tifffile reads a stack that was cut short as its first frame and only logs one of these.
_CUT_SHORT = ("invalid page offset", "metadata invalid or corrupted")
_HDF5 = rb"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class _Format:
    """A file format.

    Attributes
    ----------
    title : str
        Name of the format in messages.
    suffixes : tuple of str
        File suffixes in lower case.
    signature : bytes
        Pattern that matches the first bytes of a file.
    load : callable
        Reads a file of this format.
    """

    title: str
    suffixes: tuple[str, ...]
    signature: bytes
    load: Callable[[Path], RawImage]

    def matches(self, head: bytes) -> bool:
        return re.match(self.signature, head, re.DOTALL) is not None


_FORMATS = (
    _Format("TIFF", (".tif", ".tiff"), rb"II[*+]\0|MM\0[*+]", general_formats.load_tiff),
    _Format("PNG", (".png",), rb"\x89PNG\r\n\x1a\n", general_formats.load_picture),
    _Format("JPEG", (".jpg", ".jpeg"), rb"\xff\xd8\xff", general_formats.load_picture),
    _Format("NumPy", (".npy",), rb"\x93NUMPY", general_formats.load_npy),
    _Format("DigitalMicrograph 3", (".dm3",), rb"\0\0\0\x03", microscope_formats.load_dm),
    _Format("DigitalMicrograph 4", (".dm4",), rb"\0\0\0\x04", microscope_formats.load_dm),
    _Format("EMD", (".emd",), _HDF5, microscope_formats.load_emd),
    _Format("HyperSpy", (".hspy",), _HDF5, microscope_formats.load_hspy),
    _Format("TIA", (".ser",), rb"II\x97\x01", microscope_formats.load_ser),
    # Old MRC files lack the mark "MAP"; they are recognised by a valid pixel type.
    _Format(
        "MRC",
        (".mrc",),
        rb".{208}MAP[ \0]|.{12}(?:[\0-\x0c]\0\0\0|\0\0\0[\0-\x0c]).{240}",
        microscope_formats.load_mrc,
    ),
)

IMAGE_SUFFIXES: frozenset[str] = frozenset(s for kind in _FORMATS for s in kind.suffixes)


def read(path: str | Path, *, pixel_size_nm: float | None = None) -> Micrograph:
    """Read an image or a stack of frames from a file.

    Supported formats are TIFF (also OME-TIFF, ImageJ and DigitalMicrograph exports), PNG, JPEG
    and NPY; with the optional extra ``formats`` also DM3, DM4, EMD (Velox, NCEM), TIA SER, MRC
    and HyperSpy. Of several signals, an image named HAADF is preferred, then the largest.

    Parameters
    ----------
    path : str or Path
        A file with one of the supported suffixes.
    pixel_size_nm : float, optional
        Edge of a pixel in nm; replaces the pixel size in the file.

    Returns
    -------
    Micrograph
        Image (Y, X) or stack (T, Y, X); ``notes`` lists the conversions, one sentence each.

    Raises
    ------
    ReadError
        The file is missing, damaged, too big, not a micrograph, or has the wrong suffix. The
        message is one line: file, fault, advice.
    InputError
        ``pixel_size_nm`` is not a positive length.

    Notes
    -----
    Pixels are converted to float32 without rescaling. Three equal colour channels are read as
    grey, other colours as their luminance (0.299 R + 0.587 G + 0.114 B); alpha is ignored.
    Complex values become their magnitude. Pixels that are NaN or infinite are marked in
    ``invalid`` and filled with the median of their frame.

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
    with _library_messages() as messages:
        try:
            micrograph = _read(path, messages)
            if pixel_size_nm is None:
                return micrograph
            return micrograph.with_pixel_size(pixel_size_nm, "user")
        except InputError:
            raise
        except Exception as error:
            _logger.debug("reading %s failed", path, exc_info=True)
            line = _describe(path, error)
    # Raised here, the exception carries no traceback of the loader, which would keep its file
    # open and, on Windows, locked.
    raise ReadError(line)


def find_images(paths: Sequence[str | Path]) -> list[Path]:
    """Return the given files, and the images in the given folders.

    Sub-folders and hidden files are skipped, so that results in a folder of images are not read
    as input again.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, with any suffix, and folders.

    Returns
    -------
    list of Path
        In the given order; the images of a folder in natural order. No file is listed twice.

    Raises
    ------
    ReadError
        A path does not exist, or a folder holds no image.
    """
    found: dict[Path, None] = {}
    for path in map(Path, paths):
        found.update(dict.fromkeys(_images_in(path) if path.is_dir() else [_existing(path)]))
    return list(found)


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Return a sort key that puts ``frame_2`` before ``frame_10``.

    Parameters
    ----------
    path : Path
        Only its name is used.

    Returns
    -------
    list of tuple
        Alternating texts and numbers of the name.
    """
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in parts]


def _images_in(folder: Path) -> list[Path]:
    try:
        images = [
            entry
            for entry in folder.iterdir()
            if entry.suffix.lower() in IMAGE_SUFFIXES
            and not entry.name.startswith(".")
            and entry.is_file()
        ]
    except OSError as error:
        fault = f"cannot be listed ({error.strerror})"
        raise ReadError(one_line(folder, fault, "check its permissions")) from None
    if not images:
        endings = " ".join(sorted(IMAGE_SUFFIXES))
        raise ReadError(one_line(folder, "holds no image", f"give a folder with {endings} files"))
    return sorted(images, key=natural_order)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ReadError(missing_file(path))
    return path


def _read(path: Path, messages: list[str]) -> Micrograph:
    file_format = _format_of(path)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    raw = file_format.load(path)
    if any(sign in message for sign in _CUT_SHORT for message in messages):
        raise ReadError(one_line(path, "is cut short, frames are missing", "copy it again"))
    pixels, invalid, conversions = to_pixels(raw, copy=False)
    pixel_size_nm, size_note = square_pixel(raw.pixel_nm)
    notes = (*raw.notes, *conversions, *([size_note] if size_note else []))
    stored = {"format": file_format.title, "dtype": str(raw.array.dtype), "shape": raw.array.shape}
    metadata = {"stored": stored, "reader_messages": messages, **raw.metadata}
    return Micrograph(
        pixels,
        name=path.stem.removesuffix(".ome"),
        pixel_size_nm=pixel_size_nm,
        pixel_size_source="unknown" if pixel_size_nm is None else "file",
        invalid=invalid,
        path=path,
        sha256=sha256,
        metadata=plain(metadata),
        notes=notes,
    )


def _format_of(path: Path) -> _Format:
    """Return the format of the suffix; refuse a file whose first bytes are of another format."""
    if path.is_dir():
        raise ReadError(one_line(path, "is a folder", "name an image file in it"))
    if path.exists() and not path.is_file():  # reading a pipe or a device may never end
        raise ReadError(one_line(path, "is a pipe or a device", "name an image file"))
    _existing(path)
    named = [kind for kind in _FORMATS if path.suffix.lower() in kind.suffixes]
    if not named:
        endings = " ".join(sorted(IMAGE_SUFFIXES))
        raise ReadError(one_line(path, "is of an unknown format", f"give one of {endings}"))
    with path.open("rb") as file:
        head = file.read(256)
    if not head:
        raise ReadError(one_line(path, "is empty", "record or export it again"))
    if named[0].matches(head):
        return named[0]
    # The first bytes of MRC files are too common to recognise them under another suffix.
    for kind in _FORMATS[:-1]:
        if kind.matches(head):
            advice = f"rename it to end in {kind.suffixes[0]}"
            raise ReadError(one_line(path, f"holds {kind.title} data", advice))
    raise ReadError(one_line(path, f"is not a {named[0].title} file", _EXPORT_AGAIN))


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
    reason = str(error).replace(str(path), path.name) or type(error).__name__
    return one_line(path, f"cannot be read, it may be damaged ({reason})", _EXPORT_AGAIN)


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
