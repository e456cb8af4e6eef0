"""Export of the preprocessing stages as TIFF, PNG and one contact sheet."""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import tifffile
from PIL import Image, ImageDraw, ImageFont

from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.reporting.contrast import to_grey8
from napari_stem_defects.reporting.undrawn import draw_or_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.pipeline import Stages

TITLES = {
    "original": "a  original",
    "normalised": "b  normalised",
    "background_removed": "c  background removed",
    "spectrum": "d  log |FFT|",
    "thresholded": "e  thresholded",
}
# File names are part of the output format.
FILE_STEMS = ("a_original", "b_normalised", "c_flattened", "d_spectrum", "e_thresholded")
SPECTRA = ("spectrum", "thresholded")

_PANEL_PX = 400
_CAPTION_PX = 36
_GAP_PX = 8


class WrittenStages(NamedTuple):
    """Stages that were written.

    Attributes
    ----------
    files : tuple of Path
        ``stages.png`` last.
    notes : tuple of str
        A sentence for each picture that could not be drawn.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def write_stages(folder: Path, stages: Stages, pixel_size_nm: float | None) -> WrittenStages:
    """Write each stage as ``a_original.tif``, ``a_original.png`` etc., and ``stages.png``.

    Parameters
    ----------
    folder : Path
        Created if necessary.
    stages : Stages
        Arrays of one shape (Y, X), written as float32.
    pixel_size_nm : float or None
        Pixel size of the images in nm; the spectra are written without it.

    Returns
    -------
    WrittenStages

    Raises
    ------
    OutputError
        A file cannot be written.
    """
    files: list[Path] = []
    notes: list[str] = []
    for stem, (name, values) in zip(FILE_STEMS, stages._asdict().items(), strict=True):
        size = None if name in SPECTRA else pixel_size_nm
        path = folder / f"{stem}.png"
        files += [write_tiff(folder / f"{stem}.tif", values, size), path]
        title = f"The picture of {name.replace('_', ' ')}"
        notes.append(_write_png(path, partial(_picture, values), title))
    files.append(folder / "stages.png")
    notes.append(_write_png(files[-1], partial(contact_sheet, stages), "The sheet of all stages"))
    return WrittenStages(tuple(files), tuple(filter(None, notes)))


def contact_sheet(stages: Stages) -> Image.Image:
    """Return the five stages side by side with their titles.

    Parameters
    ----------
    stages : Stages
        Arrays of one shape (Y, X).

    Returns
    -------
    Image
        8-bit grey picture; each panel is 400 px wide.
    """
    width = len(TITLES) * (_PANEL_PX + _GAP_PX) - _GAP_PX
    panels = [
        Image.fromarray(to_grey8(values)).resize(
            _panel_size(values.shape), Image.Resampling.LANCZOS
        )
        for values in stages
    ]
    sheet = Image.new("L", (width, panels[0].height + _CAPTION_PX), 255)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for number, (title, panel) in enumerate(zip(TITLES.values(), panels, strict=True)):
        left = number * (_PANEL_PX + _GAP_PX)
        pen.text((left, _CAPTION_PX / 2), title, fill=0, font=font, anchor="lm")
        sheet.paste(panel, (left, _CAPTION_PX))
    return sheet


def _panel_size(shape: tuple[int, ...]) -> tuple[int, int]:
    height, width = shape
    return _PANEL_PX, max(1, round(_PANEL_PX * height / width))


def _picture(values: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray(to_grey8(values))


def _write_png(path: Path, draw: Callable[[], Image.Image], title: str) -> str:
    """Write a picture; return a sentence if it could not be drawn."""
    picture, note = draw_or_state(draw, title)
    with replacing(path) as temporary:
        picture.save(temporary, format="PNG")
    return note


def write_tiff(path: Path, values: NDArray[np.float32], pixel_size_nm: float | None) -> Path:
    """Write an image as TIFF with the pixel size in ImageJ tags.

    Parameters
    ----------
    path : Path
        The target; its folder is created if necessary.
    values : ndarray of float32, shape (Y, X)
        The image.
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    with replacing(path) as temporary:
        _imwrite(temporary, values, pixel_size_nm)
    return path


def encode_tiff(values: NDArray[np.float32], pixel_size_nm: float | None) -> bytes:
    """Return the content of the file that `write_tiff` writes; the same image gives the same bytes.

    Parameters
    ----------
    values : ndarray of float32, shape (Y, X) or (T, Y, X)
        An image or a stack.
    pixel_size_nm : float or None
        Edge of a pixel in nm.

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    _imwrite(buffer, values, pixel_size_nm)
    return buffer.getvalue()


def _imwrite(
    target: Path | io.BytesIO, values: NDArray[np.float32], pixel_size_nm: float | None
) -> None:
    options: dict[str, Any] = {}
    if pixel_size_nm is not None:
        options["resolution"] = (1 / pixel_size_nm, 1 / pixel_size_nm)
    if pixel_size_nm is not None or values.ndim > 2:
        unit = {} if pixel_size_nm is None else {"unit": "nm"}
        options |= {"imagej": True, "metadata": {"axes": "TYX"[-values.ndim :], **unit}}
    tifffile.imwrite(target, values, photometric="minisblack", **options)
