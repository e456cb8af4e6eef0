from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image as Picture
from reader_contract import IMAGE, ReaderContract, assert_refused
from skimage.io import imsave

from napari_stem_defects.io.images import limits
from napari_stem_defects.io.images.read import read

Image = NDArray[np.uint8]
RGB = np.stack([IMAGE] * 3, axis=-1)
RGBA = np.dstack([RGB, np.full(IMAGE.shape, 255, np.uint8)])
STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


class TestPlainTiff(ReaderContract):
    suffix = ".tif"
    pixel_nm: ClassVar[float | None] = None

    def write(self, path: Path, image: Image) -> None:
        tifffile.imwrite(path, image)


class TestLzwRgbaTiff(ReaderContract):
    suffix = ".tif"
    pixel_nm: ClassVar[float | None] = None

    def write(self, path: Path, image: Image) -> None:
        alpha = np.full(image.shape, 255, np.uint8)
        layers = np.dstack([image, image, image, alpha])
        tifffile.imwrite(path, layers, photometric="rgb", compression="lzw", rowsperstrip=8)


class TestImageJTiff(ReaderContract):
    suffix = ".tiff"

    def write(self, path: Path, image: Image) -> None:
        tifffile.imwrite(path, image, imagej=True, resolution=(50, 50), metadata={"unit": "nm"})


class TestOmeTiff(ReaderContract):
    suffix = ".tif"

    def write(self, path: Path, image: Image) -> None:
        size = {"PhysicalSizeX": 20, "PhysicalSizeXUnit": "pm"}
        size |= {"PhysicalSizeY": 20, "PhysicalSizeYUnit": "pm"}
        tifffile.imwrite(path, image, ome=True, compression="zlib", tile=(32, 32), metadata=size)


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


class TestNpy(ReaderContract):
    suffix = ".npy"
    pixel_nm: ClassVar[float | None] = None

    def write(self, path: Path, image: Image) -> None:
        np.save(path, image.astype(">f8"))


def _tiff(path: Path, array: NDArray[Any], **options: Any) -> Path:
    tifffile.imwrite(path, array, **options)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", ">u2", "i2", "u4", "i4", "f2", "f4", ">f4"])
def test_numbers_of_every_kind(tmp_path: Path, dtype: str) -> None:
    array = (IMAGE // 2).astype(dtype)
    byteorder: Any = ">" if array.dtype.byteorder == ">" else "<"
    path = _tiff(tmp_path / "a.tif", array, byteorder=byteorder)
    np.testing.assert_array_equal(read(path).pixels, IMAGE // 2)


def test_one_bit_tiff(tmp_path: Path) -> None:
    path = _tiff(tmp_path / "a.tif", IMAGE > 100)
    np.testing.assert_array_equal(read(path).pixels, IMAGE > 100)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"ome": True}, {"imagej": True}])
def test_stacks_are_frames_first(tmp_path: Path, options: dict[str, Any]) -> None:
    axes = {"metadata": {"axes": "TYX"}}
    micrograph = read(_tiff(tmp_path / "a.tif", STACK, photometric="minisblack", **axes, **options))
    np.testing.assert_array_equal(micrograph.pixels, STACK)
    assert micrograph.frame_count == 3


def test_stack_of_colour_frames(tmp_path: Path) -> None:
    path = _tiff(tmp_path / "a.tif", np.stack([RGB, RGB // 2]), photometric="rgb")
    np.testing.assert_array_equal(read(path).pixels, np.stack([IMAGE, IMAGE // 2]))


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_equal_channels_become_grey(tmp_path: Path, planar: str) -> None:
    layers = RGBA if planar == "contig" else np.moveaxis(RGBA, -1, 0)
    path = _tiff(tmp_path / "a.tif", layers, photometric="rgb", planarconfig=planar)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.notes == (
        "The alpha channel was left out.",
        "Three equal colour channels were read as grey.",
    )


@pytest.mark.parametrize("count", [3, 4])
def test_three_or_four_frames_saved_without_saying_so_are_no_colours(
    tmp_path: Path, count: int
) -> None:
    frames = np.random.default_rng(0).random((count, 20, 30), np.float32)
    imsave(tmp_path / "few.tif", frames, check_contrast=False)
    image = read(tmp_path / "few.tif")
    np.testing.assert_array_equal(image.pixels, frames)
    assert f"{count} planes were read as frames" in " ".join(image.notes)


def test_axes_of_length_one_are_left_out_wherever_they_are(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).random((5, 20, 30), np.float32)
    for number, shape in enumerate([(5, 1, 20, 30), (1, 5, 20, 30), (1, 1, 5, 20, 30)]):
        path = _tiff(tmp_path / f"{number}.tif", frames.reshape(shape), photometric="minisblack")
        np.testing.assert_array_equal(read(path).pixels, frames)


def test_channels_that_are_no_colours_give_the_first(tmp_path: Path) -> None:
    path = _tiff(tmp_path / "a.tif", STACK, imagej=True, metadata={"axes": "CYX"})
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.notes == ("Of 3 channels the first was read.",)


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


def test_palette_is_looked_up(tmp_path: Path) -> None:
    ramp = np.stack([np.arange(255, -1, -1, dtype=np.uint16) * 257] * 3)
    path = _tiff(tmp_path / "a.tif", IMAGE, photometric="palette", colormap=ramp)
    np.testing.assert_array_equal(read(path).pixels, (255.0 - IMAGE) * 257)


def test_largest_of_several_images_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(IMAGE[::4, ::4])
        writer.write(IMAGE)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.notes == ("Of 2 images in the file the largest was read.",)


def test_more_axes_than_a_stack_are_refused(tmp_path: Path) -> None:
    array = np.zeros((2, 3, 8, 9), np.uint8)
    path = _tiff(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "TZYX"})
    assert_refused(path, "4 axes TZYX (2 x 3 x 8 x 9)", "one stack of frames")
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 8, 9)))
    assert_refused(tmp_path / "a.npy", "4 axes (2 x 3 x 8 x 9)", "one stack of frames")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"ome": True}, {"imagej": True}])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_stack_that_was_cut_short_is_refused(
    tmp_path: Path, options: dict[str, Any], share: float
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (5, 64, 64), dtype=np.uint8)
    path = _tiff(tmp_path / "a.tif", noise, photometric="minisblack", **options)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert_refused(path)


