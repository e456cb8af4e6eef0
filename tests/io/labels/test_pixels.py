"""Pixel files of a project are stored once, checked and restored."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.pixels import (
    load_pixels,
    pixel_hash,
    pixel_path,
    store_pixels,
)

if TYPE_CHECKING:
    from pathlib import Path

SHA = "ab" * 32
PIXELS = np.random.default_rng(0).random((3, 20, 30), np.float32)
IMAGE = Micrograph(PIXELS[0], "lamella", 0.02, "file", sha256=SHA)


def test_file_names_are_part_of_the_format(tmp_path: Path) -> None:
    assert pixel_path(tmp_path, SHA, 0, stack=False) == tmp_path / "images" / f"{SHA}.npy"
    assert pixel_path(tmp_path, SHA, 7, stack=True) == tmp_path / "images" / f"{SHA}-7.npy"


def test_the_hash_is_that_of_the_bytes() -> None:
    assert pixel_hash(PIXELS) == hashlib.sha256(PIXELS.tobytes()).hexdigest()
    assert pixel_hash(PIXELS[:, ::2]) == pixel_hash(PIXELS[:, ::2].copy())


def test_a_stored_frame_is_read_back(tmp_path: Path) -> None:
    entry = store_pixels(tmp_path, replace(IMAGE, path=tmp_path / "a.tif"), 0, None)
    found = load_pixels(tmp_path, entry)
    np.testing.assert_array_equal(found.pixels, PIXELS[0])
    assert found.invalid is None
    assert (found.name, found.sha256) == ("lamella", SHA)
    assert (found.pixel_size_nm, found.pixel_size_source) == (0.02, "file")
    assert (entry.path, found.path) == ("a.tif", tmp_path / "a.tif")


def test_a_frame_of_a_stack_has_its_own_file(tmp_path: Path) -> None:
    entry = store_pixels(tmp_path, replace(IMAGE, pixels=PIXELS), 2, None)
    assert (entry.frame, entry.stack) == (2, True)
    np.testing.assert_array_equal(load_pixels(tmp_path, entry).pixels, PIXELS[2])
    assert [path.name for path in (tmp_path / "images").iterdir()] == [f"{SHA}-2.npy"]


@pytest.mark.parametrize(("part", "filled"), [(0.5, True), (1.0, False)])
def test_invalid_pixels_are_stored_as_nan(tmp_path: Path, part: float, filled: bool) -> None:
    invalid = np.random.default_rng(1).random(PIXELS[0].shape) < part
    entry = store_pixels(tmp_path, replace(IMAGE, invalid=invalid), 0, None)
    stored = np.load(pixel_path(tmp_path, SHA, 0, stack=False))
    np.testing.assert_array_equal(np.isnan(stored), invalid)
    found = load_pixels(tmp_path, entry)
    np.testing.assert_array_equal(found.invalid, invalid)
    expected = np.median(PIXELS[0][~invalid]) if filled else 0
    assert (found.pixels[invalid] == expected).all()


def test_undamaged_pixels_are_not_replaced(tmp_path: Path) -> None:
    known = store_pixels(tmp_path, IMAGE, 0, None)
    other = replace(IMAGE, pixels=PIXELS[1], name="renamed", pixel_size_nm=None)
    entry = store_pixels(tmp_path, other, 0, known)
    assert (entry.name, entry.pixel_size_nm) == ("renamed", 0.02)
    np.testing.assert_array_equal(load_pixels(tmp_path, entry).pixels, PIXELS[0])


def test_damaged_pixels_are_refused_and_restored(tmp_path: Path) -> None:
    entry = store_pixels(tmp_path, IMAGE, 0, None)
    pixel_path(tmp_path, SHA, 0, stack=False).write_bytes(b"damaged")
    with pytest.raises(LabelError, match=r"wrong checksum.*add the image 'lamella'"):
        load_pixels(tmp_path, entry)
    assert store_pixels(tmp_path, IMAGE, 0, entry) == entry
    np.testing.assert_array_equal(load_pixels(tmp_path, entry).pixels, PIXELS[0])


def test_an_entry_of_another_size_is_refused(tmp_path: Path) -> None:
    entry = store_pixels(tmp_path, IMAGE, 0, None)
    with pytest.raises(LabelError, match="wrong size"):
        load_pixels(tmp_path, replace(entry, height=10))
