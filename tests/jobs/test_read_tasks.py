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
    found = read_tasks.read_micrograph(path=tmp_path / "a.tif", signal=None, report=silent)
    np.testing.assert_array_equal(found.pixels, NOISE)


def test_the_signals_of_a_file_are_listed_and_all_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, survey=NOISE, spectrum=NOISE[0], HAADF=NOISE / 2)
    signals, chosen = read_tasks.list_signals(path=path, signal=None, report=silent)
    assert [signal.title for signal in signals] == ["survey", "spectrum", "HAADF"]
    assert chosen.number == 2
    _, missing = read_tasks.list_signals(path=path, signal="ABF", report=silent)
    assert "no signal 'ABF'" in missing
    images, default = read_tasks.read_all(path=path, signal=None, report=silent)
    assert [image.signal for image in images] == ["survey", "HAADF"]
    assert default == 1


def test_reading_imports_neither_torch_nor_scipy() -> None:
    code = (
        "import sys, napari_stem_defects.workers.server, napari_stem_defects.jobs.read_tasks,"
        " napari_stem_defects.io.images.read;"
        " print([name for name in ('torch', 'scipy', 'skimage') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
