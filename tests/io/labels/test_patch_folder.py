from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.patch_folder import is_patch_folder, read_patch_folder

PATCH = np.add.outer(np.arange(64), 2 * np.arange(64)).astype(np.uint8)


def _write(path: Path, array: NDArray[Any] = PATCH) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, array)
    elif path.suffix == ".tif":
        tifffile.imwrite(path, array, photometric="rgb" if array.ndim == 3 else "minisblack")
    else:
        Image.fromarray(array).save(path)


def _fault(folder: Path) -> str:
    with pytest.raises(LabelError) as caught:
        read_patch_folder(folder)
    line = str(caught.value)
    assert len(line) <= 200
    assert line.isprintable()
    return line


def test_classes_come_from_the_names_and_pixel_formats_may_differ(tmp_path: Path) -> None:
    alpha = np.full((64, 64), 255, np.uint8)
    _write(tmp_path / "Vacancy_CdTe_10.tif", np.dstack([PATCH] * 3))
    _write(tmp_path / "Vacancy_CdTe_9.tif", np.dstack([PATCH, PATCH, PATCH, alpha]))
    _write(tmp_path / "Bulk_1.png")
    _write(tmp_path / "Bulk_2.npy", PATCH.astype(">f8"))
    found = read_patch_folder(str(tmp_path))
    assert found.names == ("Bulk_1.png", "Bulk_2.npy", "Vacancy_CdTe_9.tif", "Vacancy_CdTe_10.tif")
    assert found.classes == ("Bulk", "Bulk", "Vacancy_CdTe", "Vacancy_CdTe")
    assert found.root == tmp_path
    assert found.patches.dtype == np.float32
    np.testing.assert_array_equal(found.patches, np.stack([PATCH] * 4))
    assert is_patch_folder(tmp_path)


def test_classes_come_from_sub_folders(tmp_path: Path) -> None:
    _write(tmp_path / "SF1" / "SF1_3.tif")
    _write(tmp_path / "SF1" / "some name.png")
    _write(tmp_path / "Bulk" / "a.tif")
    (tmp_path / "empty").mkdir()
    found = read_patch_folder(tmp_path)
    assert found.names == ("Bulk/a.tif", "SF1/SF1_3.tif", "SF1/some name.png")
    assert found.classes == ("Bulk", "SF1", "SF1")
    assert is_patch_folder(tmp_path)


def test_other_files_are_ignored(tmp_path: Path) -> None:
    _write(tmp_path / "Bulk_1.tif")
    for name in ("README.md", "Thumbs.db", ".DS_Store", "._Bulk_1.tif"):
        (tmp_path / name).write_bytes(b"x")
    assert read_patch_folder(tmp_path).names == ("Bulk_1.tif",)


def test_image_without_a_class_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "Bulk_1.tif")
    _write(tmp_path / "overview.tif")
    assert _fault(tmp_path).startswith("overview.tif: has no class in its name; name it like")
    assert not is_patch_folder(tmp_path)


@pytest.mark.parametrize("array", [PATCH[:63], np.zeros((128, 128), np.uint8)])
def test_patch_of_another_size_is_named(tmp_path: Path, array: NDArray[Any]) -> None:
    _write(tmp_path / "Bulk_1.tif")
    _write(tmp_path / "Bulk_2.tif", array)
    line = _fault(tmp_path)
    assert line.startswith("Bulk_2.tif: is ")
    assert "patches are 64 x 64" in line


def test_damaged_patch_is_named(tmp_path: Path) -> None:
    _write(tmp_path / "Bulk_1.tif")
    (tmp_path / "Bulk_2.tif").write_bytes(b"II*\0 and no more")
    assert _fault(tmp_path).startswith("Bulk_2.tif: ")


def test_other_paths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"x")
    assert "holds no patches" in _fault(tmp_path / "empty")
    assert "is not a folder" in _fault(tmp_path / "missing")
    assert "is not a folder" in _fault(tmp_path / "file")
    for name in ("empty", "missing", "file"):
        assert not is_patch_folder(tmp_path / name)


def test_folder_of_patch_folders(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        _write(tmp_path / folder / "Bulk_1.tif")
        _write(tmp_path / folder / "SF1_1.tif")
    assert "give one of them" in _fault(tmp_path)
    assert not is_patch_folder(tmp_path)


def test_numbered_micrographs_are_no_patch_folder(tmp_path: Path) -> None:
    _write(tmp_path / "frame_1.tif", np.zeros((256, 256), np.uint8))
    _write(tmp_path / "frame_2.tif", np.zeros((256, 256), np.uint8))
    assert not is_patch_folder(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_patches_with_invalid_pixels_are_left_out_and_named(tmp_path: Path, value: float) -> None:
    for number in range(4):
        patch = np.random.default_rng(number).random((64, 64), np.float32)
        if number == 2:
            patch[5, 60] = value
        tifffile.imwrite(tmp_path / f"SF1_{number}.tif", patch)
    folder = read_patch_folder(tmp_path)
    assert folder.left_out == ("SF1_2.tif",)
    assert folder.names == ("SF1_0.tif", "SF1_1.tif", "SF1_3.tif")
    assert folder.classes == ("SF1",) * 3
    assert folder.patches.shape == (3, 64, 64)


def test_a_folder_with_only_invalid_patches_is_refused(tmp_path: Path) -> None:
    patch = np.ones((64, 64), np.float32)
    patch[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "SF1_0.tif", patch)
    with pytest.raises(LabelError, match=r"invalid pixels .*; export them again"):
        read_patch_folder(tmp_path)
