"""Files of labels by what they hold; what is exported comes back at the same places."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from export_samples import FAULT_X, MIDDLES, SITE, write_sample
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import napari_stem_defects as sd
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import DrawnShape, rows_of
from napari_stem_defects.io.labels.exchange import labels_import
from napari_stem_defects.io.labels.label_files import names_images, read_label_file
from napari_stem_defects.io.results import result_folder

PACKAGES = {"imagej": "roifile", "geojson": "json", "coco": "json"}


@pytest.fixture(autouse=True)
def quick_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))


@pytest.mark.parametrize("format", PACKAGES)
@pytest.mark.parametrize("frames", [None, 2])
def test_an_export_is_imported_at_the_same_places(
    format: str, frames: int | None, tmp_path: Path
) -> None:
    pytest.importorskip(PACKAGES[format])
    result = write_sample(tmp_path, frames=frames)
    (path,) = sd.export(result, format, tmp_path / "files").files
    project = tmp_path / "own.labels"
    labels_import(project, [path], [tmp_path / "lamella.ome.tif"])
    with sd.LabelProject.open(project, read_only=True) as opened:
        kinds = {each.name: each.kind for each in opened.classes}
        labels = opened.labels()
    assert kinds == {"Vac": "point", "SF1": "line", "Ppt": "area"}
    for frame in range(frames or 1):
        mine = [each for each in labels if each.frame == frame]
        points = sorted((each.y, each.x) for each in mine if each.class_name == "Vac")
        expected = [(SITE[0], SITE[1] + 3 * frame), (MIDDLES[1][0], MIDDLES[1][1] + 3 * frame)]
        np.testing.assert_allclose(points, expected, atol=0.5)
        line = [(each.y, each.x) for each in mine if each.class_name == "SF1"]
        assert len(line) == 3  # 90 px, every half patch
        np.testing.assert_allclose([x for _, x in line], FAULT_X, atol=0.5)
        (area,) = (each for each in mine if each.class_name == "Ppt")
        assert 40 <= area.y < 64
        assert 100 <= area.x < 130
        assert not (50 <= area.y < 54 and 110 <= area.x < 114)


def test_a_second_import_adds_nothing(tmp_path: Path) -> None:
    result = write_sample(tmp_path)
    (path,) = sd.export(result, "geojson", tmp_path / "files").files
    image, project = tmp_path / "lamella.ome.tif", tmp_path / "own.labels"
    first = labels_import(project, [path], [image])
    again = labels_import(project, [path], [image])
    assert first.placed == again.present == 6
    assert again.placed == 0


def test_the_kind_of_the_project_holds_before_the_form_drawn(tmp_path: Path) -> None:
    write_sample(tmp_path)
    image, project = tmp_path / "lamella.ome.tif", tmp_path / "own.labels"
    with sd.LabelProject.create(project) as opened:
        opened.add_class("Island", kind="point")
    ring = [[10, 10], [30, 10], [30, 20], [10, 20], [10, 10]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    drawn = {"type": "Feature", "geometry": geometry, "properties": {"name": "Island 1"}}
    path = tmp_path / "drawn.geojson"
    path.write_text(json.dumps(drawn), encoding="utf-8")
    labels_import(project, [path], [image])
    with sd.LabelProject.open(project, read_only=True) as opened:
        assert {each.name: each.kind for each in opened.classes}["Island"] == "point"
        (label,) = opened.labels()
    assert (label.y, label.x) == (14.5, 19.5)


def test_lines_of_a_result_are_labels_too(tmp_path: Path) -> None:
    result = write_sample(tmp_path)
    summary = labels_import(
        tmp_path / "own.labels", [result / "lines.geojson"], [tmp_path / "lamella.ome.tif"]
    )
    assert summary.placed == 3


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "cannot be read"),
        ("7", "is neither GeoJSON, COCO, LabelMe nor Label Studio"),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4], "score": 0.9}]', "is neither GeoJSON, COCO"),
        ('{"type": "Topology"}', "is neither GeoJSON, COCO, LabelMe nor Label Studio"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_other_files_are_one_line(text: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text, encoding="utf-8")
    image = Micrograph(np.zeros((9, 9), np.float32), "a")
    with pytest.raises(LabelError, match=f"a.json: {fault}"):
        read_label_file(path, [image])


def test_the_number_of_images_must_suit(tmp_path: Path) -> None:
    image = Micrograph(np.zeros((9, 9), np.float32), "a")
    geojson, coco = tmp_path / "a.geojson", tmp_path / "coco.json"
    geojson.write_text("[]", encoding="utf-8")
    coco.write_text('{"images": [], "annotations": [], "categories": []}', encoding="utf-8")
    assert read_label_file(geojson, [image]) == [(image, [])]
    for images in ([], [image, image]):
        with pytest.raises(LabelError, match="needs one image; give just that one"):
            read_label_file(geojson, images)
    with pytest.raises(LabelError, match="needs its images; give them with --image"):
        read_label_file(coco, [])


RING = {(y, x) for y in (9.5, 19.5) for x in (29.5, 49.5)}
ABOUT = {"original_width": 120, "original_height": 80}
PROGRAMS: dict[str, tuple[str, object]] = {
    "geojson": (
        "a.geojson",
        {
            "type": "FeatureCollection",
            "features": [
                {
                    "type": "Feature",
                    "geometry": {"type": "Point", "coordinates": [10.5, 20.5]},
                    "properties": {"classification": {"name": "Vac"}},
                },
                {
                    "type": "Feature",
                    "geometry": {
                        "type": "Polygon",
                        "coordinates": [[[30, 10], [50, 10], [50, 20], [30, 20], [30, 10]]],
                    },
                    "properties": {"classification": {"name": "Ppt"}},
                },
            ],
        },
    ),
    "coco": (
        "a.json",
        {
            "images": [{"id": 1, "file_name": "a.png", "height": 80, "width": 120}],
            "categories": [{"id": 1, "name": "Vac"}, {"id": 2, "name": "Ppt"}],
            "annotations": [
                {"image_id": 1, "category_id": 1, "keypoints": [10.5, 20.5, 2], "bbox": []},
                {
                    "image_id": 1,
                    "category_id": 2,
                    "segmentation": [[30, 10, 50, 10, 50, 20, 30, 20]],
                },
            ],
        },
    ),
    "labelme": (
        "a.json",
        {
            "imagePath": "a.png",
            "imageHeight": 80,
            "imageWidth": 120,
            "shapes": [
                {"label": "Vac", "points": [[10.5, 20.5]], "shape_type": "point"},
                {"label": "Ppt", "points": [[30, 10], [50, 20]], "shape_type": "rectangle"},
            ],
        },
    ),
    "label studio": (
        "a.json",
        [
            {
                "data": {"image": "/data/upload/1/0123abcd-a.png"},
                "annotations": [
                    {
                        "result": [
                            {
                                "type": "keypointlabels",
                                "value": {"x": 8.75, "y": 25.625, "keypointlabels": ["Vac"]},
                                **ABOUT,
                            },
                            {
                                "type": "rectanglelabels",
                                "value": {
                                    "x": 25,
                                    "y": 12.5,
                                    "width": 100 / 6,
                                    "height": 12.5,
                                    "rectanglelabels": ["Ppt"],
                                },
                                **ABOUT,
                            },
                        ]
                    }
                ],
            }
        ],
    ),
    "cvat": (
        "a.xml",
        '<annotations><image id="0" name="a.png" width="120" height="80">'
        '<points label="Vac" points="10.50,20.50"/>'
        '<box label="Ppt" xtl="30" ytl="10" xbr="50" ybr="20"/></image></annotations>',
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_one_place_drawn_in_every_program(tmp_path: Path, program: str) -> None:
    name, content = PROGRAMS[program]
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / name).write_text(text, encoding="utf-8")
    image = Micrograph(np.zeros((80, 120), np.float32), "a", path=tmp_path / "a.png")
    ((owner, shapes),) = read_label_file(tmp_path / name, [image])
    assert owner is image
    assert names_images(tmp_path / name) == (program != "geojson")
    point, area = shapes
    assert isinstance(point, DrawnShape)
    assert isinstance(area, DrawnShape)
    assert (point.class_name, point.geometry) == ("Vac", "point")
    np.testing.assert_allclose(point.parts, [[(20, 10)]])
    assert (area.class_name, area.geometry) == ("Ppt", "area")
    assert {(round(y, 6), round(x, 6)) for y, x in area.parts[0]} == RING


def labelled(name: str) -> str:
    size = {"imageHeight": 80, "imageWidth": 120}
    point = {"label": "Vac 1", "points": [[10.5, 20.5]], "shape_type": "point"}
    return json.dumps({"imagePath": name, "shapes": [point], **size})


def test_files_of_other_images_are_refused_beside_each_other(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((80, 120), np.uint8)).save(tmp_path / "a.tif")
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        file.write_text(labelled(f"{file.stem}.png"), encoding="utf-8")
    project, image = tmp_path / "own.labels", tmp_path / "a.tif"
    with pytest.raises(LabelError, match=r"^b.json: knows no image of the given names, but b.png"):
        labels_import(project, files, [image])
    assert not project.exists()
    done = labels_import(project, files[:1], [image])
    assert (done.placed, done.remarks) == (1, ())
    done = labels_import(tmp_path / "other.labels", files[1:], [image])
    assert done.placed == 1
    assert done.text().endswith("; b.json names the image b.png, taken for a.tif")


def places(content: Any) -> list[tuple[Any, ...]]:
    """Return the way to every value in the content of a JSON file."""
    keys: Any = ()
    if isinstance(content, dict):
        keys = content.keys()
    elif isinstance(content, list):
        keys = range(len(content))
    return [(), *((key, *rest) for key in keys for rest in places(content[key]))]


def replaced(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.copy(content)
    changed[place[0]] = replaced(content[place[0]], place[1:], value)
    return changed


def read_and_sample(path: Path) -> None:
    image = Micrograph(np.zeros((80, 120), np.float32), "a", path=path.with_name("a.png"))
    for owner, shapes in read_label_file(path, [image], []):
        rows_of(shapes, {}, owner.frame_shape)


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 5, 1e300, 10**400, float("inf"), float("nan"), "", "7", "a/b", [], {}, [[]]]
)
JSON = st.recursive(
    ODD | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
MORE: dict[str, Any] = {
    "coco": {"segmentation": {"size": [80, 120], "counts": [9000, 20]}, "bbox": [1, 1, 2, 2]},
    "labelme": {"label": "Ppt", "shape_type": "mask", "points": [[1, 2], [3, 4]], "mask": "AAAA"},
}


@pytest.mark.parametrize("program", [name for name in PROGRAMS if name != "cvat"])
@ONE_FOLDER
@given(data=st.data())
def test_any_value_in_place_of_another_is_read_or_one_line(
    tmp_path: Path, program: str, data: st.DataObject
) -> None:
    name, content = PROGRAMS[program]
    whole: Any = copy.deepcopy(content)
    if program in MORE:
        key = "annotations" if program == "coco" else "shapes"
        whole[key].append({"image_id": 1, "category_id": 2, **MORE[program]})
    place = data.draw(st.sampled_from(places(whole)))
    text = json.dumps(replaced(whole, place, data.draw(JSON)))
    (tmp_path / name).write_text(text, encoding="utf-8")
    with suppress(LabelError):
        read_and_sample(tmp_path / name)


NUMBERS = st.lists(st.sampled_from(["1", "-5", "1e400", "nan", "9" * 30, "a", ""]), max_size=4)
TEXTS = st.text(max_size=5) | NUMBERS.map(",".join) | NUMBERS.map(";".join)
FORMS = """<annotations><image id="0" name="a.png" width="120" height="80">
<box label="Ppt" xtl="30" ytl="10" xbr="50" ybr="20" rotation="3"/>
<polyline label="SF" points="0.5,0.5;9.5,4.5"/><polygon label="Ppt" points="1,1;5,1;5,9"/>
<ellipse label="Ppt" cx="40" cy="30" rx="6" ry="6" rotation="0"/>
<mask label="Ppt" rle="1,2,1,1,2,1" left="30" top="10" width="4" height="2"/>
<skeleton label="Core"><points label="1" points="3,3" outside="0"/></skeleton>
</image></annotations>"""


@ONE_FOLDER
@given(data=st.data())
def test_any_attribute_in_place_of_another_is_read_or_one_line(
    tmp_path: Path, data: st.DataObject
) -> None:
    root = ElementTree.fromstring(FORMS)
    attributes = [(element, name) for element in root.iter() for name in element.attrib]
    element, name = data.draw(st.sampled_from(attributes))
    element.set(name, data.draw(TEXTS))
    path = tmp_path / "a.xml"
    path.write_text(ElementTree.tostring(root, "unicode"), encoding="utf-8", errors="replace")
    with suppress(LabelError):
        read_and_sample(path)
