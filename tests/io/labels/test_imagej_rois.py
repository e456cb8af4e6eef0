"""ROIs that roifile writes, as ImageJ does, are read at the same places."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.imagej_rois import read_imagej_rois

roifile = pytest.importorskip("roifile")


def roi(name: str, kind: str, points: Any, **about: Any) -> Any:
    made = roifile.ImagejRoi.frompoints(np.array(points), name=name, **about)
    made.roitype = roifile.ROI_TYPE[kind]
    return made


def test_points_and_lines_count_from_the_centre_and_areas_from_the_corner(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    rois = [
        roi("Vac 1", "POINT", [[10.25, 20.5], [30.0, 40.0]]),
        roi("SF 2", "POLYLINE", [[5.0, 6.0], [50.0, 60.0]], t=3),
        roi("Ppt", "POLYGON", [[10, 20], [14, 20], [14, 30], [10, 30]], position=2),
    ]
    roifile.roiwrite(path, rois)
    point, line, area = read_imagej_rois(path)
    assert (point.class_name, point.geometry, point.frame) == ("Vac", "point", 0)
    assert point.parts == [[(20.5, 10.25), (40, 30)]]
    assert (line.class_name, line.geometry, line.frame) == ("SF", "line", 3)
    assert line.parts == [[(6, 5), (60, 50)]]
    assert (area.class_name, area.geometry, area.frame) == ("Ppt", "area", 2)
    assert area.parts == [[(19.5, 9.5), (19.5, 13.5), (29.5, 13.5), (29.5, 9.5)]]
    assert area.kind is None


def test_rectangles_ovals_and_straight_lines(tmp_path: Path) -> None:
    made = []
    for name, kind in (("A 1", "RECT"), ("B 1", "OVAL"), ("C 1", "LINE")):
        each = roifile.ImagejRoi(roitype=roifile.ROI_TYPE[kind], name=name)
        each.top, each.left, each.bottom, each.right = 10, 20, 30, 60
        each.x1, each.y1, each.x2, each.y2 = 1.5, 2.5, 30.0, 40.0
        made.append(each)
    path = tmp_path / "set.zip"
    roifile.roiwrite(path, made)
    rectangle, oval, line = read_imagej_rois(path)
    assert {tuple(corner) for corner in rectangle.parts[0]} == {
        (y, x) for y in (9.5, 29.5) for x in (19.5, 59.5)
    }
    middle = np.mean(oval.parts[0][:-1], axis=0)
    np.testing.assert_allclose(middle, (19.5, 39.5), atol=0.5)
    assert (line.geometry, line.parts) == ("line", [[(2.5, 1.5), (40, 30)]])


@pytest.mark.parametrize("kind", ["RECT", "OVAL"])
def test_rectangles_and_ovals_between_pixels(tmp_path: Path, kind: str) -> None:
    drawn = roifile.ImagejRoi(roitype=roifile.ROI_TYPE[kind], name="A 1")
    drawn.version, drawn.options = 228, roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    # ImageJ stores the pixels that a box touches, and the box itself.
    drawn.top, drawn.left, drawn.bottom, drawn.right = 10, 20, 16, 27
    drawn.xd, drawn.yd, drawn.widthd, drawn.heightd = 20.25, 10.5, 6.5, 5.25
    path = tmp_path / "one.roi"
    path.write_bytes(drawn.tobytes())
    (shape,) = read_imagej_rois(path)
    outline = np.array(shape.parts[0])
    np.testing.assert_allclose(outline.min(axis=0), (10, 19.75), atol=0.01)
    np.testing.assert_allclose(outline.max(axis=0), (15.25, 26.25), atol=0.01)


def test_a_box_in_whole_pixels_is_taken_where_no_other_is_stored(tmp_path: Path) -> None:
    drawn = roifile.ImagejRoi(roitype=roifile.ROI_TYPE.RECT, name="A 1")
    drawn.options = roifile.ROI_OPTIONS.OVERLAY_LABELS
    drawn.top, drawn.left, drawn.bottom, drawn.right = 10, 20, 16, 27
    path = tmp_path / "one.roi"
    path.write_bytes(drawn.tobytes())
    (shape,) = read_imagej_rois(path)
    assert np.array(shape.parts[0]).max(axis=0).tolist() == [15.5, 26.5]


def test_a_single_roi_and_its_properties(tmp_path: Path) -> None:
    single = roi("7", "POINT", [[1.0, 2.0]])
    single.properties = {"class": "Vac", "kind": "point"}
    path = tmp_path / "one.roi"
    path.write_bytes(single.tobytes())
    (shape,) = read_imagej_rois(path)
    assert (shape.class_name, shape.kind) == ("Vac", "point")


def test_a_roi_without_a_class_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    roifile.roiwrite(path, [roi("0012-0034", "POINT", [[1.0, 2.0]])])
    with pytest.raises(LabelError, match=r"set.zip: ROI '0012-0034' names no class .*name ROIs as"):
        read_imagej_rois(path)


def test_damaged_and_empty_files_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(b"PK nothing")
    with pytest.raises(LabelError, match=r"set.zip: cannot be read"):
        read_imagej_rois(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.txt", "text")
    with pytest.raises(LabelError, match="holds no ROIs of ImageJ; save them from the ROI Manager"):
        read_imagej_rois(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("images/a.png", "")
        file.writestr("annotations.xml", "<annotations/>")
    with pytest.raises(LabelError, match=r"no ROIs of ImageJ; unpack it and give annotations\.xml"):
        read_imagej_rois(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.roi", roi("Vac 1", "POINT", [[1.0, 2.0]]).tobytes()[:30])
    with pytest.raises(LabelError, match="cannot be read"):
        read_imagej_rois(path)
    with pytest.raises(LabelError, match="cannot be read"):
        read_imagej_rois(tmp_path / "none.roi")
