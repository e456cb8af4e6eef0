"""PNG files of result folders.

Of an atomic-resolution image, PNG files are mostly noise, which hardly any compression shortens.
Each row is stored as its difference from the one above. Pillow compares five such filters for every
row instead, which takes as long as the compression itself, for 3 % fewer bytes.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.io.atomic import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

# As many bytes for an atomic-resolution image as by default, in a third of the time.
_COMPRESSION = 2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {"L": 0, "RGB": 2, "LA": 4, "RGBA": 6}
_BITS = 8
_UP = 2
"""Number of the filter that stores differences from the row above."""


def write_picture(path: Path, picture: Image.Image) -> None:
    """Write a picture as PNG, in one atomic step.

    Parameters
    ----------
    path : Path
        The target.
    picture : PIL.Image.Image

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    with replacing(path) as temporary:
        if picture.mode in _COLOUR_TYPES:
            temporary.write_bytes(_encoded(picture))
        else:
            picture.save(temporary, format="PNG", compress_level=_COMPRESSION)


def _encoded(picture: Image.Image) -> bytes:
    """Return a picture of 8 bits per channel as PNG (ISO/IEC 15948)."""
    rows = np.asarray(picture).reshape(picture.height, -1)
    filtered = np.empty((picture.height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = _UP
    filtered[:1, 1:] = rows[:1]  # above the first row everything is zero
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    # Width, height, bits, colours; one kind each of compression and filters; not interlaced.
    header = struct.pack(">IIBBBBB", *picture.size, _BITS, _COLOUR_TYPES[picture.mode], 0, 0, 0)
    data = zlib.compress(filtered.data, _COMPRESSION)
    chunks = (b"IHDR", header), (b"IDAT", data), (b"IEND", b"")
    return b"".join([_SIGNATURE, *(_chunk(name, content) for name, content in chunks)])


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(name))
    return b"".join([struct.pack(">I", len(content)), name, content, struct.pack(">I", checksum)])
