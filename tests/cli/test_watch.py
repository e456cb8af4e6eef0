"""The command ``watch``, as a process that Ctrl-C ends."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from command_line import one_line, wait_until

from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def write_noise(path: Path, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(100, 10, (96, 96)).astype(np.float32)
    tifffile.imwrite(path, noise, photometric="minisblack")


def images(out: Path) -> list[str]:
    table = out / "watch.csv"
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as file:
        return [row["image"] for row in csv.DictReader(file)]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT as a POSIX terminal does")
def test_a_night_with_a_break(tmp_path: Path, model: Path) -> None:
    night, out = tmp_path / "night", tmp_path / "out"
    night.mkdir()
    command = [sys.executable, "-m", "napari_stem_defects", "watch", str(night), "--out", str(out)]
    command += ["--model", str(model), "--stride", "32", "--pixel-size", "0.027", "--settle", "0.5"]
    for part, names in enumerate((["a.tif", "b.tif"], ["c.tif"])):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("watching ")
            for seed, name in enumerate(names):
                write_noise(tmp_path / name, seed + 10 * part)
                # Renamed into place, as many programs copy; the time of change is older then.
                (tmp_path / name).rename(night / name)
                wait_until(lambda name=name: name in images(out))
            started = time.monotonic()
            process.send_signal(signal.SIGINT)
            printed, errors = process.communicate(timeout=20)
        finally:
            process.kill()
        assert process.returncode == 0, errors
        assert time.monotonic() - started < 5
        assert "Traceback" not in errors
        assert f"stopped: {len(names)} files searched" in printed
        for name in names:
            assert name in printed
            assert (out / name.removesuffix(".tif") / "summary.json").is_file()
    assert images(out) == ["a.tif", "b.tif", "c.tif"]


def test_what_cannot_be_watched_is_one_line(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["watch", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert main([*command, "--model", str(model)]) == 2
    assert "is no folder" in one_line(capsys.readouterr().err)
