"""Conversion of arrays in memory to micrographs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.images.signal_micrograph import hash_of_file
from napari_stem_defects.jobs.frame_input import FrameInput

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = np.arange(12 * 10, dtype=np.uint16).reshape(12, 10)


def test_pixels_become_float32_and_the_calibration_is_kept() -> None:
    frame = FrameInput(COUNTS, "CdTe", pixel_size_nm=0.027, pixel_size_source="file")
    micrograph = frame.micrograph()
    assert micrograph.pixels.dtype == np.float32
    np.testing.assert_array_equal(micrograph.pixels, COUNTS)
    assert (micrograph.name, micrograph.pixel_size_nm) == ("CdTe", 0.027)
    assert micrograph.pixel_size_source == "file"


@pytest.mark.parametrize(
    ("shape", "colour"),
    [((12, 10), False), ((5, 12, 10), False), ((12, 10, 3), True), ((5, 12, 10, 4), True)],
)
def test_the_shape_of_a_frame(shape: tuple[int, ...], colour: bool) -> None:
    assert FrameInput(np.zeros(shape), "CdTe", colour).frame_shape == (12, 10)


def test_colour_becomes_one_channel() -> None:
    grey = np.repeat(COUNTS[..., None], 3, axis=-1)
    np.testing.assert_allclose(FrameInput(grey, "CdTe", colour=True).micrograph().pixels, COUNTS)


def test_pixels_without_a_value_are_marked() -> None:
    pixels = COUNTS.astype(np.float64)
    pixels[3, 4] = np.nan
    micrograph = FrameInput(pixels, "CdTe").micrograph()
    assert micrograph.invalid is not None
    assert np.argwhere(micrograph.invalid).tolist() == [[3, 4]]
    assert np.isfinite(micrograph.pixels).all()


def test_an_array_that_is_no_image_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"^CdTe: "):
        FrameInput(np.zeros(5), "CdTe").micrograph()


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"file")
    expected = hashlib.sha256(b"file").hexdigest()
    assert FrameInput(COUNTS, "a", path=path).micrograph().sha256 == expected


def test_a_known_hash_is_not_computed_again(tmp_path: Path) -> None:
    frame = FrameInput(COUNTS, "a", path=tmp_path / "a.tif", sha256="abc")
    assert frame.micrograph().sha256 == "abc"


def test_without_a_file_the_pixels_are_hashed(tmp_path: Path) -> None:
    expected = hashlib.sha256(COUNTS.tobytes()).hexdigest()
    assert FrameInput(COUNTS, "a").micrograph().sha256 == expected
    deleted = FrameInput(COUNTS, "a", path=tmp_path / "deleted.tif")
    assert deleted.micrograph().sha256 == expected
    assert FrameInput(COUNTS[::-1], "a").micrograph().sha256 != expected


def test_the_hash_of_a_zarr_folder_is_that_of_its_files(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    path.mkdir()
    (path / "zarr.json").write_bytes(b"{}")
    one = FrameInput(COUNTS, "a", path=path).micrograph().sha256
    assert one == hash_of_file(path)
    (path / "0").write_bytes(b"chunk")
    assert FrameInput(COUNTS, "a", path=path).micrograph().sha256 != one
