from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import psutil
import pytest

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images import limits
from napari_stem_defects.io.images.limits import (
    check_declared_bytes,
    check_declared_size,
    memory_limit,
)

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(1000))
    return path


def test_an_image_may_take_half_of_the_memory() -> None:
    assert memory_limit() == psutil.virtual_memory().total // 2


def test_the_stored_and_the_converted_image_must_fit(
    small_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "memory_limit", lambda: 6000)
    check_declared_size(small_file, (10, 100), np.uint16)
    with pytest.raises(ReadError, match=r"a\.tif: needs 6\.01 kB of memory, more than the 6 kB"):
        check_declared_size(small_file, (7, 143), np.uint16)
    check_declared_bytes(small_file, 6000)
    with pytest.raises(ReadError, match="smaller stacks"):
        check_declared_bytes(small_file, 3000, 3001)


def test_a_small_file_may_not_declare_a_huge_image(small_file: Path) -> None:
    check_declared_bytes(small_file, 64 * 2**20)
    with pytest.raises(ReadError, match=r"declares 67\.1 MB in a file of 1 kB; it is blank"):
        check_declared_bytes(small_file, 64 * 2**20 + 1)


def test_a_large_file_may_be_compressed_250_times(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    path.write_bytes(bytes(300_000))
    check_declared_bytes(path, 250 * 300_000)
    with pytest.raises(ReadError, match="damaged"):
        check_declared_bytes(path, 250 * 300_000 + 1)
