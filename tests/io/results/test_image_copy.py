from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from written_results import write_image

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.available_folder import available_folder
from napari_stem_defects.io.results.image_copy import kept_image

NOISE = np.random.default_rng(0).random((3, 96, 128)).astype(np.float32)


@pytest.mark.parametrize("size", [None, 0.02])
@pytest.mark.parametrize("pixels", [NOISE[0], NOISE], ids=["image", "stack"])
def test_an_image_that_is_no_file_is_kept(
    tmp_path: Path, pixels: np.ndarray, size: float | None
) -> None:
    image = Micrograph(pixels, "a: b", size, sha256="of the pixels")
    with kept_image(image, partial(available_folder, tmp_path)) as kept:
        assert kept.path == tmp_path / "a_ b" / "a_ b.tif"
        assert not kept.path.exists()
    again = read(kept.path)
    np.testing.assert_array_equal(again.pixels, pixels)
    assert again.sha256 == kept.sha256
    assert again.pixel_size_nm == (None if size is None else pytest.approx(size))


def test_invalid_pixels_stay_invalid(tmp_path: Path) -> None:
    invalid = np.zeros((96, 128), bool)
    invalid[4, 5] = True
    image = Micrograph(NOISE[0], "a", invalid=invalid)
    with kept_image(image, partial(available_folder, tmp_path)) as kept:
        pass
    np.testing.assert_array_equal(read(tmp_path / "a" / "a.tif").invalid, invalid)
    with kept_image(image, partial(available_folder, tmp_path)) as same:
        assert same.sha256 == kept.sha256


def test_images_that_are_files_are_not_copied(tmp_path: Path) -> None:
    image = read(write_image(tmp_path / "a.tif"))
    with kept_image(image, partial(available_folder, tmp_path)) as kept:
        assert kept is image
    gone = replace(image, path=tmp_path / "gone.tif")
    with kept_image(gone, partial(available_folder, tmp_path)) as kept:
        assert kept.path == tmp_path / "a" / "a.tif"


def test_nothing_is_kept_of_results_that_were_not_written(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError),
        kept_image(Micrograph(NOISE[0], "a"), partial(available_folder, tmp_path)),
    ):
        raise RuntimeError
    assert not list(tmp_path.iterdir())
