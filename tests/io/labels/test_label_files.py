"""Files of labels by what they hold; what is exported comes back at the same places."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from export_samples import FAULT_X, MIDDLES, SITE, write_sample
from PIL import Image

import napari_stem_defects as sd
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.drawn_shapes import DrawnShape
from napari_stem_defects.io.labels.exchange import labels_import
from napari_stem_defects.io.labels.label_files import is_label_file, read_label_file
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
        with pytest.raises(LabelError, match="it needs one image; give just that one"):
            read_label_file(geojson, images)
    with pytest.raises(LabelError, match="needs its images; give them with --image"):
        read_label_file(coco, [])


def test_folders_of_patches_are_no_label_files(tmp_path: Path) -> None:
    folder = tmp_path / "patches.zip"
    folder.mkdir()
    assert not is_label_file(folder)
    assert not is_label_file(tmp_path / "patches")
    assert all(is_label_file(tmp_path / f"a{end}") for end in (".csv", ".ZIP", ".roi", ".geojson"))


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
    point, area = shapes
    assert isinstance(point, DrawnShape)
    assert isinstance(area, DrawnShape)
    assert (point.class_name, point.geometry) == ("Vac", "point")
    np.testing.assert_allclose(point.parts, [[(20, 10)]])
    assert (area.class_name, area.geometry) == ("Ppt", "area")
    assert {(round(y, 6), round(x, 6)) for y, x in area.parts[0]} == RING
