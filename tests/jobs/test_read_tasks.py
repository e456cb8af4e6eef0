"""The functions that read files in the quick worker."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_stem_defects.base.progress import silent
from napari_stem_defects.jobs import read_tasks

if TYPE_CHECKING:
    from pathlib import Path

NOISE = np.random.default_rng(0).random((70, 80), np.float32)


def test_a_micrograph_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", NOISE)
    found = read_tasks.read_micrograph(path=tmp_path / "a.tif", report=silent)
    np.testing.assert_array_equal(found.pixels, NOISE)


def test_reading_imports_neither_torch_nor_scipy() -> None:
    code = (
        "import sys, napari_stem_defects.workers.server, napari_stem_defects.jobs.read_tasks,"
        " napari_stem_defects.io.images.read;"
        " print([name for name in ('torch', 'scipy', 'skimage') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
