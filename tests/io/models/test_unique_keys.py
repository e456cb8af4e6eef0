"""JSON with a key twice is refused."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.models.unique_keys import check_header, parse

if TYPE_CHECKING:
    from pathlib import Path


def header(path: Path, text: bytes) -> Path:
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', '[{"b": {"a": 1, "\\u0061": 1}}]'])
def test_a_key_twice_is_an_error(text: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'a' occurs twice"):
        parse(text)
    with pytest.raises(ModelError, match="'a' occurs twice"):
        check_header(header(tmp_path / "a.safetensors", text.encode()))


def test_keys_of_different_objects_may_be_equal(tmp_path: Path) -> None:
    text = '{"a": {"c": 1}, "b": {"c": 2}}'
    assert parse(text) == {"a": {"c": 1}, "b": {"c": 2}}
    check_header(header(tmp_path / "a.safetensors", text.encode()))


@pytest.mark.parametrize("text", [b"no json", b"\xff\xfe", b"[" * 100_000])
def test_a_header_that_is_no_json_is_one_line(text: bytes, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="its header is not readable"):
        check_header(header(tmp_path / "a.safetensors", text))


def test_a_length_beyond_the_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    with pytest.raises(ModelError, match="its header is not readable"):
        check_header(path)
