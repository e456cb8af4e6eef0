"""COCO files, read back with pycocotools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from export_samples import BLOCK, SITE, masks, write_sample
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

import napari_stem_defects as sd
from napari_stem_defects.io.export.coco import run_lengths
from napari_stem_defects.postprocessing.outlines import trace_outlines

coco = pytest.importorskip("pycocotools.coco")
codes = pytest.importorskip("pycocotools.mask")
# pycocotools 2.0.11 does what numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def opened(path: Path) -> Any:
    return coco.COCO(str(path))


def test_masks_boxes_and_areas_are_those_of_the_result(result: Path, tmp_path: Path) -> None:
    (path,) = sd.export(result, "coco", tmp_path / "out").files
    found = opened(path)
    (image,) = found.loadImgs(found.getImgIds())
    assert (image["file_name"], image["height"], image["width"]) == ("lamella.ome.tif", 90, 140)
    names = {each["id"]: each["name"] for each in found.loadCats(found.getCatIds())}
    drawn = {name: np.zeros((90, 140), np.uint8) for name in ("Vac", "SF1", "Ppt")}
    for each in found.loadAnns(found.getAnnIds()):
        mask = found.annToMask(each)
        assert mask.sum() == each["area"]
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        box = [columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert each["bbox"] == box
        drawn[names[each["category_id"]]] |= mask
    for mask, expected in zip(drawn.values(), masks(), strict=False):
        np.testing.assert_array_equal(mask, expected)


def test_points_state_their_measured_site_and_lines_their_centre_line(
    result: Path, tmp_path: Path
) -> None:
    found = opened(sd.export(result, "coco", tmp_path / "out").files[0])
    by_class = {
        found.loadCats([each["category_id"]])[0]["name"]: each["attributes"]
        for each in reversed(found.loadAnns(found.getAnnIds()))
    }
    assert by_class["Vac"]["site"] == [SITE[1] + 0.5, SITE[0] + 0.5]
    assert by_class["SF1"]["centre_line"][0][0] == pytest.approx(60.5, abs=0.5)
    assert by_class["Ppt"]["area_px"] == (BLOCK[0].stop - BLOCK[0].start) * 30 - 16


def test_all_images_and_frames_share_the_categories(tmp_path: Path) -> None:
    write_sample(tmp_path / "a")
    write_sample(tmp_path / "b", "series", frames=2)
    found = opened(sd.export([tmp_path / "a", tmp_path / "b"], "coco", tmp_path / "out").files[0])
    assert len(found.getImgIds()) == 3
    assert [each["frame"] for each in found.loadImgs(found.getImgIds())] == [0, 0, 1]
    assert len(found.getCatIds()) == 4  # three classes and unknown
    assert all(len(found.getAnnIds(imgIds=[number])) == 4 for number in found.getImgIds())


@given(arrays(np.uint8, (6, 5), elements=st.integers(0, 1)).filter(lambda mask: mask.any()))
def test_run_lengths_are_those_of_pycocotools(mask: NDArray[np.uint8]) -> None:
    polygons = trace_outlines(mask)[1]
    encoded = run_lengths(polygons, (6, 5))
    assert encoded["size"] == [6, 5]
    assert sum(encoded["counts"]) == 30
    np.testing.assert_array_equal(codes.decode(codes.frPyObjects(encoded, 6, 5)), mask)
