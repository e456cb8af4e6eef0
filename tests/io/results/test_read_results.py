"""Results are read back as they were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from result_samples import MODEL, detection, micrograph

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import (
    RESULT_FILES,
    write_results,
)

if TYPE_CHECKING:
    from napari_stem_defects.postprocessing.results import Detection


@pytest.fixture(autouse=True)
def quick_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: test_overview.py looks at the picture."""
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))


def assert_same(found: Detection, expected: Detection) -> None:
    assert (found.image, found.frame) == (expected.image, expected.frame)
    assert found.mask_names == expected.mask_names
    np.testing.assert_array_equal(found.masks, expected.masks)
    assert found.map.class_data == expected.map.class_data
    for name in ("probability", "y", "x", "valid"):
        mine, theirs = getattr(found.map, name), getattr(expected.map, name)
        np.testing.assert_array_equal(mine, theirs)
        assert mine.dtype == theirs.dtype
    assert len(found.regions) == len(expected.regions) > 0
    for mine, theirs in zip(found.regions, expected.regions, strict=True):
        assert (mine.class_name, mine.region) == (theirs.class_name, theirs.region)
        assert mine.length_nm == pytest.approx(theirs.length_nm, rel=1e-5)
        assert (mine.kind, mine.centre_line) == (theirs.kind, theirs.centre_line)
        for name in ("width_nm", "direction_deg", "perimeter_nm"):
            expected_value = getattr(theirs, name)
            if expected_value is not None:
                expected_value = pytest.approx(expected_value, rel=1e-4)
            assert getattr(mine, name) == expected_value
    assert found.pixel_size_nm == expected.pixel_size_nm


def test_an_image_is_read_back(tmp_path: Path) -> None:
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image)], MODEL)
    assert folder == tmp_path / "lamella"
    assert sorted(path.name for path in folder.iterdir()) == sorted(RESULT_FILES)
    (found,) = read_results(folder)
    assert_same(found, detection(image))


def test_a_stack_is_read_back(tmp_path: Path) -> None:
    movie = micrograph(frames=3)
    folder = write_results(tmp_path, movie, [detection(movie, i) for i in range(3)], MODEL)
    found = read_results(folder)
    assert len(found) == 3
    for number, each in enumerate(found):
        assert_same(each, detection(movie, number))


def test_classes_of_any_kind_are_read_back(tmp_path: Path) -> None:
    image = micrograph()
    own = (
        DefectClass("SF1", "area", "my phase", "#010203"),
        DefectClass("interstitial", "line"),
    )
    made = detection(image, classes=own)
    (found,) = read_results(write_results(tmp_path, image, [made], MODEL))
    assert_same(found, made)
    assert found.class_table["SF1"] == own[0]
    assert {region.kind for region in found.regions} == {"area", "point"}
    assert next(r for r in found.regions if r.kind == "area").perimeter_nm


def test_results_of_earlier_versions_are_read(tmp_path: Path) -> None:
    """They have neither kinds nor centre lines; kinds are those of the names."""
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image)], MODEL)
    (folder / "lines.geojson").unlink()
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    del summary["classes"]
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    rows = (folder / "regions.csv").read_text(encoding="utf-8").splitlines()
    earlier = [",".join(row.split(",")[:13]) for row in rows]
    assert earlier[0].endswith(",max_probability")
    (folder / "regions.csv").write_text("\n".join(earlier) + "\n", encoding="utf-8")
    (found,) = read_results(folder)
    assert [region.kind for region in found.regions] == ["line", "point", "point"]
    assert {region.centre_line for region in found.regions} == {()}
    assert found.regions[0].length_nm == pytest.approx(96 * 0.05, rel=1e-3)


def test_one_frame_of_a_stack_can_be_written_alone(tmp_path: Path) -> None:
    movie = micrograph(frames=3)
    folder = write_results(tmp_path, movie, [detection(movie, 2)], MODEL)
    (found,) = read_results(folder)
    assert_same(found, detection(movie, 2))


@pytest.mark.parametrize("name", sorted(set(RESULT_FILES) - {"overview.png"}))
@pytest.mark.parametrize("content", [b"", b"{}", b"garbage\n" * 9])
def test_damaged_results_are_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image)], MODEL)
    (folder / name).write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_results(folder)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_no_results_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"summary\.json"):
        read_results(tmp_path)
