from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import DrawnShape
from napari_stem_defects.io.labels.label_studio_results import (
    is_label_studio,
    label_studio_shapes,
)

PATH = Path("export.json")
# Encoded by label-studio-sdk 2.1.2: a square with a hole and a single px in 9 x 6 px, and nothing
# in 200 x 50 px.
# fmt: off
PAINTED = [
    0, 0, 0, 216, 57, 27, 254, 43, 0, 191, 255, 132, 192, 35, 255, 140, 2, 127, 252, 38, 1, 127,
    255, 19, 128, 71, 255, 137, 192, 0,
]
# fmt: on
UNPAINTED = [0, 0, 156, 64, 57, 27, 255, 156, 63, 0, 0]


def micrograph(name: str) -> Micrograph:
    return Micrograph(np.zeros((50, 200), np.float32), Path(name).stem, path=Path("/data") / name)


def region(kind: str, **value: Any) -> dict[str, Any]:
    size = {"original_width": 200, "original_height": 50}
    return {"type": kind, "value": {kind: ["SF"], **value}, **size}


def task(*regions: dict[str, Any], name: str = "a.png", **more: Any) -> dict[str, Any]:
    return {
        "data": {"image": f"/data/upload/3/0a1b2c3d-{name}"},
        "annotations": [{"result": list(regions), **more}],
    }


def shapes(content: list[dict[str, Any]], *names: str) -> list[list[DrawnShape]]:
    assert is_label_studio(content)
    given = [micrograph(name) for name in names or ("a.dm4",)]
    return [found for _, found in label_studio_shapes(PATH, content, given)]


def test_every_kind_of_region_is_read_in_px() -> None:
    ((point, polygon, box, oval),) = shapes(
        [
            task(
                region("keypointlabels", x=10, y=50, width=1),
                region("polygonlabels", points=[[0, 0], [50, 0], [50, 100]]),
                region("rectanglelabels", x=10, y=20, width=10, height=40, rotation=0),
                region("ellipselabels", x=50, y=50, radiusX=10, radiusY=20, rotation=90),
                {"type": "choices", "value": {"choices": ["good"]}},
            )
        ]
    )
    assert (point.geometry, point.parts) == ("point", [[(24.5, 19.5)]])
    assert polygon.parts == [[(-0.5, -0.5), (-0.5, 99.5), (49.5, 99.5)]]
    assert set(box.parts[0]) == {(y, x) for y in (9.5, 29.5) for x in (19.5, 39.5)}
    extent = np.ptp(oval.parts[0], axis=0)
    np.testing.assert_allclose(extent, (40, 20), atol=0.1)
    assert {each.class_name for each in (point, polygon, box, oval)} == {"SF"}


def test_what_a_brush_painted_is_an_area() -> None:
    stroke = region("brushlabels", rle=PAINTED) | {"original_width": 9, "original_height": 6}
    given = Micrograph(np.zeros((6, 9), np.float32), "a", path=Path("/data/a.dm4"))
    ((_, (found, *_)),) = label_studio_shapes(PATH, [task(stroke)], [given])
    assert (found.class_name, found.geometry) == ("SF", "area")
    assert len(found.parts) == 3
    corners = {position for ring in found.parts for position in ring}
    assert {(0.5, 1.5), (3.5, 5.5), (1.5, 2.5), (2.5, 3.5), (4.5, 7.5)} <= corners


def test_tasks_go_to_the_micrographs_of_their_files() -> None:
    one, other = region("keypointlabels", x=1, y=2), region("keypointlabels", x=3, y=4)
    content = [task(one, name="a.png"), task(other, name="b.png")]
    ((point,),) = shapes(content, "b.png")
    assert point.parts == [[(1.5, 5.5)]]
    with pytest.raises(LabelError, match=r"knows no image of the given names, but a.png, b.png"):
        shapes(content, "c.png")


def test_one_of_several_annotations_has_to_be_marked() -> None:
    several = task(region("keypointlabels", x=1, y=2))
    several["annotations"] += task(region("keypointlabels", x=3, y=4))["annotations"]
    with pytest.raises(LabelError, match="task 1 has several annotations; mark one"):
        shapes([several])
    several["annotations"][0]["ground_truth"] = True
    ((point,),) = shapes([several])
    assert point.parts == [[(0.5, 1.5)]]
    several["annotations"][0] |= {"ground_truth": False, "was_cancelled": True}
    ((point,),) = shapes([several])
    assert point.parts == [[(1.5, 5.5)]]


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (region("bitmasklabels"), "'bitmasklabels', which has no outline; draw"),
        (region("brushlabels", rle=[1, 2]), "is damaged .*ends early"),
        (region("brushlabels"), "is damaged"),
        (region("brushlabels", rle=UNPAINTED), "region 2 has no painted px; remove it"),
        (region("keypointlabels", x=1, y=2) | {"image_rotation": 90}, "on a turned image; turn"),
        (region("keypointlabels", x=1), "is damaged"),
        (region("keypointlabels", x=1, y=float("nan")), "is damaged"),
        (region("keypointlabels", x=1, y=2, keypointlabels=[]), "is damaged"),
        ({"type": "keypointlabels", "value": {}}, "is damaged"),
        (7, "is damaged"),
    ],
)
def test_a_region_that_cannot_be_read_is_named(broken: Any, fault: str) -> None:
    with pytest.raises(LabelError, match="export.json: .*" + fault):
        shapes([task(region("keypointlabels", x=1, y=2), broken)])


def test_labels_that_end_in_a_number_are_classes_of_their_own() -> None:
    names = ["Sigma 3", "Sigma 5", "SF_1"]
    drawn = [region("keypointlabels", x=1, y=2, keypointlabels=[name]) for name in names]
    (found,) = shapes([task(*drawn)])
    assert [each.class_name for each in found] == names


def test_a_label_that_is_no_class_is_named_with_its_region() -> None:
    with pytest.raises(LabelError, match=r"^export.json: task 1, region 1: class name 'a/b'.*rena"):
        shapes([task(region("keypointlabels", x=1, y=2, keypointlabels=["a/b"]))])


def test_a_task_without_an_image_is_named() -> None:
    with pytest.raises(LabelError, match=r"export.json: is damaged .*task 2 names no image"):
        shapes([task(), task() | {"data": {}}])


def test_lists_of_features_are_not_taken_for_tasks() -> None:
    assert not is_label_studio([])
    assert not is_label_studio([{"type": "Feature"}])
