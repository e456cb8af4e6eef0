"""The content of a Zarr folder or ZIP archive decides who reads it, whatever its suffix."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("zarr", reason="zarr is not installed")

from nion_samples import properties, write_ndata
from reader_contract import IMAGE, assert_refused
from zarr_samples import write_abtem, write_ome_zarr, write_zspy

from napari_stem_defects.io.images.open_stack import OpenedStack, open_micrograph
from napari_stem_defects.io.images.read import read

FOLDERS: dict[str, Callable[[Path], object]] = {
    "HyperSpy": lambda path: write_zspy(path, IMAGE),
    "OME-Zarr": lambda path: write_ome_zarr(path, IMAGE, "yx"),
    "abTEM": lambda path: write_abtem(path, IMAGE),
}
ARCHIVES: dict[str, Callable[[Path], object]] = {
    "HyperSpy": lambda path: write_zspy(path, IMAGE, packed=True),
    "Nion Swift": lambda path: write_ndata(path, IMAGE, properties(IMAGE)),
}


@pytest.mark.parametrize("suffix", [".zarr", ".zspy"])
@pytest.mark.parametrize("program", FOLDERS)
def test_folders_are_recognised(tmp_path: Path, program: str, suffix: str) -> None:
    FOLDERS[program](tmp_path / f"a{suffix}")
    micrograph = read(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)


@pytest.mark.parametrize("suffix", [".ndata", ".npz", ".zspy"])
@pytest.mark.parametrize("program", ARCHIVES)
def test_archives_are_recognised(tmp_path: Path, program: str, suffix: str) -> None:
    ARCHIVES[program](tmp_path / f"a{suffix}")
    micrograph = read(tmp_path / f"a{suffix}")
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)


@pytest.mark.parametrize("suffix", [".ome.zarr.zip", ".ozx"])
@pytest.mark.parametrize("inside", ["", "a.zarr"])
@pytest.mark.parametrize("program", FOLDERS)
def test_packed_folders_are_recognised(
    tmp_path: Path, program: str, inside: str, suffix: str
) -> None:
    folder = tmp_path / "top" / inside
    folder.parent.mkdir(exist_ok=True)
    FOLDERS[program](folder)
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "top")
    path = Path(packed).rename(tmp_path / f"a{suffix}")
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)


def test_arrays_of_numpy_are_read_under_the_name_of_another_program(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", IMAGE)
    (tmp_path / "a.npz").rename(tmp_path / "a.ndata")
    np.testing.assert_array_equal(read(tmp_path / "a.ndata").pixels, IMAGE)


def test_stacks_stay_in_the_file_under_the_name_of_another_program(tmp_path: Path) -> None:
    stack = np.stack([IMAGE] * 5)
    write_ndata(tmp_path / "a.npz", stack, properties(stack))
    assert isinstance(open_micrograph(tmp_path / "a.npz", whole_bytes=0), OpenedStack)


def test_a_damaged_archive_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"PK\x03\x04 cut short")
    assert_refused(tmp_path / "a.npz", "damaged")
