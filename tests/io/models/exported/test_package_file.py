"""The model file in a package; other zip files are one line."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.models.exported.package_file import read_package


def packed(path: Path, **files: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return path


def test_the_only_model_file_is_returned(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", **{"a.safetensors": "data", "b.txt": ""})
    assert read_package(path) == ("a.safetensors", b"data")


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"b.txt": ""}, "holds no model files"),
        ({"a.safetensors": "", "b.safetensors": ""}, "holds 2 model files"),
        ({"../a.safetensors": ""}, "holds 1 model files"),
        ({"folder/a.safetensors": ""}, "holds 1 model files"),
    ],
)
def test_other_packages_are_one_line(files: dict[str, str], fault: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"a.zip: {fault} .*; give a package that"):
        read_package(packed(tmp_path / "a.zip", **files))


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"PK")
    with pytest.raises(ModelError, match=r"a.zip: cannot be read \("):
        read_package(path)
    with pytest.raises(ModelError, match=r"none.zip: cannot be read \(No such file"):
        read_package(tmp_path / "none.zip")
