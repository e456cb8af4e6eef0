from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.images.write_stages import contact_sheet, write_stages, write_tiff
from napari_stem_defects.preprocessing.pipeline import Stages

if TYPE_CHECKING:
    from pathlib import Path

STAGES = Stages(*np.random.default_rng(0).random((5, 30, 60), np.float32))
STEMS = ["a_original", "b_normalised", "c_flattened", "d_spectrum", "e_thresholded"]


def test_each_stage_is_written_as_numbers_and_as_a_picture(tmp_path: Path) -> None:
    written = write_stages(tmp_path / "new", STAGES, 0.02)
    assert written.notes == ()
    assert [path.name for path in written.files] == [
        *(f"{stem}.{suffix}" for stem in STEMS for suffix in ("tif", "png")),
        "stages.png",
    ]
    for stem, values in zip(STEMS, STAGES, strict=True):
        stored = tifffile.imread(tmp_path / "new" / f"{stem}.tif")
        np.testing.assert_array_equal(stored, values)
        assert stored.dtype == np.float32
        with Image.open(tmp_path / "new" / f"{stem}.png") as picture:
            assert (picture.mode, picture.size) == ("L", (60, 30))


def test_images_have_a_pixel_size_and_spectra_have_none(tmp_path: Path) -> None:
    write_stages(tmp_path, STAGES, 0.02)
    sizes = [read(tmp_path / f"{stem}.tif").pixel_size_nm for stem in STEMS]
    assert sizes == [pytest.approx(0.02)] * 3 + [None] * 2


def test_an_unknown_pixel_size_stays_unknown(tmp_path: Path) -> None:
    assert read(write_tiff(tmp_path / "a.tif", STAGES.original, None)).pixel_size_nm is None


def test_the_contact_sheet_shows_five_panels_side_by_side() -> None:
    sheet = contact_sheet(STAGES)
    assert sheet.size == (5 * 400 + 4 * 8, 200 + 36)
    gaps = np.asarray(sheet)[36:, [408 * number - 4 for number in range(1, 5)]]
    assert (gaps == 255).all()


def test_a_folder_that_cannot_be_created_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(OutputError, match="is a file, not a folder"):
        write_stages(tmp_path / "file", STAGES, None)
