"""Every format has a writer, and writes ten thousand regions quickly."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from export_samples import write_many

import napari_stem_defects as sd
from napari_stem_defects.io.export.registry import FORMATS, find_format

PACKAGES = {
    "imagej": "roifile",
    "parquet": "pyarrow",
    "ome-zarr": "zarr",
    "hyperspy": "rsciio",
}


def test_an_unknown_format_is_one_line_with_the_known_ones() -> None:
    with pytest.raises(sd.InputError, match="'svg' is unknown; choose one of imagej, geojson,"):
        find_format("svg")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_writer(name: str) -> None:
    assert find_format(name).name == name
    assert callable(find_format(name).load())


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named_in_one_line(
    name: str, result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = PACKAGES[name]
    for each in (module, f"{module}.hspy", f"{module}.parquet"):
        monkeypatch.setitem(__import__("sys").modules, each, None)
    installed = {"rsciio": "rosettasciio"}.get(module, module)
    with pytest.raises(sd.InputError, match=f"needs the package {installed}: pip install"):
        sd.export(result, name, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["point", "area"])
def test_ten_thousand_regions_are_written_within_seconds(
    kind: str, tmp_path: Path, result: Path
) -> None:
    write_many(tmp_path / "many", "area" if kind == "area" else "point")
    seconds = {}
    for name in FORMATS:
        if find_spec(PACKAGES.get(name, "json")) is None:
            continue
        sd.export(result, name, tmp_path / "before")  # its packages are imported
        started = time.process_time()
        sd.export(tmp_path / "many", name, tmp_path / "out")
        seconds[name] = time.process_time() - started
    print({name: round(each, 2) for name, each in seconds.items()})
    # Below 1 s on an idle machine; processor time grows where cores are shared.
    assert max(seconds.values()) < 2.5
