"""Images of stored folders: one order of frames, and the image that belongs to each."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.io.results.stored_image import StoredImage
from napari_stem_defects.io.results.stored_result import StoredResult, is_result
from napari_stem_defects.io.results.stored_survey import StoredSurvey, is_survey
from napari_stem_defects.jobs.opened_images import (
    OpenedImages,
    blank_image,
    holds,
    image_of,
    inner_folders,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["result", "survey"])
def movie(request: pytest.FixtureRequest, tmp_path: Path) -> StoredImage:
    """Return what is stored of frames 0 and 2 of a stack of three."""
    out = tmp_path / "out"
    if request.param == "result":
        return StoredResult(write_result(write_image(tmp_path / "movie.tif", 3), out, [0, 2]))
    return StoredSurvey(write_surveys(write_crystal(tmp_path / "movie.npy", 3), out, [0, 2])[0])


def test_frames_have_one_order(movie: StoredImage, tmp_path: Path) -> None:
    opened = OpenedImages(tmp_path, (movie, movie))
    assert (opened.frame_count, opened.frames, opened.is_stack) == (6, [0, 2, 3, 5], True)
    assert opened.place(4).frame == 1
    assert opened.title(4) == "frame 4: movie"
    assert OpenedImages(movie.folder, (movie,)).title(0) == ""


def test_the_image_has_the_pixel_size_of_the_folder(movie: StoredImage, tmp_path: Path) -> None:
    opened = OpenedImages(movie.folder, (movie,))
    image = opened.micrograph(0)
    assert image is not None
    assert image.pixel_size_nm == movie.pixel_size_nm == opened.pixel_size_nm
    assert opened.notes() == []


def test_another_image_or_none_is_stated(movie: StoredImage, tmp_path: Path) -> None:
    path = movie.find_image()
    assert path is not None
    opened = OpenedImages(movie.folder, (movie,))
    shutil.copy(path, kept := path.with_suffix(".kept"))
    write_crystal(tmp_path / "movie.npy", 3, seed=7)
    write_image(tmp_path / "movie.tif", 3, seed=7)
    assert image_of(movie) is None
    assert "is another image, or damaged" in opened.notes()[0]
    path.unlink()
    for other in (tmp_path / "movie.npy", tmp_path / "movie.tif"):
        other.unlink(missing_ok=True)
    assert "is not found" in opened.notes()[0]
    blank = blank_image(movie)
    assert blank.pixels.shape == (3, *movie.frame_shape)
    assert blank.sha256 == movie.summary["image"]["sha256"]
    movie.moved_to = shutil.move(kept, path.with_name(f"moved{path.suffix}"))
    assert opened.micrograph(2) is not None


def test_folders_of_one_kind_are_in_natural_order(tmp_path: Path) -> None:
    for name in ("im10", "im2"):
        write_surveys(write_crystal(tmp_path / f"{name}.npy"), tmp_path / "out")
    (tmp_path / "out" / "empty").mkdir()
    assert [each.name for each in inner_folders(tmp_path / "out", is_survey)] == ["im2", "im10"]
    assert holds(tmp_path / "out", is_survey)
    assert not holds(tmp_path / "out", is_result)
    assert inner_folders(tmp_path / "nowhere", is_survey) == []
