"""A small data set, laid out like the public one."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest

from napari_stem_defects.io.datasets.catalogue import DataSet
from napari_stem_defects.io.datasets.fetch import digest_of

FILES = {
    "Image Data/DataSet_A/Bulk_0.tif": b"first",
    "Image Data/DataSet_A/Bulk_1.tif": b"second",
    "Image.tif": b"image",
}
PLACED = {
    "patches/DataSet_A/Bulk_0.tif": b"first",
    "patches/DataSet_A/Bulk_1.tif": b"second",
    "images/Image.tif": b"image",
}


@pytest.fixture
def data_set() -> DataSet:
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in PLACED.items()}
    parts = {"Image Data/DataSet_A": "patches/DataSet_A", "Image.tif": "images/Image.tif"}
    url = "http://127.0.0.1:9/nothing.zip"
    return DataSet("small", "three files", url, parts, 3, digest_of(hashes), "none")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a zip archive with a top folder and files that are not part of the set."""
    path = tmp_path / "source" / "state.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as file:
        for name, data in {**FILES, "README.md": b"text", "notes/Bulk_2.tif": b"other"}.items():
            file.writestr(f"repository-state/{name}", data)
    return path
