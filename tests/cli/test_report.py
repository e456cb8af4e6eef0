"""The command ``report``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import one_line
from PIL import Image
from result_samples import MODEL, detection, micrograph

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.result_folder import write_results


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))
    image = micrograph()
    write_results(tmp_path / "out", image, [detection(image)], MODEL)
    return tmp_path / "out"


def test_the_page_lies_in_the_folder_and_is_no_result_itself(
    result: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["report", str(result)]) == 0
        captured = capsys.readouterr()
        assert str(result / "report" / "report.html") in captured.out
        assert captured.err == ""
    assert (result / "report" / "densities.csv").is_file()


def test_a_bad_folder_is_one_line_and_the_others_are_reported(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(result), str(tmp_path / "none"), "--out", str(tmp_path / "page")]
    assert main(["report", *words]) == 2
    assert "none: there is no such folder" in one_line(capsys.readouterr().err)
    assert (tmp_path / "page" / "report.html").is_file()


def test_no_result_at_all_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path)]) == 2
    assert "holds no result" in one_line(capsys.readouterr().err)


def test_a_report_loads_no_torch(result: Path) -> None:
    code = (
        "import sys; from napari_stem_defects.cli.main import main; assert main(sys.argv[1:]) == 0;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, "report", str(result)], check=True, timeout=120)
