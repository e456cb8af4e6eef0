from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.formats import FORMATS, format_of, has_image_suffix


def test_each_suffix_has_one_format() -> None:
    suffixes = [suffix for kind in FORMATS for suffix in kind.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize("name", ["a.TIF", "b.mrc.gz", "c.ome.zarr", "d.ndata"])
def test_names_of_images(name: str) -> None:
    assert has_image_suffix(Path(name))


@pytest.mark.parametrize("name", ["a.txt", "b.gz", "mrc", "c.tif.txt"])
def test_other_names(name: str) -> None:
    assert not has_image_suffix(Path(name))


def test_the_suffix_and_the_first_bytes_agree(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 4)))
    assert format_of(tmp_path / "a.npy").title == "NumPy"
    (tmp_path / "a.npy").rename(tmp_path / "a.tif")
    with pytest.raises(ReadError, match=r"holds NumPy data; rename it to end in \.npy"):
        format_of(tmp_path / "a.tif")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.ser_", b"II\x97\x01", r"holds TIA data; rename it to end in \.ser"),
        ("a.hdf", b"\x89HDF\r\n\x1a\n", r"holds HDF5 data; rename it to end in \.h5"),
        ("a.map", b"\0" * 208 + b"MAP ", r"holds MRC data; rename it to end in \.mrc"),
        ("a.map", b"\0" * 256, "is of an unknown format"),
        ("a.zip", b"PK\x03\x04", "is of an unknown format"),
        ("a.docx", b"PK\x03\x04", "is a document; give the image file that it shows"),
        ("a.MP4", b"\0\0\0\x18ftyp", "is a film; give its frames as PNG: ffmpeg -i FILM"),
        ("a.gif", b"GIF89a", "is a picture for the screen; open it in ImageJ"),
        ("a.webp", b"RIFF", "is a picture for the screen; save it as PNG"),
        ("a.gif", b"\x89PNG\r\n\x1a\n", r"holds PNG data; rename it to end in \.png"),
        ("a.emi", b"JK", r"holds the settings of TIA; give the \.ser file beside it"),
        ("a", b"", "is of an unknown format"),
    ],
)
def test_an_unknown_suffix_is_explained_by_the_content(
    tmp_path: Path, name: str, content: bytes, fault: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=fault):
        format_of(tmp_path / name)


def test_other_files_packed_with_gzip_are_to_be_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.dm4.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"x")
    with pytest.raises(ReadError, match="is packed with gzip; unpack it first"):
        format_of(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")
    with pytest.raises(ReadError, match="is a pipe or a device"):
        format_of(tmp_path / "a.tif")


def test_a_zarr_folder_without_metadata_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(ReadError, match="is a folder"):
        format_of(tmp_path / "a.zarr")


def test_the_readme_names_every_format() -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    for kind in FORMATS:
        names = {f"`{suffix}`" for suffix in kind.suffixes} | {kind.suffixes[0][1:].upper()}
        assert kind.title in text or any(name in text for name in names), kind.title
