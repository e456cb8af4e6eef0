"""PNG files of result folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_stem_defects.io.atomic import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from PIL import Image

# As many bytes for an atomic-resolution image as by default, in a third of the time.
_COMPRESSION = 2


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
        picture.save(temporary, format="PNG", compress_level=_COMPRESSION)
