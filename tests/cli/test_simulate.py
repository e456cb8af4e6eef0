"""The command ``simulate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from command_line import one_line

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.images.read import read

if TYPE_CHECKING:
    pass


def test_simulate_is_read_back_calibrated_and_true(tmp_path: Path) -> None:
    line = ["simulate", "--size", "128", "--seed", "3", "--pixel-size", "0.03"]
    assert main([*line, "--out", str(tmp_path)]) == 0
    micrograph = read(tmp_path / "cdte-110_seed3.tif")
    assert micrograph.pixel_size_nm == pytest.approx(0.03)
    truth = tmp_path / "cdte-110_seed3.truth"
    points = (truth / "points.csv").read_text().splitlines()
    assert points[0] == "class,y_px,x_px,y_nm,x_nm"
    masks = tifffile.imread(truth / "masks.ome.tif")
    assert masks.shape[-2:] == (128, 128)
    assert set(np.unique(masks)) == {0, 1}


def test_a_perfect_crystal_has_no_masks(tmp_path: Path) -> None:
    line = ["simulate", "--size", "64", "--defects", "none", "--out", str(tmp_path)]
    assert main(line) == 0
    assert not list(tmp_path.rglob("masks*"))


def test_an_unknown_defect_is_one_line_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--defects", "hole", "--out", str(tmp_path)]) == 2
    assert "'hole'" in one_line(capsys.readouterr().err)


def test_a_perfect_crystal_leaves_no_masks_of_an_earlier_one(tmp_path: Path) -> None:
    words = ["simulate", "--out", str(tmp_path), "--size", "96"]
    assert main(words) == 0
    masks = tmp_path / "cdte-110_seed0.truth" / "masks.ome.tif"
    assert masks.exists()
    assert main([*words, "--defects", "none"]) == 0
    assert not masks.exists()
