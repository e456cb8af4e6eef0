"""The manifest, read and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scored_images import write_manifest

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.scoring.manifest import read_manifest

MANIFESTS = sorted((Path(__file__).parents[3] / "benchmarks" / "manifests").glob("*.json"))


def test_a_manifest_is_read(tmp_path: Path) -> None:
    manifest = read_manifest(write_manifest(tmp_path))
    assert manifest.name == "small"
    assert [each.name for each in manifest.images] == ["a", "b"]
    assert [each.path for each in manifest.images[0].files()] == [
        "a.tif",
        "a_points.csv",
        "a_lines.geojson",
    ]
    assert manifest.own_name("vacancy") == "Vac"
    assert manifest.own_name("other") == "other"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_manifests_of_the_project_are_read(path: Path) -> None:
    assert read_manifest(path).images


def test_the_project_has_manifests() -> None:
    assert [path.name for path in MANIFESTS] == [
        "foreign.json",
        "platinum.json",
        "simulated.json",
        "wse2.json",
    ]


def changed(path: Path, key: str, value: Any) -> None:
    content = json.loads(path.read_text("utf-8"))
    target, *keys = [content, *key.split(".")]
    for each in keys[:-1]:
        target = target[int(each) if each.isdigit() else each]
    if value is None:
        del target[keys[-1]]
    else:
        target[keys[-1]] = value
    path.write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("schema", 2, "has schema 2, not 1"),
        ("images", None, "lacks 'images'"),
        ("images", [], "lists no class or no image"),
        ("images", {"a": {}}, "images is no list"),
        ("images", ["a.tif"], "image 1 is no object"),
        ("images.0.name", None, "image 1 lacks 'name'"),
        ("images.0.height_px", None, "image 'a' lacks 'height_px'"),
        ("images.0.image", None, "image 'a' lacks 'image'"),
        ("images.0.image", 3, "a file of 'a' is no object"),
        ("images.0.image.path", None, "a file of 'a' lacks 'path'"),
        ("images.0.pixel_size", 0.02, "image 'a' has 'pixel_size', which has no meaning"),
        ("images.0.tolerance_nm", 0.0001, "0.005 px of 64 x 48; are tolerance_nm and"),
        ("images.0.tolerance_nm", 60, "3e+03 px of 64 x 48; are tolerance_nm and"),
        ("images.0.labelled_part", [0, 0, 65, 48], "not [top, left, bottom, right]"),
        ("images.0.labelled_part", 5, "not [top, left, bottom, right]"),
        ("images.0.classes", "Vac", "classes of 'a' is no list of names"),
        ("images.1.masks", ["Vac"], "masks of 'b' is no object"),
        ("classes", ["Vac"], "classes is no object"),
        ("classes.SF", "line", "class 'SF' is no object"),
        ("classes.SF.kind", None, "class 'SF' lacks 'kind'"),
        ("classes.Vac.also_named", "vacancy", "also_named of 'Vac' is no list of names"),
        ("classes.Vac.also_name", ["vacancy"], "class 'Vac' has 'also_name'"),
        ("images.0.pixel_size_nm", 0, "not a number above 0"),
        ("images.0.tolerance_nm", "1 nm", "not a number above 0"),
        ("images.0.image.sha256", "12", "not 64 digits"),
        ("images.0.image.path", "../a.tif", "leads out of the data folder"),
        ("images.0.classes", ["Zn"], "class 'Zn', which is not listed"),
        ("images.1.classes", ["SF"], "no file with the 'SF' it lists"),
        ("images.1.name", "a", "two images have one name"),
        ("classes.SF.kind", "curve", "kinds are point, line, area"),
        ("classes.SF.also_named", ["vacancy"], "belongs to more than one class"),
        ("images.0.known", "no", "not true or false"),
    ],
)
def test_a_bad_manifest_is_one_line(tmp_path: Path, key: str, value: Any, fault: str) -> None:
    path = write_manifest(tmp_path)
    changed(path, key, value)
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    assert fault in str(caught.value)
    assert str(caught.value).startswith("manifest.json: ")
    assert "\n" not in str(caught.value)


def test_files_of_ones_own_need_a_path_alone(tmp_path: Path) -> None:
    path = write_manifest(tmp_path)
    for key in ("licence", "group", "points.url", "points.sha256"):
        changed(path, f"images.1.{key}", None)
    changed(path, "images.1.image", "b.tif")
    image = read_manifest(path).images[1]
    assert (image.group, image.licence) == ("b", "")
    assert [(each.path, each.url, each.sha256) for each in image.files()] == [
        ("b.tif", "", ""),
        ("b_points.csv", "", ""),
    ]


def test_where_json_ends_is_stated(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text('{"schema": 1,\n "name": "a",}', "utf-8")
    with pytest.raises(InputError, match=r"is no JSON object \(line 2, column 1[34]: "):
        read_manifest(path)


def test_what_is_no_manifest_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    with pytest.raises(InputError, match=r"m\.json: there is no such manifest"):
        read_manifest(path)
    for text in ("no JSON", "[1]"):
        path.write_text(text, "utf-8")
        with pytest.raises(InputError, match=r"m\.json: is no JSON object"):
            read_manifest(path)


def test_rows_without_a_class_need_one_class_of_points(tmp_path: Path) -> None:
    path = write_manifest(tmp_path)
    content = json.loads(path.read_text("utf-8"))
    content["images"][1]["class_column"] = None
    path.write_text(json.dumps(content), "utf-8")
    assert read_manifest(path).images[1].class_column is None
    content["classes"]["Core"] = {"kind": "point"}
    content["images"][1]["classes"] = ["Vac", "Core"]
    path.write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match="class_column of 'b' is null, but 2 classes are points"):
        read_manifest(path)
