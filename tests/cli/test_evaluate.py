"""The command ``evaluate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from command_line import one_line

from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train nowhere --out {out}/m.safetensors", "nowhere"),
        ("train {out} --out {out}/m.model", ".safetensors"),
        ("evaluate nothing {out} --out {out}/report", "nothing: no such model"),
    ],
)
def test_what_cannot_be_learned_from_is_one_line_and_2(
    line: str, said: str, tmp_path: Path, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.format(out=tmp_path).split()) == 2
    assert said in one_line(capsys.readouterr().err)


def test_the_report_of_a_model_is_written_and_summarised(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, report = tmp_path / "patches", tmp_path / "report"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("Bulk", "SF1"):
        for number in range(3):
            pixels = rng.integers(0, 255, (64, 64), dtype=np.uint8)
            tifffile.imwrite(folder / f"{name}_{number}.tif", pixels)
    assert main(["evaluate", str(model), str(folder), "--out", str(report)]) == 0
    printed = capsys.readouterr().out
    assert f"report in {report}" in printed
    assert "SF1" in printed
    figures = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert figures["counts"]["test"] == {"Bulk": 3, "SF1": 3}
