"""Masks and probabilities of single frames."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from result_samples import CLASSES
from written_results import SHAPE, write_image, write_result

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.stored_arrays import StoredMaps, StoredMasks

if TYPE_CHECKING:
    from pathlib import Path

NAMES = (*CLASSES[1:], "unknown")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_result(write_image(tmp_path / "movie.tif", 5), tmp_path / "out")


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 0, 2], [3, 3, 1]])
def test_every_frame_in_any_order_is_the_one_written(folder: Path, order: list[int]) -> None:
    whole = read_results(folder)
    maps = StoredMaps(folder / "probability.npz")
    masks = StoredMasks(folder / "masks.ome.tif", NAMES, SHAPE)
    for frame in order:
        found = maps.map(frame)
        np.testing.assert_array_equal(found.probability, whole[frame].map.probability)
        np.testing.assert_array_equal(found.valid, whole[frame].map.valid)
        assert found.classes == CLASSES
        np.testing.assert_array_equal(masks.masks(frame).masks(), whole[frame].masks)
    assert not np.array_equal(whole[0].map.probability, whole[4].map.probability)


def test_a_single_image(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    (whole,) = read_results(folder)
    maps = StoredMaps(folder / "probability.npz")
    np.testing.assert_array_equal(maps.map(0).probability, whole.map.probability)
    with pytest.raises(ReadError, match="frame 1 is missing"):
        maps.map(1)


def test_a_file_may_be_replaced_after_close(folder: Path) -> None:
    maps = StoredMaps(folder / "probability.npz")
    masks = StoredMasks(folder / "masks.ome.tif", NAMES, SHAPE)
    before = maps.map(1).probability, masks.masks(1).masks()
    maps.close()
    masks.close()
    for name in ("probability.npz", "masks.ome.tif"):
        (folder / name).replace(folder / f"new-{name}")
        (folder / f"new-{name}").replace(folder / name)
    np.testing.assert_array_equal(maps.map(1).probability, before[0])
    np.testing.assert_array_equal(masks.masks(1).masks(), before[1])


def test_damage_is_one_line(folder: Path) -> None:
    content = (folder / "probability.npz").read_bytes()
    (folder / "probability.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ReadError, match=r"probability.npz: is damaged") as caught:
        StoredMaps(folder / "probability.npz").map(0)
    assert "\n" not in str(caught.value)
    with zipfile.ZipFile(folder / "probability.npz", "w") as file:
        file.writestr("probability.npy", b"nothing")
    with pytest.raises(ReadError):
        StoredMaps(folder / "probability.npz").map(0)
    (folder / "masks.ome.tif").write_bytes(b"II*\0")
    with pytest.raises(ReadError, match=r"masks.ome.tif: is damaged"):
        StoredMasks(folder / "masks.ome.tif", NAMES, SHAPE).masks(0)


def test_masks_of_another_shape_are_refused(folder: Path) -> None:
    with pytest.raises(ReadError, match="not of 5x5 px"):
        StoredMasks(folder / "masks.ome.tif", NAMES, (5, 5)).masks(0)
    with pytest.raises(ReadError, match="plane 20 is missing"):
        StoredMasks(folder / "masks.ome.tif", NAMES, SHAPE).masks(5)
