"""Pixel size of a TIFF file from the tags of microscope and image programs.

A resolution in dots per inch from general software is a print size, not a pixel size of the
specimen; implausible sizes (`napari_stem_defects.io.images.pixel_size`) count as unknown.
"""

from __future__ import annotations

from typing import Any

from tifffile import TiffFile, TiffPage, TiffTags, xml2dict

from napari_stem_defects.io.images.pixel_size import pixel_size_in_nm

PixelSizeNm = tuple[float, float] | None

# Private tags of DigitalMicrograph's TIFF export: units and scales, the two axes in turn.
_DM_UNITS = (65003, 65004)
_DM_SCALES = (65009, 65010)
_TIFF_UNITS = {2: (2.54, "cm"), 3: (1.0, "cm"), 4: (1.0, "mm"), 5: (1.0, "um")}


def read_tiff_pixel_size(tif: TiffFile, page: TiffPage) -> PixelSizeNm:
    """Return the pixel size from the first source with a plausible value.

    The order of the sources is: OME-XML, ImageJ unit, DigitalMicrograph tags, ThermoFisher (FEI)
    tags, Olympus (SIS) tags, standard resolution tags.

    Parameters
    ----------
    tif : TiffFile
        The open file.
    page : TiffPage
        The page whose tags are read.

    Returns
    -------
    (height, width) : tuple of float, or None
        In nm; None if no source gives a plausible size.

    Raises
    ------
    KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, IndexError
        The tags are damaged.
    """
    sources = (
        _from_ome(tif),
        _from_imagej(tif, page),
        _from_digital_micrograph(page.tags),
        _from_fei(tif),
        _from_sis(tif),
        _from_resolution(page),
    )
    return next((pixel for pixel in sources if pixel is not None), None)


def _from_ome(tif: TiffFile) -> PixelSizeNm:
    if not tif.ome_metadata:
        return None
    image = xml2dict(tif.ome_metadata)["OME"]["Image"]
    pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
    if "PhysicalSizeX" not in pixels:
        return None
    width, width_unit = pixels["PhysicalSizeX"], pixels.get("PhysicalSizeXUnit", "µm")
    height = pixels.get("PhysicalSizeY", width)
    return pixel_size_in_nm(
        (height, width), (pixels.get("PhysicalSizeYUnit", width_unit), width_unit)
    )


def _from_imagej(tif: TiffFile, page: TiffPage) -> PixelSizeNm:
    unit = (tif.imagej_metadata or {}).get("unit")
    if unit is None or page.tags.get(282) is None:
        return None
    return _per_length(page, 1.0, unit)


def _from_digital_micrograph(tags: TiffTags) -> PixelSizeNm:
    if any(tags.get(code) is None for code in (*_DM_UNITS, *_DM_SCALES)):
        return None
    scales = [tags.valueof(code) for code in _DM_SCALES]
    return pixel_size_in_nm(scales, [_text(tags.valueof(code)) for code in _DM_UNITS])


def _from_fei(tif: TiffFile) -> PixelSizeNm:
    scan: dict[str, Any] = (tif.fei_metadata or {}).get("Scan", {})
    if "PixelWidth" not in scan:
        return None
    return pixel_size_in_nm(
        (scan.get("PixelHeight", scan["PixelWidth"]), scan["PixelWidth"]), ("m", "m")
    )


def _from_sis(tif: TiffFile) -> PixelSizeNm:
    sis = tif.sis_metadata or {}
    if "pixelsizex" not in sis:
        return None
    return pixel_size_in_nm(
        (sis.get("pixelsizey", sis["pixelsizex"]), sis["pixelsizex"]), ("m", "m")
    )


def _from_resolution(page: TiffPage) -> PixelSizeNm:
    known = _TIFF_UNITS.get(int(page.resolutionunit))
    if known is None or page.tags.get(282) is None:
        return None
    return _per_length(page, *known)


def _per_length(page: TiffPage, length: float, unit: str) -> PixelSizeNm:
    across, down = page.resolution
    if not (across > 0 and down > 0):
        return None
    return pixel_size_in_nm((length / down, length / across), (unit, unit))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-16-le" if b"\0" in value.rstrip(b"\0") else "utf-8", "replace")
    return str(value)
