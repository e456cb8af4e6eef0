from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tifffile
from reader_contract import IMAGE, assert_refused

from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.images.tiff_pixel_size import read_tiff_scale

if TYPE_CHECKING:
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
