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
    assert "Vacancy_CdTe: 2 tracks, 0 births, 0 deaths, 0 hops, no hop seen" in said.out
    assert "residence time above" in said.out
    assert (folder / "tracks" / "tracks.csv").is_file()
