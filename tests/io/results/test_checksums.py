"""Result files that were edited by hand are detected."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from napari_stem_defects.errors import OverwriteError
from napari_stem_defects.io.results.checksums import (
    find_edited_file,
    refuse_edited,
    with_changed,
    with_checksums,
)

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("masks.ome.tif", "regions.csv")


@pytest.fixture
def summary(tmp_path: Path) -> dict[str, Any]:
    for name in NAMES:
        (tmp_path / name).write_text(name, encoding="utf-8")
    return with_checksums({"counts": {"SF1": 2}}, "summary.json", tmp_path, NAMES)


def test_checksums_are_sha256(summary: dict[str, Any]) -> None:
    assert summary["counts"] == {"SF1": 2}
    assert list(summary["files"]) == [*NAMES, "summary.json"]
    assert summary["files"]["regions.csv"] == hashlib.sha256(b"regions.csv").hexdigest()


def test_unchanged_files_are_not_edited(summary: dict[str, Any], tmp_path: Path) -> None:
    assert find_edited_file(summary, "summary.json", tmp_path) is None
    refuse_edited(summary, "summary.json", tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_an_edited_file_is_named(summary: dict[str, Any], tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("edited", encoding="utf-8")
    assert find_edited_file(summary, "summary.json", tmp_path) == name
    with pytest.raises(OverwriteError, match=f"{name} was changed .* --overwrite"):
        refuse_edited(summary, "summary.json", tmp_path)


def test_an_edited_summary_is_named(summary: dict[str, Any], tmp_path: Path) -> None:
    for edited in ({**summary, "counts": {"SF1": 3}}, {"counts": {}}, {"files": "none"}):
        assert find_edited_file(edited, "summary.json", tmp_path) == "summary.json"


def test_missing_files_and_results_are_not_edited(summary: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "regions.csv").unlink()
    assert find_edited_file(summary, "summary.json", tmp_path) is None
    assert find_edited_file({}, "summary.json", tmp_path) is None


def test_a_changed_entry_keeps_the_checksums_of_the_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1\n", encoding="utf-8")
    summary = with_checksums({"warnings": []}, "summary.json", tmp_path, ["a.csv"])
    changed = with_changed(summary, "summary.json", {"warnings": ["x"]})
    assert changed["warnings"] == ["x"]
    assert changed["files"]["a.csv"] == summary["files"]["a.csv"]
    assert find_edited_file(changed, "summary.json", tmp_path) is None
    (tmp_path / "a.csv").write_text("2\n", encoding="utf-8")
    assert find_edited_file(changed, "summary.json", tmp_path) == "a.csv"
