"""Arrays that scripts and xarray store in Zarr folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("zarr", reason="zarr is not installed")

import zarr
from reader_contract import IMAGE, assert_refused

from napari_stem_defects.io.images.find import find_images
from napari_stem_defects.io.images.open_stack import OpenedStack, open_frames, open_micrograph
from napari_stem_defects.io.images.read import list_signals, read

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


def write(path: Path, array: np.ndarray[Any, Any], **options: Any) -> Path:
    stored = zarr.create_array(path, shape=array.shape, dtype=array.dtype, **options)
    stored[:] = array
    return path


@pytest.mark.parametrize("version", [2, 3])
def test_a_single_array_is_read(tmp_path: Path, version: int) -> None:
    path = write(tmp_path / "a.zarr", IMAGE, zarr_format=version)
    (path / ".zattrs").unlink(missing_ok=True)  # older writers leave it out where it is empty
    assert find_images([tmp_path]) == [path]
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.pixel_size_nm is None


@pytest.mark.parametrize("names", [("t", "y", "x"), ("t", "x", "y")])
def test_names_of_axes_decide(tmp_path: Path, names: tuple[str, ...]) -> None:
    turned = STACK if names[1] == "y" else STACK.transpose(0, 2, 1)
    path = write(tmp_path / "a.zarr", turned, dimension_names=names)
    np.testing.assert_array_equal(read(path).pixels, STACK)


def test_shards_stay_in_the_file(tmp_path: Path) -> None:
    height, width = IMAGE.shape
    sizes = {"chunks": (1, height, width), "shards": (2, height, width)}
    path = write(tmp_path / "a.zarr", np.repeat(STACK, 2, 0), **sizes)
    assert isinstance(open_micrograph(path, whole_bytes=0), OpenedStack)
    frames = open_frames(path, None)
    for number in range(6):
        np.testing.assert_array_equal(frames[number], STACK[number // 2])


def test_variables_of_xarray_are_signals(tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "a.zarr", zarr_format=2)
    for name, array, axes in (("x", np.arange(4.0), ["x"]), ("haadf", IMAGE.T, ["x", "y"])):
        stored = group.create_array(name, shape=array.shape, dtype=array.dtype)
        stored[:] = array
        stored.attrs["_ARRAY_DIMENSIONS"] = axes
    assert [signal.title for signal in list_signals(tmp_path / "a.zarr")] == ["haadf"]
    np.testing.assert_array_equal(read(tmp_path / "a.zarr").pixels, IMAGE)


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    assert_refused(write(tmp_path / "line.zarr", IMAGE[0]), "spectrum")
    assert_refused(write(tmp_path / "four.zarr", np.zeros((2, 3, 8, 9))), "4 axes")
