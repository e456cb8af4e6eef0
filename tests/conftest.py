"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of real micrographs, or skip: it is never part of the repository."""
    default = Path(__file__).parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get("STEM_DEFECTS_DATA", default)).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}; set STEM_DEFECTS_DATA")
    return folder
