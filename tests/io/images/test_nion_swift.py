"""Files of Nion Swift, written byte by byte as its file handlers write them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("h5py", reason="h5py is not installed")

import h5py
from nion_samples import properties, write_hdf5, write_ndata
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.io.images.read import list_signals, read

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


class TestNdata(ReaderContract):
    suffix = ".ndata"

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        write_ndata(path, image, properties(image))


class TestSwiftHdf5(ReaderContract):
    suffix = ".nhdf"
    may_crash = True

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        write_hdf5(path, image)


def test_sequences_are_frames_first(tmp_path: Path) -> None:
    path = write_ndata(tmp_path / "a.ndata", STACK, properties(STACK))
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, STACK)
    assert (micrograph.pixel_size_nm, micrograph.notes) == (pytest.approx(0.02), ())


def test_older_versions_nest_the_calibrations(tmp_path: Path) -> None:
    nested = {"data_sources": [properties(IMAGE)]}
    assert read(write_ndata(tmp_path / "a.ndata", IMAGE, nested)).pixel_size_nm == pytest.approx(
        0.02
    )


def test_diffraction_spectra_and_scans_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ndata"
    assert_refused(write_ndata(path, IMAGE, properties(IMAGE, "rad")), "diffraction")
    assert_refused(write_ndata(path, IMAGE, properties(IMAGE, "1/nm")), "diffraction")
    lines = properties(STACK, datum_dimension_count=1, collection_dimension_count=2)
    assert_refused(write_ndata(path, STACK, lines), "spectrum")
    four = np.zeros((3, 4, 8, 9), np.uint8)
    assert_refused(write_ndata(path, four, properties(four)), "4 axes")


def test_items_of_an_exported_file_are_signals(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.nhdf", IMAGE[:30, :40], IMAGE, in_group=True)
    assert [signal.title for signal in list_signals(path)] == ["HAADF", "HAADF 2"]
    np.testing.assert_array_equal(read(path).pixels, IMAGE)


def test_hdf5_without_an_image_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.nhdf", "w") as file:
        file["position"] = 3.0
    assert_refused(tmp_path / "a.nhdf", "without an array", "TIFF")


def test_an_archive_without_data_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ndata", "w") as archive:
        archive.writestr("metadata.json", "{}")
    assert_refused(tmp_path / "a.ndata", "holds no array")
