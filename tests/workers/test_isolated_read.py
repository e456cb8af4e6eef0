"""Damaged files cost one line, whatever they do to the library that reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_stem_defects.cli.main import main
from napari_stem_defects.errors import LabelError, ReadError
from napari_stem_defects.workers import isolated_read
from napari_stem_defects.workers.client import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[1] / "helpers")
        made = Worker()
        yield made
        made.close()


@pytest.fixture
def spoilt(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files named after it crash, hang or bloat the process that reads them."""
    monkeypatch.setattr(isolated_read, "get_worker", lambda name: worker)
    for name in ("READ_MICROGRAPH", "OPEN_MICROGRAPH", "READ_PATCHES"):
        task = replace(getattr(isolated_read, name), entry_point=f"task_samples:{name.lower()}")
        monkeypatch.setattr(isolated_read, name, task)
    monkeypatch.setattr(isolated_read, "_LEAST_TIME_S", 1.0)
    monkeypatch.setattr(isolated_read, "_LEAST_MEMORY", 400 * 2**20)


SPOILT = {"crash": "crashes the library", "hang": "is not read within 1 s", "bloat": "much memory"}


@pytest.mark.parametrize("name", SPOILT)
@pytest.mark.usefixtures("spoilt")
def test_what_a_file_does_to_its_library_is_one_line(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name != "hang":  # a busy machine takes its time to get as far as the fault
        monkeypatch.setattr(isolated_read, "_LEAST_TIME_S", 60.0)
    path = tmp_path / f"{name}-{'x' * 200}.emd"
    path.write_bytes(b"x")
    with pytest.raises(ReadError, match=SPOILT[name]) as caught:
        isolated_read.read_micrograph(path)
    line = str(caught.value)
    assert line.startswith(f"{name}-xxx")
    assert line.endswith("; export it again from the program that wrote it")
    assert len(line) <= 200
    assert "\n" not in line
    with pytest.raises(LabelError, match=SPOILT[name]):
        isolated_read.read_patches(path)


@pytest.mark.usefixtures("spoilt")
def test_the_command_line_goes_on_after_a_file_that_crashes_its_library(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "crash.emd").write_bytes(b"x")
    assert main(["preprocess", str(tmp_path / "crash.emd"), "--out", str(tmp_path / "out")]) == 2
    said = capfd.readouterr()
    assert said.err.splitlines() == [said.err.strip()]
    assert said.err.startswith("stem-defects: crash.emd: crashes the library that reads it")
    assert not (tmp_path / "out").exists()


def test_what_is_sound_is_read_as_ever(tmp_path: Path) -> None:
    image = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    tifffile.imwrite(tmp_path / "SF1_0.tif", image)
    micrograph = isolated_read.read_micrograph(tmp_path / "SF1_0.tif")
    np.testing.assert_array_equal(micrograph.pixels, image)
    assert micrograph.path == tmp_path / "SF1_0.tif"
    folder = isolated_read.read_patches(tmp_path)
    np.testing.assert_array_equal(folder.patches[0], image)
    assert folder.classes == ("SF1",)


def test_faults_of_the_file_keep_their_words(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"^no\.tif: does not exist; check the spelling"):
        isolated_read.read_micrograph(tmp_path / "no.tif")
    with pytest.raises(LabelError, match="holds no patches"):
        isolated_read.read_patches(tmp_path)


def test_limits_grow_with_the_file(tmp_path: Path) -> None:
    small, big = tmp_path / "a.mrc", tmp_path / "b.mrc"
    small.write_bytes(b"x" * 1000)
    with big.open("wb") as file:
        file.truncate(10**9)
    assert isolated_read.time_limit_s(small) == pytest.approx(9, abs=0.1)
    assert isolated_read.memory_limit_bytes(small) < 2 * 2**30
    assert isolated_read.time_limit_s(big) == pytest.approx(109, abs=0.1)
    assert isolated_read.memory_limit_bytes(big) > 2 * 2**30
    assert isolated_read.time_limit_s(tmp_path / "none") == 9


def test_a_file_read_ahead_is_read_once(tmp_path: Path) -> None:
    image = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, image)
    isolated_read.read_ahead(path)
    isolated_read.read_ahead(path)
    isolated_read.read_micrograph(tmp_path / "a.tif")
    tifffile.imwrite(path, image[:32])
    assert isolated_read.read_micrograph(path).pixels.shape == (32, 64)  # nothing is left over


def test_a_fault_of_a_file_read_ahead_is_its_line(tmp_path: Path) -> None:
    isolated_read.read_ahead(tmp_path / "no.tif")
    with pytest.raises(ReadError, match=r"^no\.tif: does not exist; check the spelling"):
        isolated_read.read_micrograph(tmp_path / "no.tif")
