from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
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
    (note,) = micrograph.notes
    assert note.startswith("Of 3 signals 'channel 0' was read")
    np.testing.assert_array_equal(read(path, signal=2).pixels, STACK[2])


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
    assert micrograph.notes == ("Of 2 signals 'image 1' was read (the largest), not image 0.",)


def test_more_axes_than_a_stack_are_refused(tmp_path: Path) -> None:
    array = np.zeros((2, 3, 8, 9), np.uint8)
    path = _tiff(tmp_path / "a.tif", array, imagej=True, metadata={"axes": "TZYX"})
    assert_refused(path, "4 axes TZYX (2 x 3 x 8 x 9)", "one stack of frames")


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


def test_a_raw_page_is_taken_before_a_marked_copy(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    raw = IMAGE.astype(np.uint16) * 100
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb", resolution=(72, 72), resolutionunit="inch")
        writer.write(raw, resolution=(5e8, 5e8), resolutionunit="centimeter")
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, raw)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)
    assert "raw numbers, not an 8-bit or colour copy" in micrograph.notes[0]
    assert read(path, signal=0).pixel_size_nm is None


def test_pixels_and_size_are_of_the_same_ome_image(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        for image, size, name in ((IMAGE[:40, :50], 0.11, "first"), (IMAGE, 0.02, "second")):
            scale = {"PhysicalSizeX": size, "PhysicalSizeXUnit": "nm"}
            scale |= {"PhysicalSizeY": size, "PhysicalSizeYUnit": "nm", "Name": name}
            writer.write(image, metadata=scale)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert (micrograph.pixel_size_nm, micrograph.signal) == (pytest.approx(0.02), "second")
    first = read(path, signal="first")
    assert (first.frame_shape, first.pixel_size_nm) == ((40, 50), pytest.approx(0.11))


def test_three_grey_frames_of_bytes_are_no_colours(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (3, 64, 80), dtype=np.uint8)
    path = _tiff(tmp_path / "a.tif", frames, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(path).pixels, frames)


def test_channels_have_the_names_of_the_file(tmp_path: Path) -> None:
    names = {"axes": "CYX", "Channel": {"Name": ["ABF", "HAADF"]}}
    path = _tiff(tmp_path / "a.ome.tif", STACK[:2], ome=True, metadata=names)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, STACK[1])
    assert micrograph.signal == "HAADF"


def test_a_few_numbers_per_place_are_no_frames(tmp_path: Path) -> None:
    array = np.random.default_rng(0).random((64, 80, 10), np.float32)
    path = _tiff(tmp_path / "a.tif", array, photometric="minisblack")
    assert_refused(path, "10 per place rather than frames")


@pytest.mark.parametrize("array", [IMAGE, STACK, np.concatenate([STACK, STACK])])
def test_images_of_abtem_have_their_rows_down(tmp_path: Path, array: NDArray[Any]) -> None:
    axes = [{"label": "", "units": None}] * (array.ndim - 2)
    axes += [{"label": name, "units": "Å", "sampling": 0.2} for name in "xy"]
    about = {"data_origin": "abTEM_v1.0.11", "axes": {f"axis_{i}": a for i, a in enumerate(axes)}}
    stored = np.ascontiguousarray(array.swapaxes(-1, -2)).astype("f4")
    as_colours = {"photometric": "rgb", "planarconfig": "separate"}  # tifffile's choice for three
    options = as_colours if stored.shape[:-2] == (3,) else {}
    path = _tiff(tmp_path / "a.tif", stored, description=json.dumps(about), **options)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, array)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)
