"""Results of an image, a stack or a batch, opened again."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from written_results import write_image, write_result

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.jobs.opened_result import holds_results, open_result, result_folders

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """Return results of images 2 and 10, and of a stack, in natural order."""
    for seed, name in enumerate(("im10.tif", "im2.tif")):
        write_result(write_image(tmp_path / "data" / name, seed=seed), tmp_path / "out")
    write_result(write_image(tmp_path / "data" / "movie.tif", 3), tmp_path / "out", [0, 2])
    return tmp_path / "out"


def test_a_batch_is_one_stack_in_natural_order(batch: Path, tmp_path: Path) -> None:
    assert [each.name for each in result_folders(batch)] == ["im2", "im10", "movie"]
    assert holds_results(batch)
    opened = open_result(batch)
    assert opened.name == "out"
    assert (opened.frame_count, opened.frames) == (5, [0, 1, 2, 4])
    assert opened.title(1) == "frame 1: im10"
    found = opened.frame_result(4)
    whole = read_results(batch / "movie")[1]
    assert found.frame == 4
    assert {region.frame for region in found.regions} == {4}
    np.testing.assert_array_equal(found.numbered > 0, whole.masks)
    assert opened.regions(4) == found.regions
    image = opened.micrograph(0)
    assert image is not None
    np.testing.assert_array_equal(image.pixels, read(tmp_path / "data" / "im2.tif").pixels)
    assert image.pixel_size_nm == 0.05
    assert opened.searched_nm2 == pytest.approx(4 * 96 * 128 * 0.05**2)
    assert opened.notes() == []


def test_images_of_different_sizes_are_no_stack(batch: Path, tmp_path: Path) -> None:
    small = np.zeros((64, 120), np.float32)
    np.save(tmp_path / "small.npy", small)
    write_result(tmp_path / "small.npy", batch)
    with pytest.raises(ReadError, match=r"small differs in size from im2.*open one of its folders"):
        open_result(batch)


def test_another_image_under_the_name_is_not_taken(batch: Path, tmp_path: Path) -> None:
    opened = open_result(batch / "im2")
    assert opened.micrograph(0) is not None
    write_image(tmp_path / "data" / "im2.tif", seed=7)
    assert opened.micrograph(0) is None
    assert "is another image" in opened.notes()[0]
    (tmp_path / "data" / "im2.tif").unlink()
    assert "is not found; put it beside the results" in opened.notes()[0]
    assert opened.frame_result(0).numbered.any()


def test_results_without_any_of_their_images(batch: Path, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "data")
    assert "3 images are not found" in open_result(batch).notes()[0]


def test_a_folder_without_results_is_one_line(tmp_path: Path) -> None:
    assert not holds_results(tmp_path)
    with pytest.raises(ReadError, match="holds no result"):
        open_result(tmp_path)
