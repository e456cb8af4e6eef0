"""Zips of ROIs, read back with roifile and drawn by ImageJ's rules."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from export_samples import BLOCK, FAULT_X, HOLE, SHAPE, SITE, masks
from matplotlib.path import Path as DrawnPath
from numpy.typing import NDArray

import napari_stem_defects as sd

roifile = pytest.importorskip("roifile")


def rois_in(path: Path) -> dict[str, roifile.ImagejRoi]:
    return {roi.name: roi for roi in roifile.roiread(path)}


def pixels(roi: roifile.ImagejRoi) -> NDArray[np.bool_]:
    """Return the pixels of an area: those whose centre, at half a pixel, lies inside (even-odd)."""
    y, x = np.indices(SHAPE) + 0.5
    centres = np.column_stack([x.ravel(), y.ravel()])
    inside = np.zeros(SHAPE, bool)
    for ring in roi.coordinates(multi=True):
        inside ^= DrawnPath(ring).contains_points(centres).reshape(SHAPE)
    return inside


def test_each_kind_has_its_selection_at_the_place_of_the_defect(
    result: Path, tmp_path: Path
) -> None:
    (path,) = sd.export(result, "imagej", tmp_path / "out").files
    assert path.name == "lamella_rois.zip"
    rois = rois_in(path)
    assert sorted(rois) == ["Ppt 1", "SF1 1", "Vac 1", "Vac 2"]
    # ImageJ counts points and lines from the centre of the first pixel, as the results do.
    assert rois["Vac 1"].roitype == roifile.ROI_TYPE.POINT
    np.testing.assert_allclose(rois["Vac 1"].coordinates(), [SITE[::-1]])
    np.testing.assert_allclose(rois["Vac 2"].coordinates(), [[30, 70]], atol=0.1)
    fault = rois["SF1 1"]
    assert fault.roitype == roifile.ROI_TYPE.POLYLINE
    np.testing.assert_allclose(fault.coordinates()[:, 0], FAULT_X, atol=0.5)
    assert np.ptp(fault.coordinates()[:, 1]) > SHAPE[0] - 8
    assert not rois["SF1 1"].position
    np.testing.assert_array_equal(pixels(rois["Ppt 1"]), masks()[2])


def test_selections_have_names_colours_and_what_was_measured(result: Path, tmp_path: Path) -> None:
    rois = rois_in(sd.export(result, "imagej", tmp_path / "out").files[0])
    assert rois["Vac 1"].stroke_color == bytes.fromhex("ffd55e00")
    assert rois["Ppt 1"].stroke_color == bytes.fromhex("ff009e73")
    assert rois["Vac 1"].properties == {
        "class": "Vac",
        "kind": "point",
        "region": 1,
        "sublattice": "A",
    }


def test_frames_of_a_stack_are_positions_from_one(series: Path, tmp_path: Path) -> None:
    rois = rois_in(sd.export(series, "imagej", tmp_path / "out").files[0])
    assert len(rois) == 12
    assert {rois[name].position for name in ("Vac 1", "frame 1 Vac 1", "frame 2 Vac 1")} == {
        1,
        2,
        3,
    }
    moved = rois["frame 2 Vac 1"].coordinates() - rois["Vac 1"].coordinates()
    np.testing.assert_allclose(moved, [[6, 0]], atol=1e-4)


def test_outlines_are_the_pixels_of_every_kind(result: Path, tmp_path: Path) -> None:
    rois = rois_in(sd.export(result, "imagej", tmp_path / "out", outlines=True).files[0])
    expected = masks()
    drawn = pixels(rois["Vac 1"]) | pixels(rois["Vac 2"])
    np.testing.assert_array_equal(drawn, expected[0])
    np.testing.assert_array_equal(pixels(rois["SF1 1"]), expected[1])
    assert (rois["SF1 1"].left, rois["SF1 1"].right) == (FAULT_X - 3, FAULT_X + 4)
    composite = rois["Ppt 1"]
    assert composite.composite
    assert (composite.top, composite.left) == (BLOCK[0].start, BLOCK[1].start)
    assert (composite.bottom, composite.right) == (BLOCK[0].stop, BLOCK[1].stop)
    assert not pixels(composite)[HOLE].any()


def test_names_in_the_zip_are_unique_files(series: Path, tmp_path: Path) -> None:
    (path,) = sd.export(series, "imagej", tmp_path / "out").files
    with zipfile.ZipFile(path) as file:
        names = file.namelist()
        assert file.testzip() is None
    assert len(set(names)) == len(names) == 12
    assert all(name.endswith(".roi") for name in names)
