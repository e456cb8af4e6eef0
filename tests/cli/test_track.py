"""The command ``track``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from command_line import one_line
from written_results import write_image, write_result

from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_each_class_gets_a_line_and_bad_folders_stop_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_result(write_image(tmp_path / "movie.tif", 4), tmp_path / "out")
    command = ["track", str(tmp_path / "none"), str(folder), "--no-drift", "--frame-time", "2"]
    assert main(command) == 2
    said = capsys.readouterr()
    assert "is no folder" in one_line(said.err)
    lines = [line.strip() for line in said.out.splitlines()]
    place = lines.index("Vacancy_CdTe: 2 tracks, 0 births, 0 deaths, 0 hops")
    births, lifetime, residence = lines[place + 1 : place + 4]
    assert births.startswith("births 0 (0 to ")
    assert births.endswith(" per s")
    assert lifetime.startswith("lifetime above ")
    assert residence.startswith("residence time above ")
    assert residence.endswith(" s")
    assert (folder / "tracks" / "tracks.csv").is_file()
