"""The finished frames of an unfinished search."""

from __future__ import annotations

from pathlib import Path

from napari_stem_defects.io.results.unfinished_folder import (
    begin_frames,
    frame_name,
    frames_folder,
    is_begun,
    stored_frames,
)

OWN, OTHER = "a" * 64, "b" * 64


def test_a_search_is_begun_where_its_folder_is_seen(tmp_path: Path) -> None:
    assert not is_begun(tmp_path, OWN)
    begin_frames(tmp_path, OWN, "image")
    assert is_begun(tmp_path, OWN)
    assert not is_begun(tmp_path, OTHER)


def test_frames_are_listed_without_unfinished_files(tmp_path: Path) -> None:
    assert stored_frames(tmp_path, OWN, (0, 1, 2)) == frozenset()
    folder = frames_folder(tmp_path, OWN)
    folder.mkdir(parents=True)
    for name in (frame_name(1), frame_name(7), f".0a1b.part.{frame_name(2)}"):
        (folder / name).touch()
    assert stored_frames(tmp_path, OWN, (0, 1, 2)) == {1}


def test_frames_of_other_searches_are_removed(tmp_path: Path) -> None:
    for fingerprint in (OWN, OTHER):
        frames_folder(tmp_path, fingerprint).mkdir(parents=True)
    begin_frames(tmp_path, OWN, "image")
    assert frames_folder(tmp_path, OWN).is_dir()
    assert not frames_folder(tmp_path, OTHER).exists()
