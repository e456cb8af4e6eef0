"""The command ``export``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import one_line
from export_samples import write_sample
from PIL import Image

from napari_stem_defects.cli.main import main
from napari_stem_defects.io.results import result_folder


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))
    return write_sample(tmp_path)


def test_the_files_are_printed(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "files"
    assert main(["export", str(result), "--format", "geojson", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{out / 'lamella.geojson'}\n"
    assert captured.err == ""


def test_a_bad_folder_is_one_line_and_the_others_are_exported(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(result), str(tmp_path / "none"), "--format", "csv"]
    assert main(["export", *words]) == 2
    captured = capsys.readouterr()
    assert "none: there is no such folder" in one_line(captured.err)
    assert str(result / "export" / "regions.csv") in captured.out


def test_a_wrong_format_is_one_line(result: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["export", str(result), "--format", "no-such"])
    assert "invalid choice: 'no-such'" in one_line(capsys.readouterr().err)


def test_an_export_loads_no_torch(result: Path) -> None:
    code = (
        "import sys; from napari_stem_defects.cli.main import main; assert main(sys.argv[1:]) == 0;"
        "assert 'torch' not in sys.modules"
    )
    words = ["export", str(result), "--format", "coco", "--outlines"]
    subprocess.run([sys.executable, "-c", code, *words], check=True, timeout=120)


def test_images_are_read_in_a_process_of_their_own(
    result: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("zarr")
    assert main(["export", str(result), "--format", "ome-zarr"]) == 0
    assert (result / "export" / "lamella.ome.zarr" / "labels" / "Vac" / "0").is_dir()
    (tmp_path / "lamella.ome.tif").write_bytes(b"II*\0broken")
    assert main(["export", str(result), "--format", "ome-zarr"]) == 2
    assert "lamella.ome.tif" in one_line(capsys.readouterr().err)
