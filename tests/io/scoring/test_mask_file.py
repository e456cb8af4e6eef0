"""Masks as TIFF and PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.scoring.mask_file import read_mask


def test_what_is_not_0_is_the_mask(tmp_path: Path) -> None:
    stored = np.zeros((6, 8), np.uint8)
    stored[2, 3:5] = 255, 1
    tifffile.imwrite(tmp_path / "m.tif", stored)
    Image.fromarray(stored).save(tmp_path / "m.png")
    for name in ("m.tif", "m.png"):
        np.testing.assert_array_equal(read_mask(tmp_path / name, (6, 8)), stored > 0)


def test_another_size_and_a_damaged_file_are_one_line(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "m.tif", np.zeros((6, 9), np.uint8))
    with pytest.raises(InputError, match=r"m\.tif: has the shape \(6, 9\), and its image \(6, 8\)"):
        read_mask(tmp_path / "m.tif", (6, 8))
    for name in ("n.tif", "n.png"):
        (tmp_path / name).write_bytes(b"no picture")
        with pytest.raises(InputError, match="cannot be read as a mask"):
            read_mask(tmp_path / name, (6, 8))
