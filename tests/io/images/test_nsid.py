from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("h5py", reason="h5py is not installed")

import h5py
from nsid_samples import FRAMES, IMAGE_DIMENSIONS, write_nsid
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.io.images.read import list_signals, read

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


class TestNsid(ReaderContract):
    suffix = ".hf5"
    may_crash = True

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        write_nsid(path, np.ascontiguousarray(image.T), IMAGE_DIMENSIONS)


def test_stacks_are_frames_first_wherever_they_are(tmp_path: Path) -> None:
    first = write_nsid(tmp_path / "a.h5", STACK.swapaxes(1, 2), [FRAMES, *IMAGE_DIMENSIONS])
    last = write_nsid(tmp_path / "b.h5", STACK.T, [*IMAGE_DIMENSIONS, FRAMES])
    for path in (first, last):
        micrograph = read(path)
        np.testing.assert_array_equal(micrograph.pixels, STACK)
        assert (micrograph.pixel_size_nm, micrograph.notes) == (pytest.approx(0.02), ())


def test_spectra_and_diffraction_are_refused(tmp_path: Path) -> None:
    energies = ("energy", "eV", 0.5, "SPECTRAL")
    path = write_nsid(tmp_path / "a.hf5", STACK, [*IMAGE_DIMENSIONS, energies])
    assert_refused(path, "spectrum")
    angles = [("u", "1/nm", 0.1, "RECIPROCAL"), ("v", "1/nm", 0.1, "RECIPROCAL")]
    assert_refused(write_nsid(tmp_path / "b.hf5", IMAGE, angles), "diffraction")


def test_arrays_are_signals_and_dimensions_are_not(tmp_path: Path) -> None:
    path = write_nsid(tmp_path / "a.hf5", IMAGE, IMAGE_DIMENSIONS)
    write_nsid(path, IMAGE, IMAGE_DIMENSIONS, "ABF")
    assert {signal.title for signal in list_signals(path)} == {"HAADF", "ABF"}


def test_uneven_and_missing_dimensions_give_no_size(tmp_path: Path) -> None:
    path = write_nsid(tmp_path / "a.hf5", IMAGE, IMAGE_DIMENSIONS)
    with h5py.File(path, "a") as file:
        (channel,) = file["Measurement_000"].values()
        channel["HAADF/x"][...] = np.arange(len(IMAGE)) ** 2
    assert read(path).pixel_size_nm is None
    micrograph = read(write_nsid(tmp_path / "b.hf5", IMAGE, []))
    assert micrograph.pixel_size_nm is None
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
