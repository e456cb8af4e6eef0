from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.find import find_images, natural_order, skipped_folders


def test_folders_become_their_images_in_natural_order(tmp_path: Path) -> None:
    for name in ("f10.tif", "f2.TIF", "f1.dm4", ".hidden.tif", "._f1.tif", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "masks.ome.tif").write_bytes(b"x")
    (tmp_path / "folder.tif").mkdir()
    single = tmp_path / "f2.TIF"
    names = [path.name for path in find_images([str(single), tmp_path])]
    assert names == ["f2.TIF", "f1.dm4", "f10.tif"]


def test_sub_folders_with_images_are_stated(tmp_path: Path) -> None:
    """Results, projects, ground truth and hidden folders are not images that someone forgot."""
    for name in ("a", "night 10", "night 2", "lamella", "own", "made.truth", ".cache", "notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ("x.txt" if name == "notes" else "x.tif")).write_bytes(b"x")
    (tmp_path / "lamella" / "summary.json").write_text("{}")
    (tmp_path / "own" / "labels.jsonl").write_text("")
    (tmp_path / "made.truth" / "truth.json").write_text("{}")
    names = [each.name for each in skipped_folders([tmp_path, tmp_path / "a"])]
    assert names == ["night 2", "night 10"]
    assert skipped_folders([tmp_path / "a" / "x.tif"]) == []


def test_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_bytes(b"x")
    with pytest.raises(ReadError, match="holds no image; give a folder with") as caught:
        find_images([tmp_path])
    assert len(str(caught.value)) <= 200


def test_a_folder_of_folders_of_images_names_them(tmp_path: Path) -> None:
    (tmp_path / "night 1").mkdir()
    (tmp_path / "night 1" / "a.tif").write_bytes(b"x")
    with pytest.raises(ReadError, match="holds no image, but folders with some; give night 1"):
        find_images([tmp_path])


def test_missing_path_among_images(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"^no\.tif: does not exist"):
        find_images([tmp_path / "no.tif"])


def test_an_ome_zarr_folder_is_one_image(tmp_path: Path) -> None:
    (tmp_path / "a.ome.zarr" / "0").mkdir(parents=True)
    (tmp_path / "a.ome.zarr" / ".zattrs").write_text("{}")
    np.save(tmp_path / "b.npy", np.zeros((4, 5)))
    assert [path.name for path in find_images([tmp_path])] == ["a.ome.zarr", "b.npy"]
    assert find_images([tmp_path / "a.ome.zarr"]) == [tmp_path / "a.ome.zarr"]


def test_numbers_in_names_count() -> None:
    names = ["frame_10", "frame_2", "Frame_1"]
    assert sorted(map(Path, names), key=natural_order) == [Path(n) for n in names[::-1]]
