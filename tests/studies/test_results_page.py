"""The study's command, on striped patches and reduced to seconds."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from learning_samples import PERIODS, stripes

STUDY = Path(__file__).resolve().parents[2] / "studies" / "results.py"


def write_patches(folder: Path) -> None:
    """Write a class of one place and two of many."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    wide = stripes(PERIODS["SF2"], rng, (64, 90))
    for number in range(8):
        crops = {
            "Bulk": stripes(PERIODS["Bulk"], rng),
            "SF1": stripes(PERIODS["SF1"], rng),
            "SF2": wide[:, 3 * number : 3 * number + 64],
        }
        for name, crop in crops.items():
            pixels = np.clip(60 * crop, 0, 255).astype(np.uint8)
            tifffile.imwrite(folder / f"{name}_{number}.tif", pixels)


@pytest.fixture
def study(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    short_pretraining: None,
) -> Callable[[], str]:
    """Return a function that runs the script in this process and returns what it prints."""
    where = ["--data", tmp_path, "--runs", tmp_path / "runs", "--page", tmp_path / "results.md"]
    monkeypatch.setattr("sys.argv", [str(STUDY), "--quick", *map(str, where)])
    monkeypatch.syspath_prepend(STUDY.parent)

    def run() -> str:
        capsys.readouterr()
        runpy.run_path(str(STUDY), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_one_command_runs_what_is_missing_and_writes_the_page(
    tmp_path: Path, study: Callable[[], str]
) -> None:
    write_patches(tmp_path / "patches" / "DataSet_CdTe")
    study()
    runs = sorted((tmp_path / "runs").iterdir())
    assert len(runs) == 9  # three methods, three splits
    written = (tmp_path / "results.md").read_text()
    (row,) = [line for line in written.splitlines() if line.startswith("| SF2") and "found" in line]
    random, site, region = row.split("|")[2:5]
    assert "found" in random
    assert "one place" in site
    assert "one place" in region
    assert all(title in written for title in ("random", "held-out defects", "abstract's recipe"))

    # The page says what the runs say, and another call runs only what is missing.
    first = tmp_path / "runs" / "CdTe.suited.random.0.json"
    kept = json.loads(first.read_text())
    figures = kept["classes"]["SF2"]
    wrong, windows = figures["fp"] + figures["fn"], kept["windows"]
    assert f"{wrong}/{windows} = {1140 * wrong / windows:.1f} (" in random
    figures["fn"] += 7000
    first.write_text(json.dumps(kept))
    runs[3].unlink()
    lines = study().splitlines()
    assert [line.split()[0] for line in lines[:-1]] == [runs[3].name]
    assert f"{wrong + 7000}/" in (tmp_path / "results.md").read_text()
