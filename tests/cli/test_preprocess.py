"""The command ``preprocess``."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from command_line import one_line

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.images.write_stages import WrittenStages

if TYPE_CHECKING:
    pass

STAGES = ("a_original", "b_normalised", "c_flattened", "d_spectrum", "e_thresholded")


def test_preprocess_writes_five_stages_and_a_sheet(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "stages"
    assert main(["preprocess", str(image), "--out", str(out)]) == 0
    names = {f"{stage}.{ending}" for stage in STAGES for ending in ("tif", "png")}
    assert {path.name for path in out.iterdir()} == names | {"stages.png", "stages.json"}
    original = tifffile.imread(out / "a_original.tif")
    np.testing.assert_array_equal(original, tifffile.imread(image))


def test_an_image_of_one_row_is_preprocessed(tmp_path: Path) -> None:
    path = tmp_path / "row.tif"
    tifffile.imwrite(path, np.arange(96, dtype=np.float32)[None], photometric="minisblack")
    assert main(["preprocess", str(path), "--out", str(tmp_path / "out")]) == 0


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    path = tmp_path / "movie.npy"
    np.save(path, np.random.default_rng(0).normal(size=(101, 40, 44)).astype(np.float32))
    return path


def test_a_hundred_folders_are_not_written_unasked(
    movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "stages"
    assert main(["preprocess", str(movie), "--out", str(out)]) == 2
    line = one_line(capsys.readouterr().err)
    assert "has 101 frames" in line
    assert "--frames 0:10; all are 0:101" in line
    assert not out.exists()
    assert main(["preprocess", str(movie), "--out", str(out), "--frames", "0:2,100"]) == 0
    names = sorted(path.name for path in out.iterdir() if path.is_dir())
    assert names == ["frame_0000", "frame_0001", "frame_0100"]


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("\n", 2), ("no\n", 2)])
def test_a_user_at_a_terminal_decides(
    movie: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int
) -> None:
    written: list[Path] = []

    def note(folder: Path, *_: object) -> WrittenStages:
        written.append(folder)
        return WrittenStages((), ())

    monkeypatch.setattr("napari_stem_defects.io.images.write_stages.write_stages", note)
    typed = io.StringIO(answer)
    typed.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", typed)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["preprocess", str(movie), "--out", str(tmp_path / "stages")]) == status
    assert len(written) == (101 if status == 0 else 0)


def test_a_frame_that_does_not_exist_is_refused_before_anything_is_written(
    movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "stages"
    assert main(["preprocess", str(movie), "--out", str(out), "--frames", "0,101"]) == 2
    one_line(capsys.readouterr().err)
    assert not out.exists()


def test_a_second_image_has_a_folder_of_its_own(tmp_path: Path) -> None:
    rng, out = np.random.default_rng(0), tmp_path / "out"
    paths = [tmp_path / "a.npy", tmp_path / "b.npy", tmp_path / "other" / "a.npy"]
    paths[2].parent.mkdir()
    images = [rng.normal(size=(40, 44)).astype(np.float32) for _ in paths]
    for path, pixels in zip(paths, images, strict=True):
        np.save(path, pixels)
        assert main(["preprocess", str(path), "--out", str(out)]) == 0
    assert main(["preprocess", str(paths[0]), "--out", str(out)]) == 0  # once more: the same folder
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["a", "b"]
    for name, pixels in zip((".", "b", "a"), images, strict=True):
        np.testing.assert_array_equal(tifffile.imread(out / name / "a_original.tif"), pixels)
