"""The command ``benchmark``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.models import library as library_module

if TYPE_CHECKING:
    pass


def test_benchmark_prints_and_writes_every_figure(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(library_module, "find_model", lambda name: model)
    assert main(["benchmark", "--quick", "--json", str(tmp_path / "figures.json")]) == 0
    text = capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["g_seconds"] == pytest.approx(
        2 * 2048**3 / 1e9 / figures["matrix_gflops"]["float32"]
    )
    assert [image["windows"] for image in figures["images"]] == [64, 128]
    assert all(image["seconds"] > 0 for image in figures["images"])
    assert sum(figures["stage_shares"].values()) == pytest.approx(1)
    for key in ("compared", "compared_window_by_window"):
        assert set(figures[key]["windows_per_s"]) == {"exact", "fast", "reference"}
        assert figures[key]["largest_difference"]["exact"] < 1e-4
    assert set(figures["training"]["seconds"]) == {"Bulk", "SF1"}
    for words in (
        "128x128",
        "network s",
        "ratio",
        "2x128x128",
        "first map",
        "preview",
        "import",
        "training all 2",
    ):
        assert words in text
