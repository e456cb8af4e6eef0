"""Finished files replace those of an earlier run, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.results.publishing import (
    publish,
    remove_damaged,
    remove_if_empty,
    remove_result,
)

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("table.csv", "frames/frame_00002.png", "summary.json")


def written(folder: Path, *names: str, text: str = "new") -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_files_are_replaced_and_stale_pictures_removed(tmp_path: Path) -> None:
    source = written(tmp_path / "source", *NAMES)
    others = ("overview.png", "frames/frame_00001.png", "frames/frame_1.png", "notes.txt")
    target = written(tmp_path / "target", *NAMES, *others, text="old")
    publish(source, target, NAMES, optional=("overview.png",))
    assert names_in(target) == {*NAMES, "frames/frame_1.png", "notes.txt"}
    assert {(target / name).read_text() for name in NAMES} == {"new"}


def test_an_empty_folder_of_pages_goes(tmp_path: Path) -> None:
    target = written(tmp_path / "target", *NAMES)
    publish(written(tmp_path / "source", "summary.json"), target, ("summary.json",))
    assert not (target / "frames").exists()
    remove_if_empty(target)
    assert target.exists()


def test_a_file_in_the_place_of_the_folder_is_an_error_of_one_line(tmp_path: Path) -> None:
    target = written(tmp_path / "target", "frames")
    with pytest.raises(OutputError, match=r"frames: cannot be made .*; move"):
        publish(written(tmp_path / "source", *NAMES), target, NAMES)
    remove_result(target / "frames")
    remove_result(target / "frames")  # it may be missing
    assert not (target / "frames").exists()


def test_only_damaged_frames_are_removed(tmp_path: Path) -> None:
    damaged = written(tmp_path, "frame_00001.npz") / "frame_00001.npz"
    remove_damaged([damaged, tmp_path / "missing.npz"])
    assert not damaged.exists()
