from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from reader_contract import IMAGE, assert_refused

from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.images.tiff_pixel_size import read_tiff_scale

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


def _tiff(path: Path, array: NDArray[Any], **options: Any) -> Path:
    tifffile.imwrite(path, array, **options)
    return path


@pytest.mark.parametrize(
    ("options", "pixel_nm"),
    [
        ({"imagej": True, "resolution": (5e4, 5e4), "metadata": {"unit": "um"}}, 0.02),
        ({"imagej": True, "resolution": (5e4, 5e4), "metadata": {"unit": "\\u00B5m"}}, 0.02),
        ({"imagej": True, "resolution": (5, 5), "metadata": {"unit": "angstrom"}}, 0.02),
        ({"imagej": True, "resolution": (72, 72), "metadata": {"unit": "inch"}}, None),
        ({"imagej": True, "resolution": (50, 50), "metadata": {"unit": "pixel"}}, None),
        ({"imagej": True, "metadata": {"unit": "nm"}}, 1.0),
        ({"resolution": (72, 72), "resolutionunit": "inch"}, None),
        ({"resolution": (300, 300), "resolutionunit": "inch"}, None),
        ({"resolution": (1200, 1200), "resolutionunit": "centimeter"}, None),
        ({"resolution": (5e8, 5e8), "resolutionunit": "centimeter"}, 0.02),
        ({"resolution": (50, 50), "resolutionunit": "none"}, None),
        ({"resolution": (0, 0), "resolutionunit": "centimeter"}, None),
    ],
)
def test_resolution_in_tiff(
    tmp_path: Path, options: dict[str, Any], pixel_nm: float | None
) -> None:
    micrograph = read(_tiff(tmp_path / "a.tif", IMAGE, **options))
    assert micrograph.pixel_size_nm == (None if pixel_nm is None else pytest.approx(pixel_nm))


@pytest.mark.parametrize(
    ("units", "scale", "pixel_nm"), [("nm", 0.02, 0.02), ("µm", 2e-5, 0.02), (None, 1.0, None)]
)
def test_tags_of_digital_micrograph(
    tmp_path: Path, units: str | None, scale: float, pixel_nm: float | None
) -> None:
    tags: list[Any] = [(code, "d", 1, scale, True) for code in (65009, 65010)]
    if units:
        text = units.encode()
        tags += [(code, "s", len(text) + 1, text, True) for code in (65003, 65004)]
    path = _tiff(tmp_path / "a.tif", IMAGE, extratags=sorted(tags))
    assert read(path).pixel_size_nm == (None if pixel_nm is None else pytest.approx(pixel_nm))


def test_digital_micrograph_states_the_width_first(tmp_path: Path) -> None:
    tags: list[Any] = [(65009, "d", 1, 0.02, True), (65010, "d", 1, 0.2, True)]
    tags += [(code, "s", 3, b"nm", True) for code in (65003, 65004)]
    micrograph = read(_tiff(tmp_path / "a.tif", IMAGE, extratags=sorted(tags)))
    assert micrograph.pixel_size_nm is None
    assert "0.2 x 0.02 nm (height x width)" in micrograph.notes[0]


def _abtem(names: Sequence[str], unit: str, *sampling: float) -> dict[str, Any]:
    axes = [
        {"label": name, "units": unit, "sampling": step}
        for name, step in zip(names, sampling, strict=True)
    ]
    about = {"data_origin": "abTEM_v1.0.11", "type": "Images"}
    about["axes"] = {f"axis_{place}": axis for place, axis in enumerate(axes)}
    return {"description": json.dumps(about)}


