"""JSON files of results are complete or reported as damaged."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.json_file import (
    read_json,
    read_json_or_empty,
    read_or_report,
    write_json,
    write_json_list,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_content_is_read_back(tmp_path: Path) -> None:
    content = {"name": "Δ 日本", "size": 0.02, "classes": ["SF1"], "none": None}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json") == content
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "日本" in text
    assert text.endswith("}\n")


def test_nan_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"size": float("nan")})
    assert not (tmp_path / "a.json").exists()


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_list_is_written_item_by_item(tmp_path: Path, count: int) -> None:
    items = [{"name": f"[]{number}\n", "at": [number, {"x": []}]} for number in range(count)]
    write_json(tmp_path / "whole.json", {"type": "[]", "items": items})
    write_json_list(tmp_path / "parts.json", {"type": "[]"}, "items", iter(items))
    assert (tmp_path / "parts.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_list(tmp_path / "nan.json", {}, "items", [{"size": float("nan")}])
    assert not (tmp_path / "nan.json").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"\xff\xfe", b"null"])
def test_a_damaged_file_is_reported_or_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=r"^a\.json: is damaged .*; run the detection again"):
        read_json(path)
    assert read_json_or_empty(path) == {}


def test_a_missing_file_is_reported_or_empty(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"missing\.json"):
        read_json(tmp_path / "missing.json")
    assert read_json_or_empty(tmp_path / "missing.json") == {}


@pytest.mark.parametrize("error", [OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile])
def test_errors_of_libraries_become_one_line(tmp_path: Path, error: type[Exception]) -> None:
    def load(_: Path) -> None:
        raise error("two\nlines")

    with pytest.raises(ReadError) as caught:
        read_or_report(load, tmp_path / "a.npz")
    assert str(caught.value).startswith("a.npz: is damaged (")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_that_is_cut_is_one_line(
    tmp_path: Path, share: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Libraries that unpack raise errors, and print lines, of their own."""
    path = tmp_path / "a.ome.tif"
    noise = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    tifffile.imwrite(path, noise, compression="zlib", metadata={"axes": "YX"})
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ReadError, match=r"^a\.ome\.tif: is damaged .*; draw it again$"):
        read_or_report(tifffile.imread, path, "draw it again")
    assert caplog.text == ""


def test_json_nested_too_deeply_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": ' + "[" * 200_000, encoding="utf-8")
    with pytest.raises(ReadError, match="is damaged"):
        read_json(path)