def test_name_loses_the_double_ending(tmp_path: Path) -> None:
    assert read(_tiff(tmp_path / "a.ome.tif", IMAGE)).name == "a"


def test_neighbours_named_by_an_ome_file_are_left_alone(tmp_path: Path) -> None:
    first, second = tmp_path / "a.ome.tif", tmp_path / "b.ome.tif"
    _tiff(second, IMAGE // 2)
    plane = (
        "<TiffData FirstT='{0}' IFD='0' PlaneCount='1'><UUID FileName='{1}'>{1}</UUID></TiffData>"
    )
    planes = plane.format(0, first.name) + plane.format(1, second.name)
    xml = (
        "<OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06' UUID='a.ome.tif'>"
        "<Image ID='Image:0'><Pixels ID='Pixels:0' DimensionOrder='XYZCT' Type='uint8'"
        " SizeX='80' SizeY='70' SizeZ='1' SizeC='1' SizeT='2'><Channel ID='Channel:0:0'/>"
        f"{planes}</Pixels></Image></OME>"
    )
    _tiff(first, IMAGE, description=xml, metadata=None)
    assert tifffile.imread(first).shape == (2, *IMAGE.shape)  # it does follow by default
    np.testing.assert_array_equal(read(first).pixels, IMAGE)


def _png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + body + struct.pack(">I", 100) + b"IDAT"


@pytest.mark.parametrize("edge", [10_000, 16_384, 60_000])
def test_picture_bombs_are_refused(tmp_path: Path, edge: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(edge, edge) + bytes(100))
    assert_refused(path, "89 million pixels", "TIFF")


def test_a_tiff_header_that_declares_200_gigabytes_is_refused(tmp_path: Path) -> None:
    path = _tiff(tmp_path / "bomb.tif", IMAGE, compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tif:
        for code in (256, 257, 278):
            tif.pages[0].tags[code].overwrite(450_000)
    assert_refused(path, "memory")


def test_a_tiff_header_that_declares_more_than_the_file_can_hold_is_refused(tmp_path: Path) -> None:
    path = _tiff(tmp_path / "bomb.tif", IMAGE, compression="zlib")
    with tifffile.TiffFile(path, mode="r+") as tif:
        for code in (256, 257, 278):
            tif.pages[0].tags[code].overwrite(12_000)
    assert_refused(path, "declares 144 MB in a file of")


def test_big_image_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "memory_limit", lambda: 10_000)
    assert_refused(_tiff(tmp_path / "a.tif", IMAGE), "needs 28 kB of memory", "smaller")


def test_npy_with_objects_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([[1, "a"]], dtype=object), allow_pickle=True)
    assert_refused(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.arange(5), "single row"),
        (np.array(5.0), "single row"),
        (np.zeros((0, 5)), "no pixels"),
        (np.array([["a", "b"]]), "instead of numbers"),
        (np.zeros((8, 8), dtype=[("a", "f4"), ("b", "f4")]), "instead of numbers"),
    ],
)
def test_npy_without_an_image_is_refused(tmp_path: Path, array: NDArray[Any], words: str) -> None:
    np.save(tmp_path / "a.npy", array)
    assert_refused(tmp_path / "a.npy", words)


def test_npy_in_colour_and_in_fortran_order(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RGBA)
    np.save(tmp_path / "b.npy", np.asfortranarray(IMAGE))
    for name in ("a.npy", "b.npy"):
        np.testing.assert_array_equal(read(tmp_path / name).pixels, IMAGE)
