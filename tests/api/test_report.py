"""The public function that writes a page of results."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from result_samples import MODEL, detection, micrograph

import napari_stem_defects as sd
from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.result_folder import write_results


def test_a_page_is_written_from_result_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))
    image = micrograph()
    write_results(tmp_path / "out", image, [detection(image)], MODEL)
    written = sd.report([tmp_path / "out", tmp_path / "none"], tmp_path / "page")
    assert written.page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert written.files[0] == written.page
    assert all(path.is_file() for path in written.files)
    assert len(written.faults) == 1


def test_nothing_to_report_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(sd.InputError, match="no such folder"):
        sd.report([tmp_path / "none"], tmp_path / "page")
    with pytest.raises(sd.InputError, match="no folder given"):
        sd.report([], tmp_path / "page")
    assert not (tmp_path / "page").exists()
