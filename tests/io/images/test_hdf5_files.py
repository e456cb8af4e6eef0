"""The content of an HDF5 file decides who reads it, whatever its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")

import h5py
from microscope_samples import signal_dict, write_emd, write_hspy, write_velox
from nion_samples import write_hdf5
from nsid_samples import IMAGE_DIMENSIONS, write_nsid
from reader_contract import IMAGE, assert_refused
from test_nexus import write_nexus

from napari_stem_defects.io.images.read import read


def _write_emd_1(path: Path) -> None:
    """As emdfile and py4DSTEM store an array."""
    with h5py.File(path, "w") as file:
        file.attrs.update({"emd_group_type": "file", "version_major": 1, "version_minor": 0})
        root = file.create_group("image_root")
        root.attrs["emd_group_type"] = "root"
        array = root.create_group("image")
        array.attrs["emd_group_type"] = "array"
        array.create_dataset("data", data=IMAGE).attrs["units"] = "counts"
        for place, name in enumerate(("Rx", "Ry")):
            dim = array.create_dataset(f"dim{place}", data=[0.0, 0.02])
            dim.attrs.update({"name": name, "units": "nm"})


WRITERS: dict[str, Callable[[Path], object]] = {
    "HyperSpy": lambda path: write_hspy(path.with_suffix(".hspy"), signal_dict(IMAGE)),
    "Berkeley EMD": lambda path: write_emd(path.with_suffix(".emd"), signal_dict(IMAGE)),
    "EMD 1.0": _write_emd_1,
    "Velox": lambda path: write_velox(path, {"HAADF": IMAGE[np.newaxis]}),
    "Nion Swift": lambda path: write_hdf5(path, IMAGE),
    "NeXus": lambda path: write_nexus(path, IMAGE, ["y", "x"]),
    "NSID": lambda path: write_nsid(path, np.ascontiguousarray(IMAGE.T), IMAGE_DIMENSIONS),
}


@pytest.mark.parametrize("suffix", [".h5", ".hdf5", ".hf5", ".nxs", ".emd", ".hspy", ".nhdf"])
@pytest.mark.parametrize("program", WRITERS)
def test_every_program_is_recognised(tmp_path: Path, program: str, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    WRITERS[program](path)
    for written in tmp_path.iterdir():
        written.rename(path)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)


def test_arrays_of_a_script_are_read_under_the_name_of_another_program(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.emd", "w") as file:
        file["image"] = IMAGE
    micrograph = read(tmp_path / "a.emd")
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert any("program that wrote the file is not known" in note for note in micrograph.notes)


def test_spectra_of_velox_are_no_unknown_file(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["Version"] = np.array([b'{"format": "Velox", "version": "1.0"}'])
        file.create_group("Data/SpectrumStream")
    assert_refused(tmp_path / "a.h5", "holds no image")


def test_links_to_other_files_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = h5py.ExternalLink("b.h5", "/data")
    assert_refused(tmp_path / "a.h5", "links to another file")
