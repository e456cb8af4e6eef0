"""The command ``survey``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import tifffile
from crystal_images import crystal_image

from napari_stem_defects.anomaly import survey_frame
from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.base.micrograph import Micrograph


def _crystal(folder: Path) -> Path:
    path = folder / "crystal.tif"
    tifffile.imwrite(path, crystal_image(missing=6).pixels, photometric="minisblack")
    return path


def test_survey_writes_a_folder_and_prints_its_statement(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["survey", str(_crystal(tmp_path)), "--out", str(out), "--pixel-size", "0.02"]
    assert main(words) == 0
    assert "crystal.tif: Unusual places: " in capsys.readouterr().out
    summary = json.loads((out / "crystal" / "summary.json").read_text(encoding="utf-8"))
    assert summary["image"]["pixel_size_nm"] == 0.02


def test_an_image_that_cannot_be_read_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0no")
    words = ["survey", str(broken), str(_crystal(tmp_path)), "--out", str(tmp_path / "out")]
    assert main(words) == 2
    captured = capsys.readouterr()
    assert "broken.tif" in captured.err
    assert captured.err.count("\n") == 1
    assert "crystal.tif: Unusual" in captured.out


def test_an_internal_error_with_one_image_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    survey = survey_frame.survey_frame

    def failing(micrograph: Micrograph, *, frame: int = 0) -> Survey:
        if micrograph.name == "odd":
            raise ZeroDivisionError("division by zero")
        return survey(micrograph, frame=frame)

    monkeypatch.setattr(survey_frame, "survey_frame", failing)
    odd = tmp_path / "odd.tif"
    odd.write_bytes(_crystal(tmp_path).read_bytes())
    words = ["survey", str(odd), str(_crystal(tmp_path)), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    captured = capsys.readouterr()
    assert captured.err == (
        "stem-defects: odd.tif: internal error: ZeroDivisionError: division by zero"
        " (run it alone with --traceback)\n"
    )
    assert "crystal.tif: Unusual" in captured.out
    with pytest.raises(ZeroDivisionError):
        main([*words[:2], *words[3:], "--traceback"])


def test_a_survey_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from napari_stem_defects.cli.main import main; assert main(sys.argv[1:]) == 0;"
        "assert 'torch' not in sys.modules"
    )
    words = ["survey", str(_crystal(tmp_path)), "--out", str(tmp_path / "out")]
    subprocess.run([sys.executable, "-c", code, *words], check=True, timeout=120)
