"""Places that take nothing: one line, exit code 2, and what was there stays as it was."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from export_samples import write_sample
from small_model import write_small_model

from napari_stem_defects.cli.main import main
from napari_stem_defects.io import atomic
from napari_stem_defects.io.export.registry import FORMATS
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import RESULT_FILES


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_small_model(tmp_path / "small.safetensors")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).normal(100, 10, (96, 96)).astype(np.float32)
    tifffile.imwrite(tmp_path / "lamella.tif", noise, photometric="minisblack")
    return tmp_path / "lamella.tif"


def commands(image: Path, model: Path, out: Path, patches: Path = Path()) -> dict[str, list[str]]:
    detect = ["detect", str(image), "--model", str(model), "--pixel-size", "0.027"]
    return {
        "detect": [*detect, "--stride", "32", "--out", str(out)],
        "preprocess": ["preprocess", str(image), "--out", str(out / "stages")],
        "simulate": ["simulate", "--size", "64", "--out", str(out / "simulated")],
        "train": ["train", str(patches), "--out", str(out / "m.safetensors")],
        "import": ["labels", "import", str(out / "new.labels"), str(patches)],
    }


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def said_in_one_line(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> str:
    """Run a command that has to fail; return its line."""
    capfd.readouterr()
    assert main(arguments) == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES])
def test_a_place_that_takes_nothing_is_one_line(
    image: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    code: int,
) -> None:
    detect = commands(image, model, tmp_path / "out")["detect"]

    def refuse(*_: object) -> None:
        raise OSError(code, "this drive takes nothing")

    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_flush_to_disk", refuse)
        assert "takes nothing" in said_in_one_line(detect, capfd)
    assert contents(tmp_path / "out") == {}
    assert main(detect) == 0


@pytest.mark.long
@pytest.mark.parametrize("verb", ["detect", "preprocess", "simulate", "train", "import"])
def test_a_read_only_drive(
    image: Path,
    model: Path,
    little_disk: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    verb: str,
) -> None:
    patches = tmp_path / "patches"
    patches.mkdir()
    for number, name in enumerate(("SF1_0", "SF1_1", "Bulk_0")):
        tifffile.imwrite(patches / f"{name}.tif", np.eye(64, k=number, dtype=np.uint8))
    with LabelProject.create(little_disk / "mine", ["SF1"]):
        pass
    before = contents(little_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(little_disk)], check=True)
    line = said_in_one_line(commands(image, model, little_disk, patches)[verb], capfd)
    assert "Read-only file system" in line
    assert contents(little_disk) == before
    with LabelProject.open(little_disk / "mine") as project:
        assert project.read_only


@pytest.mark.long
def test_a_disk_that_fills_up_while_results_are_written(
    image: Path, model: Path, little_disk: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Leave a little more room each time, until it suffices; then lose none of it to a rerun."""
    detect, full = commands(image, model, little_disk / "out")["detect"], 0
    for kilobytes in range(2000, 0, -100):
        (little_disk / "blocker").write_bytes(bytes(1000 * kilobytes))
        if main(detect) == 0:
            break
        (line,) = capfd.readouterr().err.strip().splitlines()
        assert "No space left" in line
        assert not {f.name for f in (little_disk / "out" / "lamella").glob("*")} & set(RESULT_FILES)
        full += 1
    (found,) = read_results(little_disk / "out" / "lamella")
    before = contents(little_disk / "out")
    (little_disk / "blocker").unlink()
    free = 2 * 2**20 - sum(map(len, before.values())) - 50_000
    (little_disk / "blocker").write_bytes(bytes(free))
    assert "No space left" in said_in_one_line([*detect, "--stride", "16"], capfd)
    after = contents(little_disk / "out")
    assert {name: after[name] for name in before} == before
    print(f"full {full} times before it fitted, earlier results kept")
    assert full > 1
    assert found.image == "lamella"


LIMITED = """
import resource, sys
from napari_stem_defects.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (600, 600))
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("format", FORMATS)
def test_an_export_that_does_not_fit_is_one_line(format: str, tmp_path: Path) -> None:
    """The libraries of some formats end the process where a file cannot grow, as on a full disk."""
    pytest.importorskip("resource")
    needed = {"parquet": "pyarrow", "ome-zarr": "zarr", "imagej": "roifile", "hyperspy": "rsciio"}
    pytest.importorskip(needed.get(format, "numpy"))
    out = tmp_path / "out"
    words = ["export", str(write_sample(tmp_path)), "--format", format, "--out", str(out)]
    command = [sys.executable, "-c", LIMITED, *words]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2, result.stderr
    (line,) = result.stderr.strip().splitlines()
    assert "cannot be written" in line
    assert contents(out) == {}
