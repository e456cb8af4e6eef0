"""The image of a result is found where it was, or near the result."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_stem_defects.io.results.image_file import find_image_file, image_file_name


@pytest.mark.parametrize("stored", ["C:\\data\\a.dm4", "/data/a.dm4", "a.dm4", "b\\c/a.dm4"])
def test_names_of_all_systems_are_understood(stored: str) -> None:
    assert image_file_name(stored) == "a.dm4"


def test_the_image_is_looked_for_where_it_was_and_near_the_result(tmp_path: Path) -> None:
    folder = tmp_path / "night" / "results" / "a"
    folder.mkdir(parents=True)
    stored = "D:\\microscope\\a.dm4"
    assert find_image_file(folder, stored) is None
    for place in (folder.parents[1], folder.parents[0], folder):
        (place / "a.dm4").write_bytes(b"")
        assert find_image_file(folder, stored) == place / "a.dm4"
    was = tmp_path / "a.dm4"
    was.write_bytes(b"")
    assert find_image_file(folder, str(was)) == was
    assert find_image_file(folder, None) is None
    assert find_image_file(folder, "a\0b") is None


def test_an_image_may_be_a_zarr_folder(tmp_path: Path) -> None:
    stored = tmp_path / "a.ome.zarr"
    stored.mkdir()
    assert find_image_file(tmp_path, str(stored)) is None  # a folder of anything
    (stored / "zarr.json").write_text("{}", encoding="utf-8")
    assert find_image_file(tmp_path, str(stored)) == stored
    assert find_image_file(tmp_path, "D:\\lost\\a.ome.zarr") == stored
