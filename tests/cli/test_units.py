"""What a calibrated image is told in px is told in nm, too, by every command and in its files."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import tifffile
from command_line import detect
from labelled_crystals import click_project, vacancies

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.results.json_file import read_json_or_empty
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE_NM = "0.02"
IN_PX = re.compile(r"\d px\b(?! \([^)]*nm\))")
"""A length in px that no length in nm follows."""


def in_px_alone(text: str) -> list[str]:
    return [text[max(0, found.start() - 40) : found.end() + 20] for found in IN_PX.finditer(text)]


def texts_of(value: Any) -> Iterator[str]:
    """Yield every text in the values of a JSON file."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from texts_of(each)
    elif isinstance(value, str):
        yield value


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crystal") / "crystal.tif"
    tifffile.imwrite(
        path,
        vacancies().pixels,
        photometric="minisblack",
        resolution=(1e7 / float(SIZE_NM), 1e7 / float(SIZE_NM)),
        resolutionunit="CENTIMETER",
    )
    return path


def test_the_check_finds_lengths_in_px_alone() -> None:
    assert in_px_alone("period 12.1 px; resampled") == ["period 12.1 px; resampled"]
    assert not in_px_alone("period 12.1 px (0.24 nm); 0.02 nm per px; 3 x 4 px (0.1 x 0.2 nm)")


def test_every_command_states_px_and_nm(
    crystal: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["info", str(crystal)]) == 0
    assert main(["survey", str(crystal), "--out", str(out / "survey")]) == 0
    assert main(["detect", str(crystal), "--out", str(out / "auto")]) == 0
    assert detect(crystal, out / "given", model) == 0
    printed = capsys.readouterr().out
    assert " px (" in printed
    assert main(["models", "list"]) == 0
    listed = capsys.readouterr().out.splitlines()
    printed += "\n".join(line for line in listed if "uncalibrated" not in line)
    assert re.search(r"cdte-110 .* stride \d+ px \(0\.\d+ nm\)", printed)
    assert not in_px_alone(printed)
    summaries = list(out.rglob("summary.json"))
    assert len(summaries) == 3
    for path in summaries:
        for text in texts_of(json.loads(path.read_text(encoding="utf-8"))):
            assert not in_px_alone(text), path


def test_a_quick_model_states_px_and_nm(
    crystal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = click_project(tmp_path / "project", vacancies(), pixel_size_nm=float(SIZE_NM))
    quick = tmp_path / "quick.safetensors"
    train = ["train", str(project), "--out", str(quick), "--recipe", "quick"]
    assert main(train) == 0
    assert main(["evaluate", str(quick), str(project), "--out", str(tmp_path / "report")]) == 0
    words = ["detect", str(crystal), "--out", str(tmp_path / "out"), "--model", str(quick)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert re.search(r"\d+ Vac \([0-9.e-]+ per nm²\)", printed)
    assert not in_px_alone(printed)
    summary = read_json_or_empty(tmp_path / "out" / "crystal" / "summary.json")
    assert re.search(r"px \([^)]* nm\)", summary["parameters"]["scale_statement"])
    assert not [text for text in texts_of(summary) if in_px_alone(text)]
    for path in tmp_path.glob("report/*.md"):
        assert not in_px_alone(path.read_text(encoding="utf-8"))


def test_refusals_state_px_and_nm(
    crystal: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "small.tif"
    tifffile.imwrite(small, vacancies().pixels[:20, :30], photometric="minisblack")
    given = ["--pixel-size", SIZE_NM]
    words = ["detect", str(small), "--out", str(tmp_path / "a"), "--model", str(model), *given]
    assert main(words) == 2
    words = ["detect", str(crystal), "--out", str(tmp_path / "b"), "--model", str(model)]
    assert main([*words, "--stride", "300"]) == 2
    words = ["simulate", "--crystal", "cdte-110", "--size", "10", "--out", str(tmp_path / "c")]
    assert main(words) == 2
    refused = capsys.readouterr().err
    assert refused.count(" nm)") >= 3
    assert not in_px_alone(refused.replace("use 64 to 8192 px", ""))  # bounds of any pixel size


def test_counts_have_densities_on_the_console_and_in_the_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "faults.tif"
    scene = simulate("cdte-110", size=256, defects=["SF1"], seed=1).micrograph
    tifffile.imwrite(image, scene.pixels, photometric="minisblack")
    words = [str(image), "--pixel-size", str(scene.pixel_size_nm)]
    assert main(["detect", *words, "--out", str(tmp_path / "detect")]) == 0
    assert main(["survey", *words, "--out", str(tmp_path / "survey")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert re.search(r"faults\.tif: \d+ SF1 \([0-9.]+ nm per nm²\)", printed[0])
    places = r"Unusual places: \d+ \w+ \([0-9.]+ (nm )?per nm²\)"
    assert any(re.search(places, line) for line in printed)
    area = (256 * float(scene.pixel_size_nm or 0)) ** 2
    for folder in ("detect", "survey"):
        summary = read_json_or_empty(tmp_path / folder / "faults" / "summary.json")
        frame = summary["frames"][0]
        for name, count in frame["counts"].items():
            assert frame["densities_per_nm2"][name] == pytest.approx(count / area, rel=0.1)
