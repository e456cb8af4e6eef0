"""The public function that writes results for other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_samples import write_sample
from PIL import Image

import napari_stem_defects as sd
from napari_stem_defects.io.results import result_folder


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))
    return write_sample(tmp_path)


def test_files_lie_in_the_first_folder_by_default(result: Path) -> None:
    written = sd.export(str(result.parent), "geojson")
    assert written.files == (result.parent / "export" / "lamella.geojson",)
    assert written.faults == ()
    # The folder of an export is no result.
    assert sd.export(result.parent, "csv").faults == ()


def test_what_cannot_be_read_is_reported_and_the_rest_is_written(
    result: Path, tmp_path: Path
) -> None:
    written = sd.export([result, tmp_path / "none"], "csv", tmp_path / "out")
    assert len(written.files) == len(written.faults) == 1


def test_a_wrong_format_writes_nothing(result: Path, tmp_path: Path) -> None:
    with pytest.raises(sd.InputError, match="format 'xml' is unknown"):
        sd.export(result, "xml", tmp_path / "out")
    assert not (tmp_path / "out").exists()
