"""The command ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.models import library as library_module

if TYPE_CHECKING:
    pass


def test_demo_without_a_screen_writes_files_and_says_where(
    image: Path,
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(library_module, "find_model", lambda name: model)
    out = tmp_path / "demo"
    assert main(["demo", "--headless", "--out", str(out)]) == 0
    picture = out / "results" / "cdte-110_seed0" / "overview.png"
    assert str(picture) in capsys.readouterr().out
    assert picture.is_file()
    assert main(["demo", str(image), "--headless", "--out", str(out)]) == 0
    assert (out / "results" / "lamella" / "regions.csv").is_file()
