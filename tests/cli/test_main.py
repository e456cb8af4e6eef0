"""The command line: its options, its files, its exit codes, its one-line faults."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_line import detect, one_line

import napari_stem_defects
from napari_stem_defects.cli.main import COMMANDS, build_parser, main

if TYPE_CHECKING:
    pass


STAGES = ("a_original", "b_normalised", "c_flattened", "d_spectrum", "e_thresholded")


def test_the_commands_are_the_contracts() -> None:
    names = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    assert names == {
        *("demo", "survey", "detect", "report", "train", "evaluate"),
        *("info", "preprocess", "watch", "track", "score"),
        *("show", "export", "simulate", "labels", "models", "data", "benchmark"),
    }


@pytest.mark.parametrize(
    "line",
    [
        "demo",
        "demo a.tif --headless --out d",
        "detect a.tif b --out d --model m --stride 4 --pixel-size 0.02 --device mps --workers 2",
        "detect a.tif --out d --cluster tcp://host:8786",
        "train a b --out m.safetensors --classes A,B --epochs A=3,B=9 --split region"
        " --representation fft+real --members 3 --seed 1",
        "train a --out m.safetensors --split random,site,region --recipe abstract",
        "train a --out m.safetensors --recipe quick",
        "survey a.tif b --out d --pixel-size 0.02 --frames 0,2",
        "report a b --out d --independent-frames",
        "evaluate m a b --out d",
        "preprocess a.tif --out d",
        "simulate --out d --crystal sto-100 --defects extra --size 64 --pixel-size 0.02 --dose 9"
        " --seed 4",
        "labels import p a --image i.tif",
        "labels export p --out d",
        "labels verify p",
        "models list",
        "models show m",
        "models verify m",
        "models import m.safetensors",
        "benchmark",
        "benchmark --json f --quick",
    ],
)
def test_the_contracts_options_are_understood(line: str) -> None:
    assert callable(build_parser().parse_args(line.split()).run)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "detekt",
        "detect --out d",
        "detect a.tif",
        "detect a.tif --out d --stride 0",
        "detect a.tif --out d --stride 1.5",
        "detect a.tif --out d --pixel-size -1",
        "detect a.tif --out d --pixel-size nan",
        "detect a.tif --out d --workers 2 --cluster x",
        "detect a.tif --out d --device gpu",
        "train a --out m.safetensors --epochs Bulk",
        "train a --out m.safetensors --epochs Bulk=x",
        "simulate --out d --seed -1",
        "models",
    ],
)
def test_a_misspelt_line_is_one_line_and_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2
    assert one_line(capsys.readouterr().err).startswith("stem-defects")


@pytest.mark.parametrize("missing", ["image", "model"])
def test_a_missing_file_is_one_line_and_2(
    image: Path, tmp_path: Path, model: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"image": image, "model": model} | {missing: tmp_path / "nowhere.safetensors"}
    assert detect(places["image"], tmp_path / "out", places["model"]) == 2
    assert "nowhere" in one_line(capsys.readouterr().err)


def test_out_that_is_a_file_is_one_line_and_2(
    image: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, image, model) == 2
    one_line(capsys.readouterr().err)


def test_our_fault_is_1_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **keywords: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("napari_stem_defects.workers.stack_on_demand.open_micrograph", fail)
    line = ["preprocess", "a.tif", "--out", str(tmp_path)]
    assert main(line) == 1
    said = one_line(capsys.readouterr().err)
    assert said == "stem-defects: internal error: RuntimeError: two lines (rerun with --traceback)"
    with pytest.raises(RuntimeError):
        main(["--traceback", *line])


def test_a_key_press_is_130(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_stem_defects.workers.stack_on_demand.open_micrograph", interrupted)
    assert main(["preprocess", "a.tif", "--out", str(tmp_path)]) == 130
    assert "finished is kept" in one_line(capsys.readouterr().err)


def test_the_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "napari_stem_defects", "--version"], capture_output=True, text=True
    )
    assert result.stdout.strip() == f"stem-defects {napari_stem_defects.__version__}"


def test_the_readme_names_the_options_there_are() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `stem-defects (\w+)(.*?)` \|", text, re.MULTILINE)
    assert len(rows) == len(COMMANDS)
    (actions,) = (a for a in build_parser()._actions if isinstance(a.choices, dict))
    for name, usage in rows:
        there = actions.choices[name].format_help()
        assert [option for option in re.findall(r"--[a-z-]+", usage) if option not in there] == []


@pytest.mark.parametrize("verb", ["preprocess", "simulate"])
def test_an_output_inside_a_file_names_that_file(
    verb: str, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    words = {"preprocess": [str(image)], "simulate": ["--size", "96"]}[verb]
    assert main([verb, *words, "--out", str(taken / "deeper")]) == 2
    assert "taken: is a file, not a folder" in one_line(capsys.readouterr().err)
    assert taken.read_text() == "mine"
