from __future__ import annotations

import importlib.util
import struct
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
pytest.importorskip("h5py", reason="h5py is not installed")

from microscope_samples import (
    dm_bytes,
    mrc_bytes,
    ser_bytes,
    signal_dict,
    write_emd,
    write_hspy,
    write_velox,
)
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.io.images.read import read

Image = NDArray[np.uint8]
STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


class TestDm3(ReaderContract):
    suffix = ".dm3"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: Image) -> None:
        path.write_bytes(dm_bytes(image, version=3))


class TestDm4(ReaderContract):
    suffix = ".dm4"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: Image) -> None:
        path.write_bytes(dm_bytes(image))


class TestSer(ReaderContract):
    suffix = ".ser"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: Image) -> None:
        path.write_bytes(ser_bytes(image.astype(np.uint16)))


class TestMrc(ReaderContract):
    suffix = ".mrc"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: Image) -> None:
        path.write_bytes(mrc_bytes(image.astype(np.float32)))


class TestHspy(ReaderContract):
    suffix = ".hspy"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: Image) -> None:
        write_hspy(path, signal_dict(image))


class TestBerkeleyEmd(ReaderContract):
    suffix = ".emd"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: Image) -> None:
        write_emd(path, signal_dict(image))


class TestVeloxEmd(ReaderContract):
    suffix = ".emd"
    may_crash: ClassVar[bool] = True

    def write(self, path: Path, image: Image) -> None:
        write_velox(path, {"HAADF": image})


def test_stacks_are_frames_first(tmp_path: Path) -> None:
    dm, mrc = tmp_path / "a.dm4", tmp_path / "a.mrc"
    dm.write_bytes(dm_bytes(STACK, units=("nm", "nm", "")))
    mrc.write_bytes(mrc_bytes(STACK.astype(np.float32)))
    files = [
        dm,
        mrc,
        write_hspy(tmp_path / "a.hspy", signal_dict(STACK)),
        write_emd(tmp_path / "a.emd", signal_dict(STACK)),
        write_velox(tmp_path / "velox.emd", {"HAADF": STACK}),
    ]
    for file in files:
        micrograph = read(file)
        np.testing.assert_array_equal(micrograph.pixels, STACK, err_msg=file.name)
        assert micrograph.pixel_size_nm == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("unit", "scale", "pixel_nm"),
    [
        ("pm", 20.0, 0.02),
        ("Å", 0.2, 0.02),
        ("µm", 2e-5, 0.02),
        ("um", 2e-5, 0.02),
        ("", 1.0, None),
        ("px", 0.02, None),
        ("nm", 0.0, None),
        ("nm", float("nan"), None),
    ],
)
def test_units_of_dm_files(tmp_path: Path, unit: str, scale: float, pixel_nm: float | None) -> None:
    path = tmp_path / "a.dm4"
    path.write_bytes(dm_bytes(IMAGE, scale=scale, units=(unit, unit)))
    assert read(path).pixel_size_nm == (None if pixel_nm is None else pytest.approx(pixel_nm))


def test_haadf_is_taken_before_other_detectors(tmp_path: Path) -> None:
    path = write_velox(tmp_path / "a.emd", {"BF": IMAGE // 2, "HAADF": IMAGE, "DF4": IMAGE // 3})
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.notes == ("Of 3 signals 'HAADF' was read, not BF, DF4.",)


def test_images_beside_x_ray_counts_are_read(tmp_path: Path) -> None:
    path = write_velox(tmp_path / "a.emd", {"HAADF": IMAGE}, eds=True)
    np.testing.assert_array_equal(read(path).pixels, IMAGE)


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_velox(tmp_path / "a.emd", {"HAADF": IMAGE}, eds=True)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "sparse" else find(name)
    )
    assert_refused(path, "needs the package sparse", "pip install")


def test_larger_image_is_taken_before_a_smaller(tmp_path: Path) -> None:
    signals = [signal_dict(IMAGE[:9], title="a"), signal_dict(IMAGE, title="b")]
    assert read(write_hspy(tmp_path / "a.hspy", *signals)).pixels.shape == IMAGE.shape


def test_spectrum_beside_an_image_is_passed_over(tmp_path: Path) -> None:
    spectrum = signal_dict(STACK, signal_dimensions=1, signal_type="EELS", title="EELS")
    path = write_hspy(tmp_path / "a.hspy", spectrum, signal_dict(IMAGE))
    assert read(path).pixels.shape == IMAGE.shape


def test_spectra_and_diffraction_are_refused(tmp_path: Path) -> None:
    eels, fourier = tmp_path / "eels.dm4", tmp_path / "fourier.dm4"
    eels.write_bytes(dm_bytes(STACK, units=("nm", "nm", "eV"), signal="EELS"))
    fourier.write_bytes(dm_bytes(IMAGE, units=("1/nm", "1/nm")))
    four_axes = signal_dict(np.zeros((3, 4, 8, 8), np.uint8))
    line = signal_dict(IMAGE[0], signal_dimensions=1, units="keV", signal_type="EDS_TEM")
    assert_refused(eels, "spectrum")
    assert_refused(fourier, "diffraction")
    assert_refused(write_hspy(tmp_path / "scan.hspy", four_axes), "4 axes (3 x 4 x 8 x 8)")
    assert_refused(write_hspy(tmp_path / "line.hspy", line), "spectrum")


def test_one_angstrom_per_pixel_of_mrc_is_not_a_pixel_size(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    path.write_bytes(mrc_bytes(IMAGE.astype(np.float32), pixel_angstrom=1.0))
    micrograph = read(path)
    assert micrograph.pixel_size_nm is None
    assert "pixel size of 1 Å" in micrograph.notes[0]


def test_big_endian_mrc_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    data = bytearray(mrc_bytes(IMAGE.astype(np.float32)))
    data[212:214] = b"\x11\x11"
    path.write_bytes(data)
    assert_refused(path, "big-endian", "TIFF")


@pytest.mark.parametrize(("place", "length"), [(0, 2**27), (4, 2**30), (8, 2**30), (8, -(2**30))])
def test_mrc_that_declares_what_it_does_not_hold_is_refused_at_once(
    tmp_path: Path, place: int, length: int
) -> None:
    path = tmp_path / "a.mrc"
    data = bytearray(mrc_bytes(IMAGE.astype(np.float32)))
    struct.pack_into("<i", data, place, length)
    path.write_bytes(data)
    started = time.perf_counter()
    assert_refused(path, "declares")
    assert time.perf_counter() - started < 5


def test_files_beside_a_movie_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "20250101_1_movie.mrc"
    path.write_bytes(mrc_bytes(STACK.astype(np.float32)))
    (tmp_path / "20250101_1_info.txt").write_text("nonsense")
    assert read(path).frame_count == 3


@pytest.mark.parametrize("name", ["a.dm4", "a.emd", "a.hspy"])
def test_missing_library_is_named_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(dm_bytes(IMAGE) if name == "a.dm4" else b"\x89HDF\r\n\x1a\n")
    for module in [m for m in sys.modules if m.partition(".")[0] in ("rsciio", "h5py")]:
        monkeypatch.delitem(sys.modules, module)
    for module in ("rsciio", "h5py"):
        monkeypatch.setitem(sys.modules, module, None)
    assert_refused(path, "needs the package", "pip install '.[formats]' from a clone")
