"""The command ``preprocess``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    pass

STAGES = ("a_original", "b_normalised", "c_flattened", "d_spectrum", "e_thresholded")


def test_preprocess_writes_five_stages_and_a_sheet(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "stages"
    assert main(["preprocess", str(image), "--out", str(out)]) == 0
    names = {f"{stage}.{ending}" for stage in STAGES for ending in ("tif", "png")}
    assert {path.name for path in out.iterdir()} == names | {"stages.png"}
    original = tifffile.imread(out / "a_original.tif")
    np.testing.assert_array_equal(original, tifffile.imread(image))


def test_an_image_of_one_row_is_preprocessed(tmp_path: Path) -> None:
    path = tmp_path / "row.tif"
    tifffile.imwrite(path, np.arange(96, dtype=np.float32)[None], photometric="minisblack")
    assert main(["preprocess", str(path), "--out", str(tmp_path / "out")]) == 0
