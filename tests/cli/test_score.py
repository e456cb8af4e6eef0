"""The command ``score``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import one_line
from scored_images import POINTS, write_crystals, write_manifest, write_table

from napari_stem_defects.cli.main import main

ROWS = [(name, "Vac", float(y), float(x)) for name, points in POINTS.items() for y, x in points]


def test_figures_are_printed_and_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, table = write_manifest(tmp_path), write_table(tmp_path / "p.csv", ROWS)
    out = tmp_path / "figures.json"
    assert main(["score", str(manifest), "--predictions", str(table), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "small: 2 of 2 images scored" in text
    assert "Vac: precision 1.000 (" in text
    assert "4 hits, 0 false, 0 missed" in text
    assert "not scored, as there are no masks: SF" in text
    assert out.is_file()


def test_missing_files_are_one_line_each_and_the_status_states_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, table = write_manifest(tmp_path), write_table(tmp_path / "p.csv", ROWS)
    (tmp_path / "a.tif").unlink()
    assert main(["score", str(manifest), "--predictions", str(table)]) == 2
    captured = capsys.readouterr()
    assert "a.tif: is missing; fetch it from https://" in one_line(captured.err)
    assert "1 of 2 images scored" in captured.out


def test_a_bad_manifest_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_manifest(tmp_path, schema=7)
    assert main(["score", str(path)]) == 2
    assert "manifest.json: has schema 7, not 1" in one_line(capsys.readouterr().err)


def test_what_is_named_in_an_unknown_material_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_manifest(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    content["images"][0]["known"] = False
    path.write_text(json.dumps(content), "utf-8")
    table = write_table(tmp_path / "p.csv", ROWS)
    assert main(["score", str(path), "--predictions", str(table)]) == 0
    expected = "material not known in 1 image: 3 points (no masks) wrongly named"
    assert expected in capsys.readouterr().out


def test_f1_by_number_of_clicks_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["score", str(write_crystals(tmp_path)), "--clicks", "1,3"]
    clicks, out = tmp_path / "clicks.csv", tmp_path / "figures.json"
    assert main([*words, "--write-clicks", str(clicks)]) == 0
    assert clicks.is_file()
    assert f"clicks -> {clicks}" in capsys.readouterr().out
    assert main([*words, "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("crystals: F1 by number of clicks, napari-stem-defects")
    assert lines[1] == "  Vac, rest of the clicked image:"
    assert lines[2].startswith("    1 click: F1 ")
    assert lines[3].startswith("    3 clicks: F1 ")
    assert lines[4] == "  Vac, image of another group:"
    assert out.is_file()


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("--clicks 1 --model cdte-110", "leave out --model"),
        ("--write-clicks c.csv", "add --clicks, such as 1,3,7"),
        ("--recipe few", "add --clicks, such as 1,3,7"),
        ("--clicks 1 --recipe few --predictions p.csv", "leave out one of both"),
        ("--clicks 1 --write-clicks c.csv --out o.json", "--out: only clicks are written"),
        ("--clicks 1 --write-clicks c.csv --predictions p.csv", "--predictions: only clicks"),
        ("--clicks 1 --write-clicks c.csv --recipe quick", "--recipe: only clicks are written"),
        ("--clicks 0,1", "give whole numbers from 1 on"),
        ("--clicks 0 --write-clicks c.csv", "give whole numbers from 1 on"),
    ],
)
def test_options_without_effect_are_refused(
    words: str, advice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = write_crystals(tmp_path)
    assert main(["score", str(before), *words.split()]) == 2
    assert advice in one_line(capsys.readouterr().err)


def test_names_that_are_not_listed_are_stated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [("a", "Vacancy", 10.0, 10.0), ("b", "unknown", 20.0, 20.0)]
    table = write_table(tmp_path / "p.csv", rows)
    command = ["score", str(write_manifest(tmp_path)), "--predictions", str(table)]
    assert main(command) == 0
    stated = "no prediction has the name of a listed class (see also_named), but 1 Vacancy"
    assert stated in capsys.readouterr().out
    write_table(table, [*rows, ("a", "vacancy", 10.0, 10.0)])
    assert main(command) == 0
    assert "no prediction has" not in capsys.readouterr().out
