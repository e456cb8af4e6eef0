"""The list of image formats, and which of them a file is of: by its suffix and first bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images import (
    archive_files,
    hdf5_files,
    microscope_formats,
    mrc,
    numpy_files,
    pictures,
    tiff,
)
from napari_stem_defects.io.images.zarr_arrays import is_zarr
from napari_stem_defects.io.messages import missing_file, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from napari_stem_defects.io.images.signals import StoredSignal

EXPORT_AGAIN = "export it again from the program that wrote it"

_HDF5 = rb"\x89HDF\r\n\x1a\n"
_ZIP = rb"PK\x03\x04"
_GZIP = rb"\x1f\x8b"
_NOTHING = rb"(?!)"
_MRC_MARK = rb".{208}MAP[ \0]"
_TIA_METADATA = ".emi"
# Films and pictures for the screen hold compressed colours; what reads them differs by kind.
_FILMS = (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".wmv", ".mpg", ".mpeg", ".webm")
_PICTURES = (".gif", ".webp", ".heic", ".avif", ".jp2", ".svg")
_DOCUMENTS = (".pdf", ".docx", ".pptx", ".odt", ".odp", ".ps", ".eps")
# Of containers that several programs use, the content decides, not the suffix.
_IN_HDF5 = (hdf5_files.list_hdf5, hdf5_files.open_hdf5)
_IN_ARCHIVE = (archive_files.list_archive, archive_files.open_archive)


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes
    ----------
    title : str
        Name of the format in messages.
    suffixes : tuple of str
        Ends of file names, in lower case.
    signature : bytes
        Pattern that matches the first bytes of a file.
    signals : callable
        Lists the signals of a file of this format.
    by_frame : callable or None
        The same for stacks that are opened instead of read, where the format allows it.
    """

    title: str
    suffixes: tuple[str, ...]
    signature: bytes
    signals: Callable[[Path], list[StoredSignal]]
    by_frame: Callable[[Path], list[StoredSignal]] | None = None

    def list_signals(self, path: Path, *, by_frame: bool = False) -> list[StoredSignal]:
        """List the signals of a file of this format; see the attributes."""
        if by_frame and self.by_frame is not None:
            return self.by_frame(path)
        return self.signals(path)

    def matches(self, head: bytes) -> bool:
        """Return whether the first bytes of a file are of this format."""
        return re.match(self.signature, head, re.DOTALL) is not None


FORMATS = (
    Format("TIFF", (".tif", ".tiff"), rb"II[*+]\0|MM\0[*+]", tiff.list_tiff, tiff.open_tiff),
    Format("PNG", (".png",), rb"\x89PNG\r\n\x1a\n", pictures.list_picture),
    Format("JPEG", (".jpg", ".jpeg"), rb"\xff\xd8\xff", pictures.list_picture),
    Format("BMP", (".bmp",), rb"BM.{4}\0\0\0\0", pictures.list_picture),
    Format("NumPy", (".npy",), rb"\x93NUMPY", numpy_files.list_npy, numpy_files.open_npy),
    Format("NumPy archive", (".npz",), _ZIP, *_IN_ARCHIVE),
    Format(
        "DigitalMicrograph 3",
        (".dm3",),
        rb"\0\0\0\x03",
        microscope_formats.list_dm,
        microscope_formats.open_dm,
    ),
    Format(
        "DigitalMicrograph 4",
        (".dm4",),
        rb"\0\0\0\x04",
        microscope_formats.list_dm,
        microscope_formats.open_dm,
    ),
    Format("HDF5", (".h5", ".hdf5", ".hf5", ".nxs"), _HDF5, *_IN_HDF5),
    Format("EMD", (".emd",), _HDF5, *_IN_HDF5),
    Format("HyperSpy", (".hspy",), _HDF5, *_IN_HDF5),
    Format("Nion Swift HDF5", (".nhdf",), _HDF5, *_IN_HDF5),
    Format(
        "TIA", (".ser",), rb"II\x97\x01", microscope_formats.list_ser, microscope_formats.open_ser
    ),
    Format("Nion Swift", (".ndata",), _ZIP, *_IN_ARCHIVE),
    Format("HyperSpy Zarr", (".zspy",), _ZIP, *_IN_ARCHIVE),
    Format("OME-Zarr", (".zarr",), _NOTHING, *_IN_ARCHIVE),
    Format("packed OME-Zarr", (".zarr.zip", ".ozx"), _ZIP, *_IN_ARCHIVE),
    Format("packed MRC", (".mrc.gz",), _GZIP, mrc.list_mrc),
    # Old MRC files lack the mark "MAP"; they are recognised by a valid pixel type.
    Format(
        "MRC",
        (".mrc", ".mrcs"),
        _MRC_MARK + rb"|.{12}(?:[\0-\x0ce]\0\0\0|\0\0\0[\0-\x0ce]).{240}",
        mrc.list_mrc,
        mrc.open_mrc,
    ),
)

