from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as Picture
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.io.images.read import read

Image = NDArray[np.uint8]


class TestPng(ReaderContract):
    suffix = ".png"
    pixel_nm: ClassVar[float | None] = None

    def write(self, path: Path, image: Image) -> None:
        Picture.fromarray(image).save(path, dpi=(300, 300))


class TestJpeg(ReaderContract):
    suffix = ".jpg"
    pixel_nm: ClassVar[float | None] = None
    tolerance: ClassVar[float] = 12

    def write(self, path: Path, image: Image) -> None:
        Picture.fromarray(image).save(path, quality=95, dpi=(72, 72))


class TestBmp(ReaderContract):
    suffix = ".bmp"
    pixel_nm: ClassVar[float | None] = None

    def write(self, path: Path, image: Image) -> None:
        Picture.fromarray(image).save(path, dpi=(72, 72))


def test_grey_with_alpha(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Picture.fromarray(IMAGE).convert("LA").save(path)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert "alpha" in micrograph.notes[0]


@pytest.mark.parametrize("mode", ["1", "P", "RGB", "RGBA", "I;16"])
def test_png_modes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    Picture.fromarray(IMAGE).convert(mode).save(path)
    assert read(path).pixels.shape == IMAGE.shape


@pytest.mark.parametrize("mode", ["CMYK", "RGB"])
def test_jpeg_modes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.jpg"
    Picture.fromarray(IMAGE).convert(mode).save(path, quality=95)
    np.testing.assert_allclose(read(path).pixels, IMAGE, atol=12)


def _png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 100) + b"IDAT"


@pytest.mark.parametrize("edge", [10_000, 16_384, 60_000])
def test_picture_bombs_are_refused(tmp_path: Path, edge: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(edge, edge) + bytes(100))
    assert_refused(path, "89 million pixels", "TIFF")


@pytest.mark.parametrize("colour", [(255, 0, 0), (255, 255, 0), (0, 60, 255)])
def test_coloured_marks_on_a_grey_picture_are_masked(
    tmp_path: Path, colour: tuple[int, int, int]
) -> None:
    grey = np.random.default_rng(0).integers(60, 180, (128, 160), dtype=np.uint8)
    picture = np.stack([grey] * 3, axis=-1)
    picture[20:30, 40:90] = colour
    Picture.fromarray(picture).save(tmp_path / "a.png")
    micrograph = read(tmp_path / "a.png")
    assert micrograph.invalid is not None
    assert micrograph.invalid[20:30, 40:90].all()
    assert micrograph.invalid.mean() < 0.05
    assert any("Coloured marks" in note for note in micrograph.notes)


def test_a_picture_in_false_colours_has_no_marks(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (128, 160), dtype=np.uint8)
    Picture.fromarray(np.stack([grey, 255 - grey, grey // 2], axis=-1)).save(tmp_path / "a.png")
    assert read(tmp_path / "a.png").invalid is None
