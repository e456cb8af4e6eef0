"""Every format has a writer, and its time grows with the number of regions."""

from __future__ import annotations

import re
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pytest
from export_samples import write_many

import napari_stem_defects as sd
from napari_stem_defects.io.export.registry import FORMATS, find_format

ROOT = Path(__file__).parents[3]
PACKAGES = {
    "imagej": "roifile",
    "parquet": "pyarrow",
    "ome-zarr": "zarr",
    "hyperspy": "rsciio",
}


def test_an_unknown_format_is_one_line_with_the_known_ones() -> None:
    with pytest.raises(sd.InputError, match="'no-such' is unknown; choose one of imagej, geojson,"):
        find_format("no-such")


@pytest.mark.parametrize("page", ["README.md", "docs/other-programs.md"])
def test_pages_list_every_format(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\|", "|")
    listed = re.search(r"stem-defects export RESULT\.\.\. --format (\S+)", text)
    assert listed is not None
    assert listed[1].split("|") == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_described(name: str) -> None:
    rows = (ROOT / "docs/other-programs.md").read_text(encoding="utf-8").split("## ")[0]
    assert re.search(rf"^\| .*`{name}`.* \|.*\|.*\|.*\|$", rows, re.MULTILINE)
    assert f'"{name}"' in str(sd.export.__doc__).split("Returns")[0]


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


MOST_GROWTH = 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["point", "area"])
def test_time_grows_no_faster_than_the_number_of_regions(
    kind: Literal["point", "area"], tmp_path: Path
) -> None:
    """Four times as many regions in four times the area; sixteen would be quadratic."""
    few, many = (write_many(tmp_path / str(edge), kind, edge) for edge in (30, 60))
    growth = {}
    for name in FORMATS:
        if find_spec(PACKAGES.get(name, "json")) is None:
            continue
        sd.export(few, name, tmp_path / "before")  # its packages are imported
        short = min(_seconds(name, few, tmp_path / "out") for _ in range(2))
        long = _seconds(name, many, tmp_path / "out")
        if long > MOST_GROWTH * short:  # a single measurement may be disturbed
            long = min(long, _seconds(name, many, tmp_path / "out"))
        growth[name] = long / short
        print(f"{name}: 3,600 regions in {long:.2f} s, {growth[name]:.1f} times 900")
    assert max(growth.values()) < MOST_GROWTH


def _seconds(name: str, result: Path, out: Path) -> float:
    started = time.process_time()
    sd.export(result, name, out)
    return time.process_time() - started
