"""TIFF files, by tifffile: every image in them, and every channel that is no colour."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from tifffile import PHOTOMETRIC, PLANARCONFIG, TiffFile, TiffPage, TiffPageSeries

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.abtem_axes import axes_in_text
from napari_stem_defects.io.images.axes import DIFFRACTION, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.limits import check_declared_size
from napari_stem_defects.io.images.pixel_size import FileScale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.images.tiff_frames import open_frames
from napari_stem_defects.io.images.tiff_pixel_size import ome_image_of, read_tiff_scale
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_COLOUR = {PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR}
_UNUSUAL_COLOUR = {PHOTOMETRIC.SEPARATED, PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB}
# Tags of the storage layout; they are not kept as metadata.
_LAYOUT_TAGS = frozenset({254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317})
_TILE_TAGS = frozenset({320, 322, 323, 324, 325, 330, 338, 339, 347, 50838, 50839})
# Letters of tifffile for axes that it, or the writer, did not name.
_UNNAMED = "QIN"
# Grey pictures in three colour planes are equal but for marks; frames differ nearly everywhere.
_EQUAL_SHARE = 0.5


def list_tiff(path: Path) -> list[StoredSignal]:
    """List the images and stacks of a TIFF file.

    Channels that are not colours are signals of their own. Other files that an OME description
    names are not opened: a result must depend on this file only.

    Parameters
    ----------
    path : Path
        A TIFF file.

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        The file holds no image, or is too big.
    Exception
        Any error of tifffile for a damaged file.
    """
    return _list(path, by_frame=False)


def open_tiff(path: Path) -> list[StoredSignal]:
    """List the signals as `list_tiff` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_tiff`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list(path, by_frame=True)


def _list(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    with TiffFile(path, _multifile=False) as tif:
        images = [
            (number, series)
            for number, series in enumerate(tif.series)
            if series.dtype is not None and {"Y", "X"} <= set(series.axes)
        ]
        if not images:
            raise ReadError(one_line(path, "holds no image", "record or export it again"))
        found = [
            signal
            for number, series in images
            for signal in _signals_of(
                path, tif, number, series, several=len(images) > 1, by_frame=by_frame
            )
        ]
    return found


def _signals_of(
    path: Path,
    tif: TiffFile,
    number: int,
    series: TiffPageSeries,
    *,
    several: bool,
    by_frame: bool,
) -> list[StoredSignal]:
    """Return the channels of a series, or the series itself."""
    page = series.keyframe
    check_declared_size(path, series.shape, series.dtype, whole=not by_frame)
    fault = advice = ""
    if page.photometric in _UNUSUAL_COLOUR:
        fault, advice = "stores its colours as CMYK or Lab", "save it as greyscale"
    scale = _scale(tif, page, number, series)
    if scale.is_reciprocal:
        fault = DIFFRACTION
    axes, colour = _axes(series, page)
    arrangement = arrange([axis for axis, letter in axes if letter not in "CS"])
    if not fault and arrangement.fault.startswith("holds data"):
        shape = " x ".join(str(axis.size) for axis, _ in axes if axis.size > 1)
        letters = "".join(letter for axis, letter in axes if axis.size > 1)
        fault = f"has {len(letters)} axes {letters} ({shape})"
        advice = "save one image or one stack of frames"
    fault = fault or arrangement.fault
    kept = [axis for axis, letter in axes if letter not in "CS"]
    info = SignalInfo(
        _title(tif, number, series) if several else "image",
        tuple(kept[place].size for place in arrangement.order) or tuple(series.shape),
        str(series.dtype),
        scale.pixel_nm,
        fault,
        advice,
        is_raw=not colour and (series.dtype.itemsize > 1 or series.dtype.kind != "u"),
    )
    names = _channels(tif, number, axes) if not colour or "C" in _letters(axes) else [""]
    return [
        StoredSignal(
            _named(info, name, several=several),
            partial(_load, path, number, channel, scale, arrangement.note, by_frame=by_frame),
        )
        for channel, name in enumerate(names)
    ]


def _named(info: SignalInfo, channel: str, *, several: bool) -> SignalInfo:
    if not channel:
        return info
    from dataclasses import replace

    return replace(info, title=f"{info.title}, {channel}" if several else channel)


def _letters(axes: Sequence[tuple[Axis, str]]) -> str:
    return "".join(letter for axis, letter in axes if axis.size > 1)


def _axes(series: TiffPageSeries, page: TiffPage) -> tuple[list[tuple[Axis, str]], bool]:
    """Return the axes with tifffile's letters, and whether the last letter S is of colours."""
    is_colour = page.photometric in {*_COLOUR, PHOTOMETRIC.PALETTE}
    colour = is_colour and ("S" in series.axes or page.photometric == PHOTOMETRIC.PALETTE)
    found = []
    for letter, size in zip(_axes_of(series), series.shape, strict=True):
        name = "" if letter in _UNNAMED else {"Y": "y", "X": "x"}.get(letter, "frames")
        found.append((Axis(int(size), name), letter))
    return found, colour


def _axes_of(series: TiffPageSeries) -> str:
    """Return tifffile's letters of the axes; abTEM stores the columns first."""
    named = axes_in_text(series.keyframe.description, series.shape)
    if series.axes.endswith("YX") and [axis.name for axis in named[-2:]] == ["x", "y"]:
        return f"{series.axes[:-2]}XY"
    return series.axes


def _channels(tif: TiffFile, number: int, axes: Sequence[tuple[Axis, str]]) -> list[str]:
    """Return the names of channels that are not colours; one empty name where there are none."""
    count = next((axis.size for axis, letter in axes if letter == "C"), 1)
    count = max(count, next((axis.size for axis, letter in axes if letter == "S"), 1))
    if count == 1:
        return [""]
    channels = ome_image_of(tif, number).get("Pixels", {}).get("Channel", [])
    channels = channels if isinstance(channels, list) else [channels]
    names = [str(each.get("Name") or "") for each in channels]
    labels = (tif.imagej_metadata or {}).get("Labels") or []
    names = names if any(names) else [str(label) for label in labels]
    if len(names) != count:
        names = [""] * count
    return [name or f"channel {place}" for place, name in enumerate(names)]


def _title(tif: TiffFile, number: int, series: TiffPageSeries) -> str:
    named = str(series.name or ome_image_of(tif, number).get("Name") or "")
    return named or f"image {number}"


def _load(
    path: Path, number: int, channel: int, scale: FileScale, assumed: str, *, by_frame: bool
) -> RawImage:
    """Read the pixels of one channel, or open its frames."""
    with TiffFile(path, _multifile=False) as tif:
        series = tif.series[number]
        page = series.keyframe
        notes = [note for note in (assumed, scale.note) if note]
        letters = _axes_of(series)
        is_opened = by_frame and letters == series.axes
        frames = open_frames(path, tif, number, channel) if is_opened else None
        if frames is None:
            check_declared_size(path, series.shape, series.dtype)
            array, axes = _with_palette(series.asarray(), letters, tif, page, notes)
            array, colour = _arrange(array, axes, page, channel, notes)
        if page.photometric == PHOTOMETRIC.MINISWHITE:
            notes.append("The file shows low values as white; they are used as stored.")
        metadata = _metadata(tif, page)
        if frames is not None:
            return RawImage(frames, False, scale.pixel_nm, metadata, tuple(notes))
        return RawImage(array, colour, scale.pixel_nm, metadata, tuple(notes))


def _with_palette(
    array: NDArray[Any], axes: str, tif: TiffFile, page: TiffPage, notes: list[str]
) -> tuple[NDArray[Any], str]:
    """Look up indexed colours; ImageJ palettes only tint intensities and are ignored."""
    colours = page.colormap
    if page.photometric != PHOTOMETRIC.PALETTE or colours is None or tif.is_imagej:
        return array, axes
    notes.append("Indexed colours were looked up in the file's palette.")
    return colours.T[array], f"{axes}S"


def _arrange(
    array: NDArray[Any], axes: str, page: TiffPage, channel: int, notes: list[str]
) -> tuple[NDArray[Any], bool]:
    """Move the axes to the order frames, Y, X, colour, and take one channel."""
    colour = "S" in axes and page.photometric in {*_COLOUR, PHOTOMETRIC.PALETTE}
    if colour and page.planarconfig == PLANARCONFIG.SEPARATE and _are_frames(array, axes):
        # scikit-image and tifffile save an array of three or four frames like this.
        notes.append(f"Its {array.shape[axes.index('S')]} planes were read as frames, not colours.")
        axes, colour = axes.replace("S", "I"), False
    for position in reversed(range(len(axes))):
        name, length = axes[position], array.shape[position]
        is_channel = name == "C" or (name == "S" and not colour)
        if is_channel or (length == 1 and name not in "YXS"):
            taken = channel if is_channel and length > 1 else 0
            array, axes = array.take(taken, axis=position), axes[:position] + axes[position + 1 :]
    order = [*(name for name in axes if name not in "YXS"), "Y", "X", *("S" if colour else "")]
    return array.transpose([axes.index(name) for name in order]), colour


def _are_frames(array: NDArray[Any], axes: str) -> bool:
    """Return whether planes that are stored as colours are frames: hardly a pixel is grey."""
    if array.dtype != np.uint8:
        return True
    planes = np.moveaxis(array, axes.index("S"), 0)[:3]
    equal = (planes[0] == planes[1]) & (planes[0] == planes[2])
    return float(equal.mean()) < _EQUAL_SHARE


def _scale(tif: TiffFile, page: TiffPage, number: int, series: TiffPageSeries) -> FileScale:
    try:
        return read_tiff_scale(tif, page, number)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, IndexError):
        return FileScale(note="The pixel size in the file is damaged and was ignored.")


def _metadata(tif: TiffFile, page: TiffPage) -> dict[str, Any]:
    skipped = _LAYOUT_TAGS | _TILE_TAGS
    found: dict[str, Any] = {
        "tags": {tag.name: tag.value for tag in page.tags if tag.code not in skipped}
    }
    for name in ("imagej_metadata", "fei_metadata", "sis_metadata"):
        value = getattr(tif, name)
        if value:
            found[name] = value
    return found
