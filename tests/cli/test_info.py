"""The command ``info``: shape, scale and lattice of a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from lattice_images import lattice_image, two_grains

from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path


def test_the_lattice_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "hex.npy", lattice_image(12, 1, 60, size=192, dose=50))
    np.save(tmp_path / "movie.npy", np.zeros((2, 96, 128), np.float32))
    assert main(["info", str(tmp_path / "hex.npy"), str(tmp_path / "movie.npy")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "hex.npy: 192 x 192 px, no pixel size"
    assert lines[1].startswith("  lattice: one hexagonal lattice, 1")
    assert "±" in lines[1]
    assert lines[2] == "  grains: one grain"
    assert lines[3].startswith("  generic names: the lattice is hex")
    assert lines[4] == "movie.npy: 2 frames of 128 x 96 px, no pixel size"
    assert lines[5] == "  lattice: none, the image is empty: all pixels are equal"


def test_a_bad_file_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.tif").write_bytes(b"II*\0 and no more")
    assert main(["info", str(tmp_path / "broken.tif")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_images_of_a_folder_are_described(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in (10, 9):
        np.save(tmp_path / f"{number}.npy", np.zeros((64, 96), np.float32))
    (tmp_path / "empty.tif").touch()
    (tmp_path / "paper.pdf").touch()
    assert main(["info", str(tmp_path), str(tmp_path / "nothing.tif")]) == 2
    printed = capsys.readouterr()
    names = [line for line in printed.out.splitlines() if not line.startswith(" ")]
    assert names == [f"{number}.npy: 96 x 64 px, no pixel size" for number in (9, 10)]
    first, second = printed.err.splitlines()
    assert first.startswith("stem-defects: empty.tif: is empty")
    assert second.startswith("stem-defects: nothing.tif: does not exist")


def test_grains_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (lattice_image(10, 1, 90, turn, size=256, dose=50) for turn in (5.0, 32.0))
    np.save(tmp_path / "two.npy", two_grains(first, second, 0.0))
    assert main(["info", str(tmp_path / "two.npy")]) == 0
    grains = capsys.readouterr().out.splitlines()[2]
    found = re.fullmatch(r"  grains: 2 grains; 1 and 2 turned by ([0-9.]+) degrees", grains)
    assert found
    assert float(found[1]) == pytest.approx(27, abs=0.5)


def test_signals_are_listed_and_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "several.npz"
    image = lattice_image(12, 1, 60, size=192, dose=50)
    np.savez(path, survey=image[:128, :128], HAADF=image, counts=np.ones(9))
    assert main(["info", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "several.npz: 3 signals; choose one with --signal NAME or N"
    assert lines[1].startswith("  0  survey: 128 x 128 float")
    assert lines[2].endswith(" <- read: at atomic scale, HAADF, the largest")
    assert "single row of numbers" in lines[3]
    assert lines[4] == "several.npz: 192 x 192 px, no pixel size"
    assert main(["info", str(path), "--signal", "0"]) == 0
    assert "several.npz: 128 x 128 px, no pixel size" in capsys.readouterr().out
    for wrong in ("counts", "nothing"):
        assert main(["info", str(path), "--signal", wrong]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1
