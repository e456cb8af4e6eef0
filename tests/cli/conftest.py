"""Fixtures of the command line: a small model, an image, an empty library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from small_model import write_small_model

from napari_stem_defects.io.models import library as library_module

if TYPE_CHECKING:
    pass


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "lamella.tif"
    noise = np.random.default_rng(0).normal(100, 10, (96, 96)).astype(np.float32)
    tifffile.imwrite(path, noise, photometric="minisblack")
    return path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "library"
    monkeypatch.setattr(library_module, "user_folder", lambda: folder)
    return folder
