"""The public function that writes results for other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_samples import write_sample
from PIL import Image

import napari_stem_defects as sd
from napari_stem_defects.io.export.registry import FORMATS
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


@pytest.mark.parametrize("format", FORMATS)
def test_a_damaged_result_does_not_stop_the_others(
    format: str, result: Path, tmp_path: Path
) -> None:
    pytest.importorskip({"parquet": "pyarrow", "ome-zarr": "zarr"}.get(format, "rsciio"))
    other = write_sample(tmp_path, "other")
    (other / "regions.csv").write_text("nothing")
    (other / "masks.ome.tif").write_bytes(b"II*\0")
    written = sd.export([other, result], format, tmp_path / "out")
    assert len(written.files) == 1
    (fault,) = written.faults
    assert fault.startswith("other: ")
    assert "\n" not in fault
    kept = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    with pytest.raises(sd.InputError, match=r"^other: "):
        sd.export(other, format, tmp_path / "out")
    assert kept == {path: path.read_bytes() for path in kept}


@pytest.mark.parametrize("format", FORMATS)
def test_a_result_without_its_image_is_left_out_only_where_the_format_contains_it(
    format: str, result: Path, tmp_path: Path
) -> None:
    pytest.importorskip({"parquet": "pyarrow", "ome-zarr": "zarr"}.get(format, "rsciio"))
    other = write_sample(tmp_path, "other")
    (tmp_path / "other.ome.tif").unlink()
    written = sd.export([other, result], format, tmp_path / "out")
    if format in ("ome-zarr", "hyperspy"):
        assert "other.ome.tif is not found" in written.faults[0]
        assert "the other formats do without it" in written.faults[0]
    else:
        assert written.faults == ()
    assert written.files


def test_a_wrong_format_writes_nothing(result: Path, tmp_path: Path) -> None:
    with pytest.raises(sd.InputError, match="format 'xml' is unknown"):
        sd.export(result, "xml", tmp_path / "out")
    assert not (tmp_path / "out").exists()
