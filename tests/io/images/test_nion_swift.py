"""Files of Nion Swift, written byte by byte as its file handlers write them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("h5py", reason="h5py is not installed")

import h5py
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.io.images.read import list_signals, read

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


def properties(array: NDArray[Any], unit: str = "nm", **more: Any) -> dict[str, Any]:
    """Return the description of a data item; the last two dimensions are the image."""
    frames = [{"offset": 0.0, "scale": 1.0, "units": "s"}] * (array.ndim - 2)
    return {
        "title": "HAADF",
        "is_sequence": array.ndim > 2,
        "collection_dimension_count": 0,
        "datum_dimension_count": 2,
        "dimensional_calibrations": [*frames, *[{"offset": 0, "scale": 0.02, "units": unit}] * 2],
        **more,
    }


def write_ndata(path: Path, array: NDArray[Any], described: dict[str, Any]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("data.npy", "w") as file:
            np.save(file, array)
        archive.writestr("metadata.json", json.dumps(described))
    return path


def write_hdf5(path: Path, *arrays: NDArray[Any], in_group: bool = False) -> Path:
    with h5py.File(path, "w") as file:
        for number, array in enumerate(arrays):
            item = file.create_dataset(f"data/{number}" if in_group else "data", data=array)
            item.attrs["properties"] = json.dumps(properties(array))
    return path


class TestNdata(ReaderContract):
    suffix = ".ndata"

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        write_ndata(path, image, properties(image))


class TestSwiftHdf5(ReaderContract):
    suffix = ".h5"
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


def test_hdf5_files_of_other_programs_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = IMAGE
    assert_refused(tmp_path / "a.h5", "not one of Nion Swift", "TIFF")


def test_an_archive_without_data_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ndata", "w") as archive:
        archive.writestr("metadata.json", "{}")
    assert_refused(tmp_path / "a.ndata", "holds no data")
