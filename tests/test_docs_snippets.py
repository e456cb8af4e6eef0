"""The Python snippets of the pages run, and their command lines are ones the program takes."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pytest
import tifffile
from crystal_images import crystal_image
from labelled_crystals import click_project
from microscope_samples import dm_bytes

import napari_stem_defects as sd
from napari_stem_defects.cli.main import build_parser, main

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```(?:console|bash|sh|text)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(stem-defects [^`]+)`")
# The snippets of the README run together, as a notebook: test_readme_notebook.py.
WITH_SNIPPETS = [page for page in PAGES[1:] if PYTHON.search(page.read_text(encoding="utf-8"))]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the files that the snippets name: an image, label projects, and results."""
    folder = tmp_path_factory.mktemp("inputs")
    image = crystal_image(missing=9, size=300, seed=0)
    pixels = np.ascontiguousarray(image.pixels, np.float32)
    (folder / "lamella.dm4").write_bytes(dm_bytes(pixels))
    for name, classes in {"wse2": ["W", "Se2", "Se_vacancy"], "own": ["Ti_rich"]}.items():
        sd.LabelProject.create(folder / f"{name}.labels", classes=classes).close()
    click_project(folder / "my.labels", image, 7, bulk=4)
    made = sd.simulate(size=192, defects=["SF1"], seed=1).micrograph
    np.save(folder / "made.npy", made.pixels)
    tifffile.imwrite(folder / "series.tif", np.stack([made.pixels] * 2), photometric="minisblack")
    size = str(made.pixel_size_nm)
    found = ["detect", str(folder / "made.npy"), "--pixel-size", size, "--device", "cpu"]
    assert main([*found, "--out", str(folder / "results")]) == 0
    for name in ("lamella", "series"):
        shutil.copytree(folder / "results" / "made", folder / "night" / name)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", WITH_SNIPPETS, ids=lambda page: page.stem)
def test_the_python_snippets_of_a_page_run(
    page: Path, inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    shutil.copytree(inputs, folder)
    if page.stem == "label":  # this one creates the project itself
        shutil.rmtree(folder / "own.labels")
    monkeypatch.chdir(folder)
    mpl.use("agg")
    names: dict[str, object] = {}
    for snippet in PYTHON.findall(page.read_text(encoding="utf-8")):
        exec(compile(snippet, page.name, "exec"), names)
    for value in names.values():
        if isinstance(value, sd.ResultsReport | sd.Exported):
            assert all(path.exists() for path in value.files)


def command_lines(text: str) -> Iterator[str]:
    """Yield the lines of a page that start ``stem-defects``, continued ones joined."""
    for block in CONSOLE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("stem-defects "):
                yield line.partition("  #")[0]
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    # In a sentence a command is named with the options that matter there.
    yield from (" ".join(found.split()) + " ..." for found in INLINE.findall(prose))


def is_synopsis(line: str) -> bool:
    """Return whether a line shows how a command is composed, or is not a whole one."""
    return any(sign in line for sign in ("[", "|", "...", "COMMAND"))


def subparser(words: list[str]) -> argparse.ArgumentParser:
    """Return the parser of the command that words begin with; fail where there is none."""
    parser = build_parser()
    for word in words:
        actions = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
        if not actions or word in ("COMMAND", "ACTION"):
            break
        named = word.split("|")[0]
        assert named in actions[0].choices, f"there is no command {word}"
        parser = actions[0].choices[named]
    return parser


def faults_of(line: str) -> str:
    """Return why the program would refuse a line, empty if it would not."""
    words = shlex.split(line.replace(r"\|", "|"), posix="\\" not in line)[1:]
    if is_synopsis(line):
        parser = subparser(words)
        options = re.findall(r"(?<!\w)--[a-z][\w-]*", line)
        known = set(parser._option_string_actions) | set(build_parser()._option_string_actions)
        unknown = [each for each in options if each not in known]
        return f"{line}: there is no {', '.join(unknown)}" if unknown else ""
    try:
        build_parser().parse_args(words)
    except SystemExit as stopped:
        return f"{line}: refused" if stopped.code else ""
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_command_lines_of_a_page_are_understood(page: Path) -> None:
    lines = list(command_lines(page.read_text(encoding="utf-8")))
    faults = [fault for fault in map(faults_of, lines) if fault]
    assert not faults, "\n".join(faults)


def test_command_lines_are_found_and_faults_seen() -> None:
    page = "```\nstem-defects detect a.tif \\\n    --out b\n```\nand `stem-defects models list`."
    assert [line.split() for line in command_lines(page)] == [
        ["stem-defects", "detect", "a.tif", "--out", "b"],
        ["stem-defects", "models", "list", "..."],
    ]
    assert not faults_of("stem-defects detect a.tif --out b")
    assert faults_of("stem-defects detect a.tif --outt b --strid 3")
    assert faults_of("stem-defects report DIR... [--pages N]")
    with pytest.raises(AssertionError, match="no command lst"):
        faults_of("stem-defects models lst ...")