def test_the_axes_of_abtem(tmp_path: Path) -> None:
    square = _tiff(tmp_path / "a.tif", IMAGE, **_abtem("xy", "Å", 0.2, 0.2))
    assert read(square).pixel_size_nm == pytest.approx(0.02)
    path = _tiff(tmp_path / "b.tif", IMAGE, **_abtem("xy", "Å", 0.2, 0.4))
    with tifffile.TiffFile(path) as tif:
        assert read_tiff_scale(tif, tif.pages[0]).pixel_nm == pytest.approx((0.04, 0.02))
    pattern = _tiff(tmp_path / "c.tif", IMAGE, **_abtem(["kx", "ky"], "1/Å", 0.1, 0.1))
    assert_refused(pattern, "diffraction")


def test_pixels_that_are_not_square_leave_the_size_unknown(tmp_path: Path) -> None:
    size = {"PhysicalSizeX": 0.02, "PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
    near = _tiff(tmp_path / "a.tif", IMAGE, ome=True, metadata={**size, "PhysicalSizeY": 0.0201})
    far = _tiff(tmp_path / "b.tif", IMAGE, ome=True, metadata={**size, "PhysicalSizeY": 0.04})
    assert read(near).pixel_size_nm == pytest.approx(0.02005, abs=1e-5)
    micrograph = read(far)
    assert micrograph.pixel_size_nm is None
    assert "0.04 x 0.02 nm" in micrograph.notes[0]


def test_a_damaged_pixel_size_does_not_stop_the_reading(tmp_path: Path) -> None:
    path = _tiff(tmp_path / "a.tif", IMAGE, description="<OME><Image></Image></OME>")
    micrograph = read(path)
    assert micrograph.pixel_size_nm is None
    assert micrograph.pixels.shape == IMAGE.shape


def test_ome_metadata_have_priority_over_the_resolution(tmp_path: Path) -> None:
    size = {"PhysicalSizeX": 0.02, "PhysicalSizeXUnit": "nm"}
    options = {"resolution": (1e8, 1e8), "resolutionunit": "centimeter"}
    path = _tiff(tmp_path / "a.tif", IMAGE, ome=True, metadata=size, **options)
    with tifffile.TiffFile(path) as tif:
        assert read_tiff_scale(tif, tif.pages[0]).pixel_nm == pytest.approx((0.02, 0.02))


def test_height_and_width_keep_their_order(tmp_path: Path) -> None:
    options = {"resolution": (1e9, 5e8), "resolutionunit": "centimeter"}
    path = _tiff(tmp_path / "a.tif", IMAGE, **options)
    with tifffile.TiffFile(path) as tif:
        assert read_tiff_scale(tif, tif.pages[0]).pixel_nm == pytest.approx((0.02, 0.01))


def _with_text(path: Path, code: int, text: bytes, **options: Any) -> Path:
    """Write a TIFF file with a private tag of bytes."""
    return _tiff(path, IMAGE, extratags=[(code, "s", len(text) + 1, text, True)], **options)


@pytest.mark.parametrize("section", ["Scan", "EScan"])
def test_tags_of_thermo_fisher(tmp_path: Path, section: str) -> None:
    text = f"[{section}]\r\nPixelWidth=2e-11\r\nPixelHeight=2e-11\r\n".encode()
    path = _with_text(tmp_path / "a.tif", 34682, text)
    assert read(path).pixel_size_nm == pytest.approx(0.02)


def test_the_xml_of_epu(tmp_path: Path) -> None:
    xml = (
        b"<MicroscopeImage><SpatialScale><pixelSize><x><numericValue>2E-11</numericValue></x>"
        b"<y><numericValue>2E-11</numericValue></y></pixelSize></SpatialScale></MicroscopeImage>"
    )
    assert read(_with_text(tmp_path / "a.tif", 65027, xml)).pixel_size_nm == pytest.approx(0.02)


def test_tags_of_zeiss(tmp_path: Path) -> None:
    text = b"AP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 20.0 pm\r\n"
    path = _with_text(tmp_path / "a.tif", 34118, text)
    assert read(path).pixel_size_nm == pytest.approx(0.02)


TITAN_SIZE = (
    "<Metadata><Instrument><InstrumentClass>Titan</InstrumentClass></Instrument><BinaryResult>"
    "<PixelSize><X{unit}>{x}</X><Y{unit}>{y}</Y></PixelSize></BinaryResult></Metadata>"
)
TITAN_LABELS = (
    "<Root><Data><Label>Stage X</Label><Value>1e-4</Value><Unit>m</Unit></Data>"
    "<Data><Label>Pixel size x</Label><Value>{x}</Value><Unit>{unit}</Unit></Data></Root>"
)


@pytest.mark.parametrize(
    ("xml", "pixel_nm"),
    [
        (TITAN_SIZE.format(unit="", x="2e-11", y="2.01e-11"), (0.0201, 0.02)),
        (TITAN_SIZE.format(unit=' unit="m" unitPrefixPower="1"', x="2E-11", y="2E-11"), 0.02),
        (TITAN_SIZE.format(unit=" unit='nm'", x="0.02", y="0.02"), 0.02),
        (TITAN_LABELS.format(unit="nm", x="0.02"), 0.02),
        (TITAN_LABELS.format(unit="m", x="2e-11"), 0.02),
    ],
)
def test_the_xml_of_titan(tmp_path: Path, xml: str, pixel_nm: float | tuple[float, float]) -> None:
    """Tags as Bio-Formats reads them: files of a Titan have an empty tag of a Helios beside it."""
    path = tmp_path / "a.tif"
    texts = ((34682, b"\0"), (34683, xml.encode()))
    tags = [(code, "s", len(text) + 1, text, True) for code, text in texts]
    _tiff(path, IMAGE, extratags=tags, resolution=(72, 72), resolutionunit="inch")
    sizes = pixel_nm if isinstance(pixel_nm, tuple) else (pixel_nm, pixel_nm)
    with tifffile.TiffFile(path) as tif:
        assert read_tiff_scale(tif, tif.pages[0]).pixel_nm == pytest.approx(sizes)
    assert read(path).pixel_size_nm == pytest.approx(np.sqrt(np.prod(sizes)))


def test_a_reciprocal_image_of_titan_is_refused(tmp_path: Path) -> None:
    xml = TITAN_SIZE.format(unit=' unit="1/m"', x="5e7", y="5e7")
    assert_refused(_with_text(tmp_path / "a.tif", 34683, xml.encode()), "diffraction")


def test_an_empty_tag_of_titan_leaves_the_tags_of_a_helios(tmp_path: Path) -> None:
    scan = b"[Scan]\r\nPixelWidth=2e-11\r\nPixelHeight=2e-11\r\n"
    tags = [(code, "s", len(text) + 1, text, True) for code, text in ((34682, scan), (34683, b" "))]
    path = _tiff(tmp_path / "a.tif", IMAGE, extratags=tags)
    assert read(path).pixel_size_nm == pytest.approx(0.02)


def sis_structure(start: int, size: tuple[float, float], exponent: int, magic: bytes) -> bytes:
    """Return the block of Olympus SIS at ``start`` in a file, as Bio-Formats describes it.

    Magic, six bytes, minute, hour, day, month, year, six bytes, name; then a list of blocks, of
    which that of type 1 has the pixel size: exponent of the unit, x and y.
    """
    head = struct.pack("<4s6x5h6x32s", magic, 30, 12, 15, 6, 120, b"lamella")
    blocks = struct.pack("<h", 2)
    here = start + len(head) + len(blocks) + 2 * 8
    blocks += struct.pack("<hhI", 10, 0, here) + struct.pack("<hhI", 1, 0, here + 4)
    data = struct.pack("<10xhdd8xd2x34s32s", exponent, *size, 5e6, b"Morada", b"HAADF")
    return head + blocks + bytes(4) + data


def sis(path: Path, size: tuple[float, float], exponent: int, magic: bytes = b"SIS0") -> Path:
    """Write a TIFF with the tag 33560, a number that states where the block is."""
    _tiff(path, IMAGE, extratags=[(33560, "I", 1, 8, True)], software="analySIS 5.0")
    with tifffile.TiffFile(path) as tif:
        entry = next(tag.offset for tag in tif.pages[0].tags if tag.code == 33560)
    content = bytearray(path.read_bytes())
    content[entry + 8 : entry + 12] = struct.pack("<I", len(content))
    path.write_bytes(bytes(content) + sis_structure(len(content), size, exponent, magic))
    return path


@pytest.mark.parametrize(
    ("size", "exponent", "pixel_nm"),
    [
        ((0.02, 0.02), -9, (0.02, 0.02)),
        ((20.0, 20.1), -12, (0.0201, 0.02)),
        ((2e-5, 2e-5), -6, (0.02, 0.02)),
    ],
)
def test_tags_of_olympus_sis(
    tmp_path: Path, size: tuple[float, float], exponent: int, pixel_nm: tuple[float, float]
) -> None:
    path = sis(tmp_path / "a.tif", size, exponent)
    with tifffile.TiffFile(path) as tif:
        assert read_tiff_scale(tif, tif.pages[0]).pixel_nm == pytest.approx(pixel_nm)
    assert read(path).pixel_size_nm == pytest.approx(np.sqrt(np.prod(pixel_nm)))


def test_a_damaged_block_of_sis_leaves_the_size_unknown(tmp_path: Path) -> None:
    micrograph = read(sis(tmp_path / "a.tif", (0.02, 0.02), -9, magic=b"NONE"))
    assert micrograph.pixel_size_nm is None
    assert micrograph.pixels.shape == IMAGE.shape


def jeol(mode: str, value: str) -> bytes:
    return (
        "<TemReporter><Eos><EosMode>eosTEM</EosMode></Eos><ImageFormingSystem>"
        f"<ModeString>{mode}</ModeString><SelectorValue>{value}</SelectorValue>"
        "</ImageFormingSystem></TemReporter>"
    ).encode()


def test_the_xml_of_jeol(tmp_path: Path) -> None:
    options = {"resolution": (500, 500), "resolutionunit": "centimeter", "metadata": None}
    make = [(271, "s", 10, b"JEOL Ltd.", True)]
    for name, mode in (("mag", "MAG"), ("diff", "DIFF"), ("stem", "ASID")):
        described = jeol(mode, "1000000").decode()
        _tiff(tmp_path / f"{name}.tif", IMAGE, description=described, extratags=make, **options)
    # 20 µm on the detector, magnified a million times.
    assert read(tmp_path / "mag.tif").pixel_size_nm == pytest.approx(0.02)
    assert_refused(tmp_path / "diff.tif", "diffraction")
    assert "gives no pixel size" in read(tmp_path / "stem.tif").notes[0]


def test_the_units_of_both_axes_of_imagej(tmp_path: Path) -> None:
    metadata = {"unit": "nm", "yunit": "A"}
    path = _tiff(tmp_path / "a.tif", IMAGE, imagej=True, resolution=(50, 5), metadata=metadata)
    assert read(path).pixel_size_nm == pytest.approx(0.02)


@pytest.mark.parametrize("unit", ["1/nm", "A^-1", "mrad"])
def test_reciprocal_images_are_refused(tmp_path: Path, unit: str) -> None:
    metadata = {"unit": unit}
    path = _tiff(tmp_path / "a.tif", IMAGE, imagej=True, resolution=(5, 5), metadata=metadata)
    assert_refused(path, "diffraction")


def test_a_unit_that_is_not_understood_is_stated(tmp_path: Path) -> None:
    metadata = {"unit": "furlong"}
    path = _tiff(tmp_path / "a.tif", IMAGE, imagej=True, resolution=(5, 5), metadata=metadata)
    micrograph = read(path)
    assert micrograph.pixel_size_nm is None
    assert micrograph.notes == (
        "Its pixel size is given in 'furlong', which is no known unit, and was ignored.",
    )
