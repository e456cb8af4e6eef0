from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("zarr", reason="zarr is not installed")

import zarr

from napari_stem_defects.io.images.axes import Axis
from napari_stem_defects.io.images.zarr_arrays import is_zarr, open_zarr, signal_of_array

ARRAY = np.arange(2 * 3 * 5 * 7, dtype="u2").reshape(2, 5, 7, 3)
AXES = [Axis(2, "c"), Axis(5, "x", 0.2, "Å"), Axis(7, "y", 0.2, "Å"), Axis(3, "t")]


@pytest.fixture
def array(tmp_path: Path) -> Any:
    group = zarr.create_group(tmp_path / "a.zarr")
    stored = group.create_array("0", shape=ARRAY.shape, dtype=ARRAY.dtype, chunks=(1, 5, 7, 2))
    stored[...] = ARRAY
    assert is_zarr(tmp_path / "a.zarr")
    return open_zarr(tmp_path / "a.zarr")["0"]


def test_a_channel_of_any_order_is_read_whole_or_by_frame(array: Any) -> None:
    expected = ARRAY[1].transpose(2, 1, 0)
    whole = signal_of_array(array, AXES, "BF", at=(0, 1), by_frame=False)
    opened = signal_of_array(array, AXES, "BF", at=(0, 1), by_frame=True)
    assert whole.info == opened.info
    assert (whole.info.shape, whole.info.pixel_nm) == ((3, 7, 5), pytest.approx((0.02, 0.02)))
    np.testing.assert_array_equal(whole.load().array, expected)
    frames = opened.load().array
    for number in (0, 2, 1):
        np.testing.assert_array_equal(frames[number], expected[number])


def test_a_known_fault_holds(array: Any) -> None:
    signal = signal_of_array(array, AXES, "BF", at=(0, 1), by_frame=False, fault="is a map")
    assert signal.info.fault == "is a map"


def test_other_folders_are_no_zarr_groups(tmp_path: Path) -> None:
    assert not is_zarr(tmp_path)
    (tmp_path / "zarr.json").write_text("{}")
    assert not is_zarr(tmp_path / "zarr.json")
