"""The frames of a stack in a TIFF file, each read by itself."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from tifffile import PHOTOMETRIC, TiffFile, TiffPageSeries

from napari_stem_defects.io.images.frames_on_disk import (
    FramesOnDisk,
    PackedFrames,
    UnpackedFrames,
)

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_GREY = {PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE}
_CHANNELS = "CS"


def open_frames(path: Path, tif: TiffFile, number: int, channel: int) -> FramesOnDisk | None:
    """Open the frames of one channel.

    Parameters
    ----------
    path : Path
    tif : TiffFile
        The open file.
    number : int
        Number of the series.
    channel : int
        Of several channels that are no colours, the one.

    Returns
    -------
    FramesOnDisk or None
        None where the file holds no grey stack with one frame per page; it is read as a whole.
    """
    series = tif.series[number]
    page, axes, shape = series.keyframe, series.axes, tuple(map(int, series.shape))
    is_grey = page.photometric in _GREY or (tif.is_imagej and "S" not in axes)
    if not is_grey or not axes.endswith("YX"):
        return None
    places = [i for i, name in enumerate(axes[:-2]) if shape[i] > 1 and name not in _CHANNELS]
    if len(places) != 1:
        return None
    steps = [math.prod(shape[i + 1 : -2]) for i in range(len(shape) - 2)]
    first = sum(
        channel * step
        for name, size, step in zip(axes, shape, steps, strict=False)
        if name in _CHANNELS and size > 1
    )
    kept, step = (shape[places[0]], *shape[-2:]), steps[places[0]]
    if series.dataoffset is not None and page.is_memmappable:
        dtype = np.dtype(tif.byteorder + series.dtype.char)
        offset = series.dataoffset + first * math.prod(kept[1:]) * dtype.itemsize
        return UnpackedFrames(path, dtype, kept, offset, step)
    return _open_pages(path, series, number, kept, first, step)


def _open_pages(
    path: Path,
    series: TiffPageSeries,
    number: int,
    shape: tuple[int, ...],
    first: int,
    step: int,
) -> FramesOnDisk | None:
    """Open a series with a page per frame; None where pages hold something else or are missing."""
    count = math.prod(series.shape[:-2])
    if tuple(series.keyframe.shape) != shape[1:] or len(series.pages) != count:
        return None
    if any(page is None for page in series.pages):
        return None
    opened = TiffFile(path, _multifile=False)  # closed when the frames are not used any more
    pages = opened.series[number].pages

    def read(start: int, stop: int) -> NDArray[Any]:
        # Of pages that repeat the properties of the first one, tifffile makes frames.
        return np.stack([pages[first + step * n].asarray() for n in range(start, stop)])  # type: ignore[union-attr]

    frames = PackedFrames(read, series.dtype, shape, range(shape[0]))
    weakref.finalize(frames, opened.close)
    return frames
