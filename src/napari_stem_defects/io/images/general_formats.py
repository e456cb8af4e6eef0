"""Loaders of general formats: TIFF (tifffile), PNG and JPEG (Pillow), NPY (numpy)."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from tifffile import PHOTOMETRIC, PLANARCONFIG, TiffFile, TiffPage, TiffPageSeries

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.limits import check_declared_size
from napari_stem_defects.io.images.tiff_pixel_size import PixelSizeNm, read_tiff_pixel_size
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_COLOUR = {PHOTOMETRIC.RGB, PHOTOMETRIC.YCBCR}
_UNUSUAL_COLOUR = {PHOTOMETRIC.SEPARATED, PHOTOMETRIC.CIELAB, PHOTOMETRIC.ICCLAB}
# Tags of the storage layout; they are not kept as metadata.
_LAYOUT_TAGS = frozenset({254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317})
_TILE_TAGS = frozenset({320, 322, 323, 324, 325, 330, 338, 339, 347, 50838, 50839})
# Pillow modes that numpy reads directly; other modes are converted to RGB.
_PILLOW_GREY = frozenset({"1", "L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"})
_PILLOW_COLOUR = frozenset({"RGB", "RGBA"})


def load_tiff(path: Path) -> RawImage:
    """Read the largest image or stack of a TIFF file.

    If it has several channels that are not colours, the first one is read. Other files that an
    OME description names are not opened: a result must depend on this file only.

    Parameters
    ----------
    path : Path
        A TIFF file.

    Returns
    -------
    RawImage
        Shape (Y, X) or (T, Y, X), with a last axis of samples for colours.

    Raises
    ------
    ReadError
        The file holds no image, more than one stack axis, or CMYK or Lab colours, or is too big.
    Exception
        Any error of tifffile for a damaged file.
    """
    with TiffFile(path, _multifile=False) as tif:
        if not tif.series:
            raise ReadError(one_line(path, "holds no image", "record or export it again"))
        series = max(tif.series, key=_pixels_per_frame)
        page = series.keyframe
        _check_tiff(path, series, page)
        notes = []
        if len(tif.series) > 1:
            notes.append(f"Of {len(tif.series)} images in the file the largest was read.")
        array, axes = _with_palette(series.asarray(), series.axes, tif, page, notes)
        array, colour = _arrange(path, array, axes, page, notes)
        pixel_nm = _calibration(tif, page, notes)
        if page.photometric == PHOTOMETRIC.MINISWHITE:
            notes.append("The file shows low values as white; they are used as stored.")
        return RawImage(array, colour, pixel_nm, _tiff_metadata(tif, page), tuple(notes))


def load_picture(path: Path) -> RawImage:
    """Read a PNG or JPEG file; its resolution is a print size and is not used.

    Parameters
    ----------
    path : Path
        A PNG or JPEG file; only the first frame of an animation is read.

    Returns
    -------
    RawImage
        Shape (Y, X) or (Y, X, S).

    Raises
    ------
    ReadError
        The image is too big.
    Exception
        Any error of Pillow for a damaged file.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                check_declared_size(
                    path, (image.height, image.width, len(image.getbands())), np.uint8
                )
                return _from_pillow(image)
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            limit = (Image.MAX_IMAGE_PIXELS or 0) / 1e6
            fault = f"has more than the {limit:.0f} million pixels allowed in a PNG or JPEG"
            raise ReadError(one_line(path, fault, "save it as TIFF")) from None


def load_npy(path: Path) -> RawImage:
    """Read an array saved by numpy; a last axis of length 3 or 4 counts as colour.

    Parameters
    ----------
    path : Path
        An ``.npy`` file; object arrays are refused.

    Returns
    -------
    RawImage
        The array as stored.

    Raises
    ------
    ReadError
        The array is too big.
    Exception
        Any error of numpy for a damaged file.
    """
    stored = np.load(path, mmap_mode="r", allow_pickle=False)
    check_declared_size(path, stored.shape, stored.dtype)
    array = np.array(stored)
    shape = array.shape
    colour = array.ndim in (3, 4) and shape[-1] in (3, 4) and min(shape[-3:-1]) > 4
    return RawImage(array, colour)


def _pixels_per_frame(series: TiffPageSeries) -> int:
    return math.prod(n for n, axis in zip(series.shape, series.axes, strict=True) if axis in "YX")


def _check_tiff(path: Path, series: TiffPageSeries, page: TiffPage) -> None:
    if series.dtype is None or not {"Y", "X"} <= set(series.axes):
        raise ReadError(one_line(path, "holds no image", "record or export it again"))
    check_declared_size(path, series.shape, series.dtype)
    if page.photometric in _UNUSUAL_COLOUR:
        raise ReadError(one_line(path, "stores its colours as CMYK or Lab", "save it as greyscale"))


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
    path: Path, array: NDArray[Any], axes: str, page: TiffPage, notes: list[str]
) -> tuple[NDArray[Any], bool]:
    """Move the axes to the order frames, Y, X, colour and remove all others."""
    colour = "S" in axes and page.photometric in {*_COLOUR, PHOTOMETRIC.PALETTE}
    if colour and page.planarconfig == PLANARCONFIG.SEPARATE and array.dtype != np.uint8:
        # scikit-image and tifffile save an array of three or four frames like this.
        notes.append(f"Its {array.shape[axes.index('S')]} planes were read as frames, not colours.")
        axes, colour = axes.replace("S", "I"), False
    for position in reversed(range(len(axes))):
        name, length = axes[position], array.shape[position]
        if name == "C" or (name == "S" and not colour):
            notes.append(f"Of {length} channels the first was read.")
        elif length > 1 or name in "YXS":
            continue
        array, axes = array.take(0, axis=position), axes[:position] + axes[position + 1 :]
    frames = [name for name in axes if name not in "YXS"]
    if len(frames) > 1:
        shape = " x ".join(map(str, array.shape))
        fault = f"has {array.ndim} axes {axes} ({shape})"
        raise ReadError(one_line(path, fault, "save one image or one stack of frames"))
    order = [*frames, "Y", "X", *("S" if colour else "")]
    return array.transpose([axes.index(name) for name in order]), colour


def _calibration(tif: TiffFile, page: TiffPage, notes: list[str]) -> PixelSizeNm:
    try:
        return read_tiff_pixel_size(tif, page)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, IndexError):
        notes.append("The pixel size in the file is damaged and was ignored.")
        return None


def _tiff_metadata(tif: TiffFile, page: TiffPage) -> dict[str, Any]:
    skipped = _LAYOUT_TAGS | _TILE_TAGS
    found: dict[str, Any] = {
        "tags": {tag.name: tag.value for tag in page.tags if tag.code not in skipped}
    }
    for name in ("imagej_metadata", "fei_metadata", "sis_metadata"):
        value = getattr(tif, name)
        if value:
            found[name] = value
    return found


def _from_pillow(image: Image.Image) -> RawImage:
    notes = []
    if getattr(image, "n_frames", 1) > 1:
        notes.append("Of an animation the first frame was read.")
    if image.mode == "LA":
        notes.append("The alpha channel was left out.")
        array = np.asarray(image)[..., 0]
    else:
        known = image.mode in _PILLOW_GREY | _PILLOW_COLOUR
        array = np.asarray(image if known else image.convert("RGB"))
    return RawImage(
        array,
        colour=array.ndim == 3,
        metadata={"mode": image.mode, "info": image.info},
        notes=tuple(notes),
    )
