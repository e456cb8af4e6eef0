from __future__ import annotations

import gzip
import struct
import time
from pathlib import Path
from typing import Any, ClassVar

import mrcfile
import numpy as np
import pytest
from microscope_samples import mrc_bytes
from numpy.typing import NDArray
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.io.images import mrc
from napari_stem_defects.io.images.read import read

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


class TestMrc(ReaderContract):
    suffix = ".mrc"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        path.write_bytes(mrc_bytes(image.astype(np.float32)))


class TestMrcStack(TestMrc):
    suffix = ".mrcs"


class TestPackedMrc(ReaderContract):
    suffix = ".mrc.gz"

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        with mrcfile.new(path, image.astype(np.float32), compression="gzip") as file:
            file.voxel_size = 0.2


def written(path: Path, array: NDArray[Any], angstrom: float = 0.2) -> Path:
    """Write an image or a stack by mrcfile."""
    with mrcfile.new(path) as file:
        file.set_data(array)
        if array.ndim == 3:
            file.set_image_stack()
        file.voxel_size = angstrom
    return path


@pytest.mark.parametrize("dtype", ["i1", "i2", "u2", "f2", "f4"])
@pytest.mark.parametrize("array", [IMAGE, STACK], ids=["image", "stack"])
def test_numbers_of_every_mode(tmp_path: Path, dtype: str, array: NDArray[np.uint8]) -> None:
    numbers = (array.astype(int) - 120).astype(dtype) if dtype[0] != "u" else array.astype(dtype)
    micrograph = read(written(tmp_path / "a.mrc", numbers))
    np.testing.assert_array_equal(micrograph.pixels, numbers)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)


def test_bytes_of_before_2014_are_unsigned_where_their_range_shows_it(tmp_path: Path) -> None:
    path = written(tmp_path / "a.mrc", IMAGE.view(np.int8))
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, 108, 0)  # no version
    struct.pack_into("<2f", data, 76, 0, 255)  # lowest and highest
    path.write_bytes(data)
    np.testing.assert_array_equal(read(path).pixels, IMAGE)
    struct.pack_into("<2f", data, 76, 0, 0)
    path.write_bytes(data)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE.view(np.int8))
    assert "signed" in micrograph.notes[0]


@pytest.mark.parametrize(("flags", "kind"), [(0, "u1"), (1, "i1")])
def test_imod_states_the_sign_of_bytes(tmp_path: Path, flags: int, kind: str) -> None:
    path = written(tmp_path / "a.mrc", IMAGE.view(np.int8))
    data = bytearray(path.read_bytes())
    struct.pack_into("<2i", data, 152, 1146047817, flags)
    path.write_bytes(data)
    np.testing.assert_array_equal(read(path).pixels, IMAGE.view(kind))


@pytest.mark.parametrize("angstrom", [0.0, -10.0, float("nan")])
def test_a_cell_that_is_no_size_leaves_it_unknown(tmp_path: Path, angstrom: float) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(mrc_bytes(IMAGE.astype(np.float32), pixel_angstrom=angstrom))
    micrograph = read(path)
    assert (micrograph.pixel_size_nm, micrograph.pixel_size_source) == (None, "unknown")
    assert "gives no pixel size" in micrograph.notes[0]


def test_one_angstrom_per_pixel_is_not_a_pixel_size(tmp_path: Path) -> None:
    micrograph = read(written(tmp_path / "a.mrc", IMAGE.astype(np.float32), 1.0))
    assert micrograph.pixel_size_nm is None
    assert "pixel size of 1 Å" in micrograph.notes[0]


def test_a_complex_transform_is_refused(tmp_path: Path) -> None:
    transform = np.fft.fft2(IMAGE).astype(np.complex64)
    assert_refused(written(tmp_path / "a.mrc", transform), "Fourier transform")


@pytest.mark.parametrize("dtype", [">f4", ">i2"])
def test_big_endian_files_are_read(tmp_path: Path, dtype: str) -> None:
    path = written(tmp_path / "a.mrc", IMAGE.astype(dtype))
    assert path.read_bytes()[212:214] == b"\x11\x11"
    np.testing.assert_array_equal(read(path).pixels, IMAGE)


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    data = bytearray(mrc_bytes(IMAGE.astype(np.float32)))
    struct.pack_into("<i", data, 12, 7)
    path.write_bytes(data)
    assert_refused(path, "mode 7")


def test_four_bits_per_pixel(tmp_path: Path) -> None:
    numbers = (IMAGE[:, :79] % 16).astype(np.uint8)
    even = np.pad(numbers, ((0, 0), (0, 1)))
    packed = (even[:, ::2] | even[:, 1::2] << 4).tobytes()
    path = tmp_path / "a.mrc"
    header = bytearray(mrc_bytes(numbers.astype(np.float32))[:1024])
    struct.pack_into("<i", header, 12, 101)
    path.write_bytes(bytes(header) + packed)
    np.testing.assert_array_equal(read(path).pixels, numbers)


@pytest.mark.parametrize("kind", ["FEI1", "FEI2"])
def test_extended_headers_give_the_pixel_size(tmp_path: Path, kind: str) -> None:
    from mrcfile import dtypes

    path = tmp_path / "a.mrc"
    header = np.zeros(3, dtypes.get_ext_header_dtype(kind.encode()))
    header["Metadata size"] = header.dtype.itemsize
    header["Pixel size X"] = header["Pixel size Y"] = 2.7e-11
    with mrcfile.new(path) as file:
        file.set_data(STACK.astype(np.float32))
        file.set_image_stack()
        file.set_extended_header(header)
        file.header.exttyp = kind
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, STACK)
    assert micrograph.pixel_size_nm == pytest.approx(0.027)
    header["Pixel size X"] = header["Pixel size Y"] = 5e7  # reciprocal metres
    with mrcfile.open(path, "r+") as file:
        file.set_extended_header(header)
    assert_refused(path, "diffraction")


@pytest.mark.parametrize(("place", "length"), [(0, 2**27), (4, 2**30), (8, 2**30), (8, -(2**30))])
def test_what_a_file_declares_but_does_not_hold_is_refused_at_once(
    tmp_path: Path, place: int, length: int
) -> None:
    path = tmp_path / "a.mrc"
    data = bytearray(mrc_bytes(IMAGE.astype(np.float32)))
    struct.pack_into("<i", data, place, length)
    path.write_bytes(data)
    started = time.perf_counter()
    assert_refused(path, "declares")
    assert time.perf_counter() - started < 5


def test_a_packed_file_that_unpacks_to_more_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.mrc.gz"
    with gzip.open(path, "wb") as file:
        file.write(bytes(10**6))
    monkeypatch.setattr(mrc, "memory_limit", lambda: 10**5)
    assert_refused(path, "does not fit into memory")


def test_files_beside_a_movie_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "20250101_1_movie.mrc"
    path.write_bytes(mrc_bytes(STACK.astype(np.float32)))
    (tmp_path / "20250101_1_info.txt").write_text("nonsense")
    assert read(path).frame_count == 3
