"""Pictures are written whole, losslessly, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.results.picture_file import write_picture

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)


def test_a_picture_is_written_without_loss(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", Image.fromarray(PIXELS))
    with Image.open(tmp_path / "a.png") as written:
        np.testing.assert_array_equal(np.asarray(written), PIXELS)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_picture(tmp_path / "out" / "a.png", Image.fromarray(PIXELS))
