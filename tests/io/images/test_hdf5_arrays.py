"""Arrays in HDF5 files as signals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("h5py", reason="h5py is not installed")

import h5py

from napari_stem_defects.io.images.axes import DIFFRACTION, SPECTRUM, Axis
from napari_stem_defects.io.images.hdf5_arrays import array_signal, step_between, text_of
from napari_stem_defects.io.images.signals import StoredSignal

ARRAY = np.arange(3 * 20 * 30, dtype=np.int16).reshape(3, 20, 30)


def signal_of(
    path: Path, array: NDArray[np.generic], axes: list[Axis], *, by_frame: bool = False
) -> StoredSignal:
    with h5py.File(path, "w") as file:
        file["a"] = array
    with h5py.File(path) as file:
        return array_signal(path, file["a"], axes, "HAADF", by_frame=by_frame, note="as given")


@pytest.mark.parametrize("by_frame", [False, True])
def test_frames_come_first_and_rows_before_columns(tmp_path: Path, by_frame: bool) -> None:
    axes = [Axis(30, "x", 0.2, "angstrom"), Axis(20, "y", 0.02, "nm"), Axis(3, "frames")]
    signal = signal_of(tmp_path / "a.h5", ARRAY.T, axes, by_frame=by_frame)
    assert signal.info.shape == (3, 20, 30)
    assert signal.info.pixel_nm == pytest.approx((0.02, 0.02))
    raw = signal.load()
    assert raw.notes == ("as given",)
    for frame in range(3):
        np.testing.assert_array_equal(raw.array[frame], ARRAY[frame])


def test_spectrum_images_are_stated(tmp_path: Path) -> None:
    axes = [Axis(20, "y"), Axis(30, "x"), Axis(3, "E", 0.5, "eV")]
    signal = signal_of(tmp_path / "a.h5", np.moveaxis(ARRAY, 0, -1), axes)
    assert signal.info.fault == SPECTRUM


def test_transforms_are_no_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    waves = np.fft.fftshift(np.fft.fft2(rng.normal(size=(64, 64)) + 10))
    signal = signal_of(tmp_path / "a.h5", waves, [Axis(64, "y"), Axis(64, "x")])
    assert signal.info.fault == DIFFRACTION


def test_steps_are_known_where_they_are_equal() -> None:
    assert step_between(np.linspace(5, 6, 11)) == pytest.approx(0.1)
    for positions in (np.arange(5) ** 2, np.zeros((2, 2)), np.ones(1), np.array([b"a", b"b"])):
        assert step_between(positions) is None
    assert step_between(np.array([0.0, np.inf])) is None


def test_texts_are_read_however_they_are_stored(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs.update({"text": "nm", "bytes": np.bytes_(b"nm")})
        assert text_of(file, "text") == text_of(file, "bytes") == "nm"
        assert text_of(file, "none") == text_of(None, "text") == ""
