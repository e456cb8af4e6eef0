from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
pytest.importorskip("h5py", reason="h5py is not installed")

from microscope_samples import (
    dm_bytes,
    ser_bytes,
    signal_dict,
    write_emd,
    write_hspy,
    write_velox,
)
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.read import list_signals, read

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
    dm = tmp_path / "a.dm4"
    dm.write_bytes(dm_bytes(STACK, units=("nm", "nm", "")))
    files = [
        dm,
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
    assert micrograph.notes == ("Of 3 signals 'HAADF' was read (HAADF), not BF, DF4.",)
    np.testing.assert_array_equal(read(path, signal="bf").pixels, IMAGE // 2)
    np.testing.assert_array_equal(read(path, signal="2").pixels, IMAGE // 3)
    assert read(path, signal=0).signal == "BF"
    with pytest.raises(ReadError, match="no signal 'ABF'; there are: 0 BF, 1 HAADF, 2 DF4"):
        read(path, signal="ABF")


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


def by_ncempy(path: Path, arrays: dict[str, NDArray[Any]], names: str, **units: Any) -> Path:
    """Write images by ncempy, which stores rows first and names its axes ``names``."""
    emd = pytest.importorskip("ncempy.io.emd", reason="ncempy is not installed")
    file = emd.fileEMD(path, readonly=False)
    for title, array in arrays.items():
        dims = tuple(
            (np.arange(length) * units.get("scale", 0.02), name, units.get("unit", "[n_m]"))
            for length, name in zip(array.shape, names, strict=True)
        )
        file.put_emdgroup(title, array, dims)
    del file
    return path


@pytest.mark.parametrize("names", ["yx", ("Y", "X"), ("rows", "columns"), ("", "")])
def test_rows_of_emd_files_stay_rows(tmp_path: Path, names: Any) -> None:
    micrograph = read(by_ncempy(tmp_path / "a.emd", {"HAADF": IMAGE}, names))
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)


def test_stacks_of_emd_files_are_frames_first(tmp_path: Path) -> None:
    path = by_ncempy(tmp_path / "a.emd", {"HAADF": STACK}, "tyx")
    np.testing.assert_array_equal(read(path).pixels, STACK)


@pytest.mark.parametrize("unit", ["n_m", "[n_m]", "nm", "A"])
def test_units_of_emd_files(tmp_path: Path, unit: str) -> None:
    scale = 0.2 if unit == "A" else 0.02
    path = by_ncempy(tmp_path / "a.emd", {"HAADF": IMAGE}, "yx", unit=unit, scale=scale)
    assert read(path).pixel_size_nm == pytest.approx(0.02)


@pytest.mark.parametrize("unit", ["n_m^-1", "[n_m^-1]", "1/nm", "mrad"])
def test_diffraction_in_emd_files_is_refused(tmp_path: Path, unit: str) -> None:
    path = by_ncempy(tmp_path / "a.emd", {"CBED": IMAGE}, "yx", unit=unit)
    assert_refused(path, "diffraction")


def test_groups_of_similar_names_stay_signals_of_their_own(tmp_path: Path) -> None:
    arrays = {"HAADF": IMAGE, "HAADF_2": IMAGE // 2}
    path = by_ncempy(tmp_path / "a.emd", arrays, "yx")
    assert {signal.title for signal in list_signals(path)} == set(arrays)
    np.testing.assert_array_equal(read(path, signal="HAADF_2").pixels, IMAGE // 2)


def test_a_survey_image_gives_way_to_one_of_atomic_scale(tmp_path: Path) -> None:
    path = by_ncempy(tmp_path / "a.emd", {"ABF": IMAGE}, "yx")
    by_hspy = signal_dict(np.zeros((90, 120), np.uint8), scale=2.0, title="HAADF")
    lattice = signal_dict(IMAGE, title="ABF")
    both = write_hspy(tmp_path / "a.hspy", by_hspy, lattice)
    assert read(path).frame_shape == read(both).frame_shape == IMAGE.shape
    assert "at atomic scale" in read(both).notes[0]


@pytest.mark.parametrize("unit", ["1/nm", "$A^{-1}$", "1 / Å", "nm^-1"])
def test_diffraction_in_hyperspy_files_is_refused(tmp_path: Path, unit: str) -> None:
    path = write_hspy(tmp_path / "a.hspy", signal_dict(IMAGE, units=unit))
    assert_refused(path, "diffraction")


def test_a_spectrum_image_without_a_unit_is_refused(tmp_path: Path) -> None:
    cube = np.zeros((7, 8, 128), np.float32)
    path = write_hspy(tmp_path / "a.hspy", signal_dict(cube, signal_dimensions=1, units=""))
    assert_refused(path, "spectrum image")


def test_diffraction_of_tia_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ser"
    path.write_bytes(ser_bytes(IMAGE.astype(np.uint16), scale_m=4e7))  # reciprocal metres
    assert_refused(path, "diffraction")


@pytest.mark.parametrize("unit", ["parsec", "arb. u."])
def test_a_unit_that_is_not_understood_is_stated(tmp_path: Path, unit: str) -> None:
    micrograph = read(write_hspy(tmp_path / "a.hspy", signal_dict(IMAGE, units=unit)))
    assert micrograph.pixel_size_nm is None
    assert f"given in {unit!r}, which is no known unit" in micrograph.notes[0]
