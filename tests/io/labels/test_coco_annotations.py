"""COCO files, with encodings made by pycocotools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels import coco_annotations
from napari_stem_defects.io.labels.coco_annotations import coco_shapes

PATH = Path("coco.json")
# pycocotools 2.0.11 does what numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def micrograph(name: str = "a", shape: tuple[int, int] = (40, 50)) -> Micrograph:
    return Micrograph(np.zeros(shape, np.float32), name, path=Path(f"/data/{name}.tif"))


def content(annotations: list[dict[str, Any]], **category: Any) -> dict[str, Any]:
    images = [
        {"id": 7, "file_name": "some\\folder/a.tif", "height": 40, "width": 50},
        {"id": 9, "file_name": "b.tif", "height": 40, "width": 50, "frame": 3},
    ]
    return {
        "images": images,
        "categories": [{"id": 3, "name": "Vac"} | category],
        "annotations": [{"category_id": 3, "image_id": 7, **each} for each in annotations],
    }


def test_polygons_boxes_and_runs_are_read() -> None:
    mask = np.zeros((40, 50), np.uint8)
    mask[5:9, 10:20] = 1
    runs = {"size": [40, 50], "counts": [405, *([4, 36] * 9), 4, 1231]}
    annotations = [
        {"segmentation": [[10, 5, 20, 5, 20, 9, 10, 9]], "bbox": [10, 5, 10, 4]},
        {"segmentation": runs, "bbox": [10, 5, 10, 4]},
        {"bbox": [10, 5, 10, 4]},
        {"segmentation": [], "bbox": [10, 5, 10, 4]},
    ]
    ((owner, shapes),) = coco_shapes(PATH, content(annotations), [micrograph()])
    assert owner.name == "a"
    corners = {(y, x) for y in (4.5, 8.5) for x in (9.5, 19.5)}
    assert [set(shape.parts[0]) for shape in shapes[:2]] == [corners, corners]
    assert [shape.geometry for shape in shapes] == ["area", "area", "point", "point"]
    assert shapes[2].parts == [[(6.5, 14.5)]]


def test_keypoints_that_were_labelled_are_points() -> None:
    annotations = [
        {"keypoints": [3.5, 4.5, 2, 0, 0, 0, 7.5, 8.5, 1], "bbox": [3, 4, 5, 5]},
        {"keypoints": [0, 0, 0], "bbox": [10, 5, 10, 4]},
        {"keypoints": [3.5, 4.5, 2], "segmentation": [[0, 0, 4, 0, 4, 4]], "bbox": [0, 0, 4, 4]},
    ]
    ((_, shapes),) = coco_shapes(PATH, content(annotations), [micrograph()])
    assert [shape.geometry for shape in shapes] == ["point", "point", "area"]
    assert shapes[0].parts == [[(4, 3), (8, 7)]]
    assert shapes[1].parts == [[(6.5, 14.5)]]


def test_annotations_go_to_the_micrograph_of_their_file_name() -> None:
    annotations = [{"bbox": [0, 0, 1, 1]}, {"bbox": [0, 0, 1, 1], "image_id": 9}]
    found = coco_shapes(PATH, content(annotations), [micrograph("b"), micrograph("a")])
    assert [(owner.name, [each.frame for each in shapes]) for owner, shapes in found] == [
        ("b", [3]),
        ("a", [0]),
    ]
    assert len(coco_shapes(PATH, content(annotations), [micrograph("b")])) == 1


def test_stated_sites_and_lines_hold_before_the_outline() -> None:
    outline = [[0, 0, 9, 0, 9, 9]]
    given = content([{"segmentation": outline, "attributes": {"site": [5.5, 6.5]}}], kind="point")
    ((_, (point,)),) = coco_shapes(PATH, given, [micrograph()])
    assert (point.geometry, point.kind, point.parts) == ("point", "point", [[(6, 5)]])
    about = {"centre_line": [[1.5, 2.5], [3.5, 4.5]]}
    given = content([{"segmentation": outline, "attributes": about}], kind="line")
    ((_, (line,)),) = coco_shapes(PATH, given, [micrograph()])
    assert (line.geometry, line.parts) == ("line", [[(2, 1), (4, 3)]])


@given(arrays(np.uint8, (30, 20), elements=st.integers(0, 1)))
def test_compressed_runs_are_those_of_pycocotools(mask: NDArray[np.uint8]) -> None:
    codes = pytest.importorskip("pycocotools.mask")
    encoded = codes.encode(np.asfortranarray(mask))
    for counts in (encoded["counts"], encoded["counts"].decode()):
        found = coco_annotations._mask({"size": [30, 20], "counts": counts}, (30, 20))
        np.testing.assert_array_equal(found, mask)


@pytest.mark.parametrize(
    "broken",
    [
        {"bbox": [0, 0]},
        {"segmentation": {"size": [1, 1], "counts": [1]}},
        {"segmentation": {"size": [40, 50], "counts": [9999]}},
        {"segmentation": [["a", "b"]]},
        {"segmentation": [[1, 2, 3]]},
        {"bbox": [0, 0, 1, 1], "category_id": 99},
    ],
)
def test_a_damaged_annotation_is_named(broken: dict[str, Any]) -> None:
    good = {"bbox": [0, 0, 1, 1]}
    with pytest.raises(LabelError, match=r"coco.json: annotation 2 is damaged .*; correct or"):
        coco_shapes(PATH, content([good, broken]), [micrograph()])


def test_a_category_that_is_no_class_is_named() -> None:
    for fault, about in (("its label 5 is no text", {"name": 5}), ("a/b", {"name": "a/b"})):
        given = content([{"bbox": [0, 0, 1, 1]}], **about)
        with pytest.raises(LabelError, match=f"^coco.json: category 3: .*{fault}"):
            coco_shapes(PATH, given, [micrograph()])
        given["annotations"] = []
        assert coco_shapes(PATH, given, [micrograph()]) == []
    given = content([{"bbox": [0, 0, 1, 1]}], name="Sigma 3 ")
    ((_, (shape,)),) = coco_shapes(PATH, given, [micrograph()])
    assert shape.class_name == "Sigma 3"


def test_other_images_and_sizes_are_refused() -> None:
    with pytest.raises(LabelError, match=r"knows no image of the given names, but a.tif, b.tif;"):
        coco_shapes(PATH, content([]), [micrograph("c")])
    with pytest.raises(LabelError, match=r"a.tif has 50x40 px there; the image given has 9x8;"):
        coco_shapes(PATH, content([]), [micrograph("a", (8, 9))])
    with pytest.raises(LabelError, match="is damaged"):
        coco_shapes(PATH, {"images": 3, "annotations": []}, [micrograph()])
