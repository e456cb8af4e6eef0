from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py", reason="h5py is not installed")
pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")

import h5py
from microscope_samples import signal_dict, write_hspy
from reader_contract import IMAGE, assert_refused

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images import limits
from napari_stem_defects.io.images.hdf5_guard import check_hdf5
from napari_stem_defects.io.images.read import read

SECRET = b"a password of somebody else's" * 200
DATA = "Experiments/HAADF/data"


def _external_link(file: h5py.File, other: Path) -> None:
    del file[DATA]
    file[DATA] = h5py.ExternalLink(str(other), "/data")


def _external_link_elsewhere(file: h5py.File, other: Path) -> None:
    file["Experiments/HAADF/metadata/deep"] = h5py.ExternalLink(str(other), "/")


def _soft_link_through_an_external_one(file: h5py.File, other: Path) -> None:
    del file[DATA]
    file["away"] = h5py.ExternalLink(str(other), "/")
    file[DATA] = h5py.SoftLink("/away/data")


def _external_storage(file: h5py.File, other: Path) -> None:
    del file[DATA]
    file.create_dataset(DATA, IMAGE.shape, np.uint8, external=[(str(other), 0, IMAGE.size)])


def _virtual_dataset(file: h5py.File, other: Path) -> None:
    del file[DATA]
    layout = h5py.VirtualLayout(IMAGE.shape, np.uint8)
    layout[:] = h5py.VirtualSource(str(other), "data", IMAGE.shape)
    file.create_virtual_dataset(DATA, layout)


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    return write_hspy(tmp_path / "a.hspy", signal_dict(IMAGE))


@pytest.mark.parametrize(
    "reach_outside",
    [
        _external_link,
        _external_link_elsewhere,
        _soft_link_through_an_external_one,
        _external_storage,
        _virtual_dataset,
    ],
)
def test_files_that_reach_outside_are_refused(
    seed: Path, reach_outside: Callable[[h5py.File, Path], None]
) -> None:
    other = seed.with_name("other.h5")
    with h5py.File(other, "w") as file:
        file["data"] = np.frombuffer(SECRET[: IMAGE.size], np.uint8)
    with h5py.File(seed, "a") as file:
        reach_outside(file, other)
    assert_refused(seed, "export the image as TIFF")


def test_soft_links_inside_the_file_are_allowed(seed: Path) -> None:
    with h5py.File(seed, "a") as file:
        file.move(DATA, "pixels")
        file[DATA] = h5py.SoftLink("/pixels")
        file["loop"] = h5py.SoftLink("/loop")
        file["nowhere"] = h5py.SoftLink("/gone")
    np.testing.assert_array_equal(read(seed).pixels, IMAGE)


def test_groups_that_contain_themselves_end(seed: Path) -> None:
    with h5py.File(seed, "a") as file:
        file["Experiments/HAADF/again"] = file["Experiments"]
    check_hdf5(seed)


def test_a_kilobyte_that_declares_149_gigabytes_is_refused(seed: Path) -> None:
    with h5py.File(seed, "a") as file:
        del file[DATA]
        file.create_dataset(DATA, (200_000, 200_000), np.float32, chunks=(1000, 1000))
    assert_refused(seed)


def test_declared_sizes_add_up(seed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with h5py.File(seed, "a") as file:
        for number in range(10):
            file[f"extra{number}"] = np.zeros(1000, np.uint8)
    monkeypatch.setattr(limits, "memory_limit", lambda: 12_000)
    with pytest.raises(ReadError, match=r"needs 15\.\d kB of memory"):
        check_hdf5(seed)
