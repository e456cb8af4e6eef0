"""The command ``labels``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from command_line import one_line

from napari_stem_defects.cli.main import build_parser, main

if TYPE_CHECKING:
    pass


def test_labels_go_in_and_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patches = tmp_path / "patches"
    patches.mkdir()
    rng = np.random.default_rng(0)
    for name in ("Bulk_1", "SF1_1"):
        tifffile.imwrite(patches / f"{name}.tif", rng.integers(0, 255, (64, 64), np.uint8))
    project = str(tmp_path / "crystal.labels")
    assert main(["labels", "import", project, str(patches)]) == 0
    assert main(["labels", "verify", project]) == 0
    assert main(["labels", "export", project, "--out", str(tmp_path / "again")]) == 0
    assert len(list((tmp_path / "again").rglob("*.tif"))) == 2
    shutil.rmtree(project)
    capsys.readouterr()
    assert main(["labels", "verify", project]) == 2
    one_line(capsys.readouterr().err)


def test_images_named_one_by_one_are_all_taken(tmp_path: Path) -> None:
    words = ["labels", "import", "p", "d", "--image", "a.tif", "--image", "b.tif", "c.tif"]
    assert [path.name for path in build_parser().parse_args(words).image] == [
        *("a.tif", "b.tif", "c.tif")
    ]