IMAGE_SUFFIXES: frozenset[str] = frozenset(s for kind in FORMATS for s in kind.suffixes)
USUAL_SUFFIXES: str = " ".join(sorted(kind.suffixes[0] for kind in FORMATS))
"""The first suffix of each format, for messages: all spellings would leave no room in a line."""


def has_image_suffix(path: Path) -> bool:
    """Return whether the name of a file ends as that of an image.

    Parameters
    ----------
    path : Path
        A file or folder; it need not exist.

    Returns
    -------
    bool
    """
    return path.name.lower().endswith(tuple(IMAGE_SUFFIXES))


def format_of(path: Path) -> Format:
    """Return the format that the name states; refuse a file whose first bytes are of another.

    Parameters
    ----------
    path : Path
        A file, or a Zarr folder.

    Returns
    -------
    Format

    Raises
    ------
    ReadError
        The file does not exist, is empty, of an unknown format, or not of the one it is named by.
    """
    named = [kind for kind in FORMATS if path.name.lower().endswith(kind.suffixes)]
    if path.is_dir():
        if named and is_zarr(path):
            return named[0]
        raise ReadError(one_line(path, "is a folder", "name an image file in it"))
    if path.exists() and not path.is_file():  # reading a pipe or a device may never end
        raise ReadError(one_line(path, "is a pipe or a device", "name an image file"))
    if not path.exists():
        raise ReadError(missing_file(path))
    if not named:
        raise ReadError(_unknown(path))
    return _checked(path, named[0])


def _checked(path: Path, named: Format) -> Format:
    with path.open("rb") as file:
        head = file.read(256)
    if not head:
        raise ReadError(one_line(path, "is empty", "record or export it again"))
    if named.matches(head):
        return named
    # The first bytes of MRC files are too common to recognise them under another suffix.
    found = _format_in(head, FORMATS[:-1])
    if found is not None:
        raise ReadError(_misnamed(path, found))
    raise ReadError(one_line(path, f"is not a {named.title} file", EXPORT_AGAIN))


def _unknown(path: Path) -> str:
    """Return what a file with an unknown suffix holds, and what to do."""
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return one_line(path, "is packed with gzip", "unpack it first")
    if suffix == _TIA_METADATA:
        return one_line(path, "holds the settings of TIA", "give the .ser file beside it")
    with path.open("rb") as file:
        head = file.read(256)
    # Archives hold anything.
    found = _format_in(head, [kind for kind in FORMATS[:-1] if kind.signature not in (_ZIP, _GZIP)])
    if re.match(_MRC_MARK, head, re.DOTALL):
        found = FORMATS[-1]
    if found is not None:
        return _misnamed(path, found)
    return _not_for_data(path) or one_line(
        path, "is of an unknown format", f"give one of {USUAL_SUFFIXES}"
    )


def _not_for_data(path: Path) -> str:
    """Return how to convert a film, a picture or a document; "" for other files."""
    suffix = path.suffix.lower()
    if suffix in _FILMS:
        advice = "give its frames as PNG: ffmpeg -i FILM -pix_fmt gray frame_%05d.png"
        return one_line(path, "is a film", advice)
    if suffix in _PICTURES:
        # ImageJ keeps all frames.
        advice = "open it in ImageJ and save it as TIFF" if suffix == ".gif" else "save it as PNG"
        return one_line(path, "is a picture for the screen", advice)
    if suffix in _DOCUMENTS:
        return one_line(path, "is a document", "give the image file that it shows")
    return ""


def _format_in(head: bytes, kinds: Sequence[Format]) -> Format | None:
    return next((kind for kind in kinds if kind.matches(head)), None)


def _misnamed(path: Path, kind: Format) -> str:
    advice = f"rename it to end in {kind.suffixes[0]}"
    return one_line(path, f"holds {kind.title} data", advice)
