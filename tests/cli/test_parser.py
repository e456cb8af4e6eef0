"""Misspelt command lines are one line that states what was meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_line import one_line

from napari_stem_defects.cli.main import build_parser, main
from napari_stem_defects.cli.parser import INPUT_FAULT, Parser

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and all those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action.choices, dict):
            for inner in action.choices.values():
                yield from parsers(inner)


ALL = list(parsers(build_parser()))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("detekt a.tif", "did you mean detect?"),
        ("Survey a.tif", "did you mean survey?"),
        ("labels exprt p", "did you mean export?"),
        ("detect a.tif -o found", "detect: -o is not known; did you mean --out?"),
        ("detect a.tif --output found", "--output is not known; did you mean --out?"),
        ("detect a.tif --outdir=found", "--outdir is not known; did you mean --out?"),
        ("detect a.tif --out b --pixelsize 1", "did you mean --pixel-size?"),
        ("detect a.tif --out b -m c", "did you mean --model?"),
        ("models export m --formt onnx", "did you mean --format?"),
        ("export d --format CSV", "did you mean csv?"),
        ("train a --out b --recipe quik", "did you mean quick?"),
        ("detect a.tif --out b --zzz", "--zzz is not known (see stem-defects detect --help)"),
        ("--out b detect a.tif", "options follow the command"),
        ("preprocess a.tif b.tif --out c", "preprocess: one word too many: b.tif"),
        ("export d --format xls", "choose from"),
    ],
)
def test_a_misspelt_word_is_named_with_what_was_meant(
    line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == INPUT_FAULT
    assert expected in one_line(capsys.readouterr().err)


def test_the_words_of_the_program_are_checked_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["stem-defects", "survey", "a.tif", "-o", "b"])
    with pytest.raises(SystemExit):
        main()
    assert "did you mean --out?" in one_line(capsys.readouterr().err)


@pytest.mark.parametrize("parser", ALL, ids=lambda parser: parser.prog)
def test_options_that_exist_are_understood_in_every_form(parser: Parser) -> None:
    """A misspelt one is looked for before argparse reads the line, which must not refuse more."""
    names = [name for action in parser._actions for name in action.option_strings]
    for name in names:
        parser._refuse_unknown([name])
        parser._refuse_unknown([f"{name}=x"])
        parser._refuse_unknown([name[: max(len(name) - 1, 3)]])  # argparse takes the beginning
    parser._refuse_unknown(["-1", "-.5", "-5,3,9,9", "-", "--", "--file"])
    parser._refuse_unknown(["-a name with spaces"])


def test_every_file_or_folder_is_read_as_one() -> None:
    """``Path`` takes "" for the current folder, so that an unset variable searched or filled it."""
    plain = [action.dest for parser in ALL for action in parser._actions if action.type is Path]
    assert plain == []


@pytest.mark.parametrize("line", [["detect", "", "--out", "a"], ["survey", "a", "--out", ""]])
def test_an_empty_path_is_refused(line: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line)
    assert caught.value.code == INPUT_FAULT
    assert "the path is empty" in one_line(capsys.readouterr().err)
