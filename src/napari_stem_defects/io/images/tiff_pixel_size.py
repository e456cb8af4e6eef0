"""Pixel size of a TIFF image from the tags of microscope and image programs.

A resolution in dots per inch from general software is a print size, not a pixel size of the
specimen; implausible sizes (`napari_stem_defects.io.images.pixel_size`) count as unknown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tifffile import TiffFile, TiffPage, TiffTags, xml2dict

from napari_stem_defects.io.images.abtem_axes import axes_in_text
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale

if TYPE_CHECKING:
    from collections.abc import Callable

# Private tags of DigitalMicrograph's TIFF export: units and scales of the height and the width.
_DM_UNITS = (65004, 65003)
_DM_SCALES = (65010, 65009)
_TIFF_UNITS = {2: (2.54, "cm"), 3: (1.0, "cm"), 4: (1.0, "mm"), 5: (1.0, "um")}
_ZEISS_SIZES = ("ap_image_pixel_size", "ap_pixel_size")
_ZEISS_REFERENCE_WIDTH = 1024
_ZEISS_SIZE_PLACE = 3
_DESCRIPTION, _MAKE, _RESOLUTION = 270, 271, 282
_FEI_TITAN = 34683
_EPU_SIZE = re.compile(
    r"<pixelSize\b.*?<x>.*?numericValue>([^<]+)<.*?</x>.*?<y>.*?numericValue>([^<]+)<", re.DOTALL
)
_TITAN_LABEL = re.compile(
    r"<Label>\s*Pixel\s*size\s*x?\s*</Label>\s*<Value>([^<]+)</Value>\s*<Unit>([^<]*)</Unit>",
    re.IGNORECASE,
)
# X and Y in m, as Bio-Formats reads them; newer files state the unit.
_TITAN_SIZE = re.compile(r"<PixelSize\b[^>]*>\s*<X([^>]*)>([^<]+)</X>\s*<Y([^>]*)>([^<]+)</Y>")
_XML_UNIT = re.compile(r"""\bunit=["']([^"']*)["']""")


def read_tiff_scale(tif: TiffFile, page: TiffPage, number: int = 0) -> FileScale:
    """Return the pixel size of an image from the first source that has one.

    The order of the sources is: OME-XML, abTEM, ImageJ unit, DigitalMicrograph tags, ThermoFisher
    (FEI) tags, Zeiss, Olympus (SIS), TVIPS and JEOL tags, standard resolution tags.

    Parameters
    ----------
    tif : TiffFile
        The open file.
    page : TiffPage
        The page whose tags are read.
    number : int
        Place of the image among the images of the file, from 0.

    Returns
    -------
    FileScale
        Without a size, the note states what the first source with one gave.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, IndexError
        The tags are damaged.
    """
    sources: tuple[Callable[[], FileScale | None], ...] = (
        lambda: _from_ome(tif, number),
        lambda: _from_abtem(page),
        lambda: _from_imagej(tif, page),
        lambda: _from_digital_micrograph(page.tags),
        lambda: _from_fei(tif, page),
        lambda: _from_zeiss(tif, page),
        lambda: _from_sis(page),
        lambda: _from_tvips(tif),
        lambda: _from_jeol(page),
        lambda: _from_resolution(page),
    )
    notes = []
    for source in sources:
        found = source()
        if found is not None and (found.pixel_nm is not None or found.is_reciprocal):
            return found
        if found is not None and found.note:
            notes.append(found.note)
    return FileScale(note=notes[0] if notes else "")


def ome_image_of(tif: TiffFile, number: int) -> dict[str, Any]:
    """Return the OME description of one image of a file.

    Parameters
    ----------
    tif : TiffFile
        The open file.
    number : int
        Place of the image among the images of the file, from 0.

    Returns
    -------
    dict
        The element ``Image``; empty where there is none of that image.
    """
    if not tif.ome_metadata:
        return {}
    images = xml2dict(tif.ome_metadata).get("OME", {}).get("Image", {})
    images = images if isinstance(images, list) else [images]
    found = images[number] if number < len(images) else {}
    return found if isinstance(found, dict) else {}


def _from_ome(tif: TiffFile, number: int) -> FileScale | None:
    pixels = ome_image_of(tif, number).get("Pixels", {})
    if "PhysicalSizeX" not in pixels:
        return None
    width, width_unit = pixels["PhysicalSizeX"], pixels.get("PhysicalSizeXUnit", "µm")
    height = pixels.get("PhysicalSizeY", width)
    return file_scale((height, width), (pixels.get("PhysicalSizeYUnit", width_unit), width_unit))


def _from_abtem(page: TiffPage) -> FileScale | None:
    axes = axes_in_text(page.description, (page.imagelength, page.imagewidth))
    if not axes:
        return None
    columns, rows = axes if axes[0].name == "x" else reversed(axes)
    return file_scale((rows.scale, columns.scale), (rows.unit, columns.unit))


def _from_imagej(tif: TiffFile, page: TiffPage) -> FileScale | None:
    described = tif.imagej_metadata or {}
    unit = described.get("unit")
    if unit is None or page.tags.get(_RESOLUTION) is None:
        return None
    return _per_length(page, 1.0, (described.get("yunit", unit), unit))


def _from_digital_micrograph(tags: TiffTags) -> FileScale | None:
    if any(tags.get(code) is None for code in (*_DM_UNITS, *_DM_SCALES)):
        return None
    scales = [tags.valueof(code) for code in _DM_SCALES]
    return file_scale(scales, [_text(tags.valueof(code)) for code in _DM_UNITS])


def _from_fei(tif: TiffFile, page: TiffPage) -> FileScale | None:
    found: dict[str, Any] = tif.fei_metadata or {}
    for section in ("Scan", "EScan", "IScan"):
        values = found.get(section, {})
        if "PixelWidth" in values:
            width = values["PixelWidth"]
            return file_scale((values.get("PixelHeight", width), width), ("m", "m"))
    titan = _from_titan(_text(page.tags.valueof(_FEI_TITAN, default="")))
    if titan is not None:
        return titan
    for tag in page.tags:
        text = _text(tag.value) if tag.code > 32768 and isinstance(tag.value, str | bytes) else ""
        epu = _EPU_SIZE.search(text)
        if epu:
            return file_scale((epu[2], epu[1]), ("m", "m"))
    return None


def _from_titan(xml: str) -> FileScale | None:
    """Return the size in the XML of Titan microscopes, of either of its layouts."""
    label, size = _TITAN_LABEL.search(xml), _TITAN_SIZE.search(xml)
    if label:
        return file_scale((label[1], label[1]), (label[2], label[2]))
    if not size:
        return None
    across, down = (found[1] if (found := _XML_UNIT.search(size[n])) else "m" for n in (1, 3))
    return file_scale((size[4], size[2]), (down, across))


def _from_zeiss(tif: TiffFile, page: TiffPage) -> FileScale | None:
    found = tif.sem_metadata or {}
    for name in _ZEISS_SIZES:
        if len(found.get(name, ())) == 3:
            _, size, unit = found[name]
            return file_scale((size, size), (unit, unit))
    values = found.get("", ())
    if len(values) <= _ZEISS_SIZE_PLACE:
        return None
    size = float(values[_ZEISS_SIZE_PLACE]) * _ZEISS_REFERENCE_WIDTH / page.imagewidth
    return file_scale((size, size), ("m", "m"))


def _from_sis(page: TiffPage) -> FileScale | None:
    for code in (33471, 33560):
        sis = page.tags.valueof(code)
        if isinstance(sis, dict) and "pixelsizex" in sis:
            width = sis["pixelsizex"]
            return file_scale((sis.get("pixelsizey", width), width), ("m", "m"))
    return None


def _from_tvips(tif: TiffFile) -> FileScale | None:
    tvips = tif.tvips_metadata or {}
    if "PixelSizeX" not in tvips:
        return None
    width = tvips["PixelSizeX"]
    return file_scale((tvips.get("PixelSizeY", width), width), ("nm", "nm"))


def _from_jeol(page: TiffPage) -> FileScale | None:
    """Return the size of a JEOL image from magnification and resolution; STEM images have none."""
    if not str(page.tags.valueof(_MAKE, default="")).startswith("JEOL"):
        return None
    text = _text(page.tags.valueof(_DESCRIPTION, default="")).strip("\0\x01 \r\n\t")
    report = xml2dict(text).get("TemReporter", {}) if text.startswith("<") else {}
    mode = report.get("Eos", {}).get("EosMode")
    imaging = report.get("ImageFormingSystem", {})
    known = _TIFF_UNITS.get(int(page.resolutionunit))
    if mode == "eosTEM" and imaging.get("ModeString") == "DIFF":
        return FileScale(is_reciprocal=True)
    if mode == "eosTEM" and imaging.get("ModeString") == "MAG" and known is not None:
        length, unit = known
        return _per_length(page, length / float(imaging["SelectorValue"]), (unit, unit))
    return FileScale(note="JEOL's description of this image gives no pixel size.")


def _from_resolution(page: TiffPage) -> FileScale | None:
    known = _TIFF_UNITS.get(int(page.resolutionunit))
    if known is None or page.tags.get(_RESOLUTION) is None:
        return None
    length, unit = known
    scale = _per_length(page, length, (unit, unit))
    # A print size is no fault of the file.
    return scale if scale is not None and scale.pixel_nm is not None else None


def _per_length(page: TiffPage, length: float, units: tuple[str, str]) -> FileScale | None:
    across, down = page.resolution
    if not (across > 0 and down > 0):
        return None
    return file_scale((length / down, length / across), units)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-16-le" if b"\0" in value.rstrip(b"\0") else "utf-8", "replace")
    return str(value)
