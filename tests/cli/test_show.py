"""The command ``show``, and how ``detect`` leads to it."""

from __future__ import annotations

import shlex
import sys
from importlib.util import find_spec as installed
from pathlib import Path
from typing import Any

import pytest
from command_line import detect, one_line
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.cli import show
from napari_stem_defects.cli.main import main


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Path]]:
    """Return what would be opened; a display is there."""
    seen: list[tuple[Path, Path]] = []
    monkeypatch.setattr(show, "show_results", lambda image, folder: seen.append((image, folder)))
    monkeypatch.setenv("DISPLAY", ":1")
    monkeypatch.setattr(show, "find_spec", lambda name: installed("json"))
    return seen


@pytest.fixture
def result(image: Path, tmp_path: Path, model: Path) -> Path:
    assert detect(image, tmp_path / "out", model) == 0
    return tmp_path / "out" / "lamella"


def test_a_result_is_opened_with_its_image(result: Path, image: Path, opened: Any) -> None:
    assert main(["show", str(result)]) == 0
    assert opened == [(image, result)]


def test_an_image_that_was_moved_is_named_and_may_be_given(
    result: Path, image: Path, tmp_path: Path, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    image.rename(tmp_path / "elsewhere.tif")
    capsys.readouterr()
    assert main(["show", str(result)]) == 2
    assert "is not at" in one_line(capsys.readouterr().err)
    assert main(["show", str(result), "--image", str(tmp_path / "elsewhere.tif")]) == 0
    assert opened == [(tmp_path / "elsewhere.tif", result)]


def test_a_survey_is_opened_with_its_image(
    tmp_path: Path, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    image = write_crystal(tmp_path / "data" / "a.npy")
    folder, _ = write_surveys(image, tmp_path / "out")
    assert main(["show", str(folder)]) == 0
    assert main(["show", str(tmp_path / "out")]) == 0
    assert opened == [(image, folder), (image, tmp_path / "out")]
    image.rename(tmp_path / "elsewhere.npy")
    capsys.readouterr()
    assert main(["show", str(folder)]) == 2
    assert "give it with --image FILE" in one_line(capsys.readouterr().err)
    assert main(["show", str(folder), "--image", str(tmp_path / "elsewhere.npy")]) == 0


def test_a_batch_is_opened_with_the_images_that_are_found(
    tmp_path: Path, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(2):
        write_result(write_image(tmp_path / f"{number}.tif", seed=number), tmp_path / "out")
    assert main(["show", str(tmp_path / "out")]) == 0
    assert opened == [(None, tmp_path / "out")]
    assert main(["show", str(tmp_path / "out"), "--image", str(tmp_path / "0.tif")]) == 2
    line = one_line(capsys.readouterr().err)
    assert line.endswith("contains 2 images; give --image with one of its folders")


def test_other_folders_are_one_line(
    tmp_path: Path, opened: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (tmp_path / "none", tmp_path):
        assert main(["show", str(folder)]) == 2
        assert "choose a folder that detect or survey wrote" in one_line(capsys.readouterr().err)
    assert opened == []


def test_without_a_display_the_reason_is_printed(
    result: Path, opened: Any, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(show.sys, "platform", "linux")
    assert main(["show", str(result)]) == 2
    assert one_line(capsys.readouterr().out) == "no display: napari is not opened"
    assert opened == []


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        (("napari",), 'napari is not installed: pip install "napari[pyqt6]" to open results in it'),
        (show._QT, "napari needs Qt, which is not installed: pip install PyQt6"),
    ],
)
def test_the_package_that_is_missing_is_named(
    missing: tuple[str, ...],
    line: str,
    opened: Any,
    monkeypatch: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def find(name: str) -> object:
        return None if name in missing else object()

    monkeypatch.setattr(show, "find_spec", find)
    assert not show.can_show()
    assert one_line(capsys.readouterr().out) == line
    assert opened == []


def test_detect_prints_the_command_at_a_terminal_and_opens_on_request(
    image: Path,
    tmp_path: Path,
    model: Path,
    opened: Any,
    monkeypatch: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "my out"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert detect(image, out, model) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    command = last.removeprefix("to see it in napari: ")
    assert shlex.split(command) == ["stem-defects", "show", str(out / "lamella")]
    assert main(shlex.split(command)[1:]) == 0
    assert detect(image, out, model, "--open") == 0
    assert opened == [(image, out / "lamella")] * 2
