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


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "1", "I;16"])
@pytest.mark.parametrize("rows", [1, 40])
def test_a_picture_is_written_without_loss(tmp_path: Path, mode: str, rows: int) -> None:
    if mode == "I;16":
        picture = Image.fromarray(PIXELS[:rows, :, 0].astype(np.uint16) * 257)
    else:
        picture = Image.fromarray(PIXELS[:rows]).convert(mode)
    write_picture(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as written:
        written.load()
        assert written.mode == picture.mode
        assert written.size == picture.size
        np.testing.assert_array_equal(np.asarray(written), np.asarray(picture))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_micrograph_beside_white_takes_few_bytes(tmp_path: Path) -> None:
    waves = 1 + np.cos(np.arange(200))
    noisy = 30 * np.outer(waves, waves) + np.random.default_rng(1).normal(60, 8, (200, 200))
    enlarged = Image.fromarray(noisy.astype(np.uint8)).resize((460, 460), Image.Resampling.BICUBIC)
    picture = Image.new("RGB", (800, 500), "white")
    picture.paste(enlarged.convert("RGB"), (10, 10))
    write_picture(tmp_path / "a.png", picture)
    picture.save(tmp_path / "b.png")
    ours, pillow = ((tmp_path / name).stat().st_size for name in ("a.png", "b.png"))
    assert ours < 1.1 * pillow


def test_a_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_picture(tmp_path / "out" / "a.png", Image.fromarray(PIXELS))
