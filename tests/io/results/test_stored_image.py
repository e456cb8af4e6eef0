"""What a summary states of its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_stem_defects.io.results.stored_image import StoredImage, folder_of

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = {"name": "a", "path": "/lost/a.tif", "frame_shape": [40, 50], "pixel_size_nm": None}


def stored(folder: Path, **image: Any) -> StoredImage:
    return StoredImage(folder, {"image": IMAGE | image, "frames": [{"frame": 0}, {"frame": 3}]})


def test_frames_that_were_not_searched_count(tmp_path: Path) -> None:
    found = stored(tmp_path, frame_count=7, pixel_size_nm=0.02)
    assert (found.frames, found.frame_count, found.is_stack) == ((0, 3), 7, True)
    assert (found.frame_shape, found.pixel_size_nm, found.name) == ((40, 50), 0.02, "a")
    assert stored(tmp_path).frame_count == 4  # a summary from before the number was stored
    assert stored(tmp_path).pixel_size_nm is None


def test_the_image_is_found_beside_the_folder_or_where_the_user_states_it(tmp_path: Path) -> None:
    found = stored(tmp_path / "out" / "a")
    assert found.find_image() is None
    (tmp_path / "a.tif").touch()
    assert found.find_image() == tmp_path / "a.tif"
    found.moved_to = tmp_path / "b.tif"
    assert found.find_image() == tmp_path / "b.tif"


def test_a_damaged_summary_raises(tmp_path: Path) -> None:
    for image in ({"frame_shape": [1]}, {"frame_shape": None}, {"frame_shape": ["a", "b"]}):
        with pytest.raises((TypeError, ValueError)):
            stored(tmp_path, **image)


def test_a_summary_stands_for_its_folder(tmp_path: Path) -> None:
    assert folder_of(tmp_path) == folder_of(tmp_path / "summary.json") == tmp_path
