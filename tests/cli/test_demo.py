"""The command ``demo``."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
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


def test_the_demo_finds_exactly_its_ground_truth(tmp_path: Path) -> None:
    """Every defect of the truth file at its place and of its length, and nothing else."""
    assert main(["demo", "--headless", "--out", str(tmp_path)]) == 0
    truth = tmp_path / "cdte-110_seed0.truth"
    result = tmp_path / "results" / "cdte-110_seed0"
    with (truth / "points.csv").open(encoding="utf-8") as file:
        points = list(csv.DictReader(file))
    with (result / "regions.csv").open(encoding="utf-8") as file:
        regions = list(csv.DictReader(file))
    lines = json.loads((truth / "truth.json").read_text(encoding="utf-8"))["lines"]
    expected = sorted(each["class"] for each in points)
    expected += [each["class_name"] for each in lines]
    assert sorted(each["class"] for each in regions) == sorted(expected)
    for point in points:
        place = np.array([float(point["y_px"]), float(point["x_px"])])
        away = [
            np.hypot(*(place - (float(each["y_px"]), float(each["x_px"]))))
            for each in regions
            if each["class"] == point["class"]
        ]
        assert min(away) < 8
    for line in lines:
        (found,) = (each for each in regions if each["class"] == line["class_name"])
        assert float(found["length_nm"]) == pytest.approx(_length_nm(line), rel=0.02)


def _length_nm(line: dict[str, Any]) -> float:
    """Return the length of a line of the truth inside the image of 512 px of 0.027 nm."""
    steps = np.linspace(line["start"], line["end"], 100_001)
    inside = steps[((steps >= -0.5) & (steps <= 511.5)).all(axis=1)]
    return 0.027 * float(np.hypot(*(inside[-1] - inside[0])))
