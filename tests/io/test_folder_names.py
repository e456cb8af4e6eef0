"""Folder names are valid everywhere and unique."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.io.folder_names import (
    find_available_folder,
    is_free,
    make_folder_name,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("image", "folder"),
    [
        ("lamella", "lamella"),
        ('a<b>:"/\\|?*c', "a_b________c"),
        ("tab\tnull\0", "tab_null_"),
        ("", "image"),
        ("...", "image"),
        ("com1", "_com1"),
        ("LPT9.tif", "_LPT9.tif"),
        ("com10", "com10"),
        ("console", "console"),
    ],
)
def test_names_are_valid_on_every_system(image: str, folder: str) -> None:
    assert make_folder_name(image) == folder


def test_the_first_available_folder_is_used(tmp_path: Path) -> None:
    taken = {"lamella", "lamella_2", "lamella_4"}
    found = find_available_folder(tmp_path, "lamella", lambda path: path.name not in taken)
    assert found == tmp_path / "lamella_3"
    assert find_available_folder(tmp_path, "b/c", lambda _: True) == tmp_path / "b_c"


@pytest.mark.parametrize(
    ("there", "name"), [("lamella", "Lamella"), ("caf\u00e9", "cafe\u0301"), ("Straße", "STRASSE")]
)
def test_names_that_other_systems_take_for_one_are_numbered(
    there: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / there).mkdir()
    (tmp_path / there / "summary.json").touch()
    assert find_available_folder(tmp_path, name, is_free) == tmp_path / f"{name}_2"
    assert find_available_folder(tmp_path, name, lambda _: True) == tmp_path / there  # its own
    assert find_available_folder(tmp_path / "new", name, is_free) == tmp_path / "new" / name


def test_nothing_and_an_empty_folder_are_free(tmp_path: Path) -> None:
    folder, file = tmp_path / "folder", tmp_path / "file"
    assert is_free(folder)
    folder.mkdir()
    assert is_free(folder)
    file.touch()
    assert not is_free(file)
    assert not is_free(tmp_path)
