"""Results to export; the overview is not drawn, test_overview.py looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_samples import write_sample
from PIL import Image

from napari_stem_defects.io.results import result_folder


@pytest.fixture(autouse=True)
def quick_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))


@pytest.fixture
def result(tmp_path: Path, quick_overview: None) -> Path:
    """Return the result folder of a single image."""
    return write_sample(tmp_path)


@pytest.fixture
def series(tmp_path: Path, quick_overview: None) -> Path:
    """Return the result folder of a stack of three frames."""
    return write_sample(tmp_path, "series", frames=3)
