"""Shapes by kind, their names and colours, and what was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from export_samples import SITE

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.io.export.exported_results import read_results_to_export
from napari_stem_defects.io.export.shapes import measured, rgb, shapes, site


def test_each_kind_has_its_shape(result: Path) -> None:
    (image,), _ = read_results_to_export([result])
    (frame,) = image.frames()
    found = {each.name: each for each in shapes(image, frame)}
    assert found["Vac 1"].point == SITE
    assert found["SF1 1"].line
    assert found["SF1 1"].point is None
    assert len(found["Ppt 1"].polygons[0].holes) == 1
    with_outlines = list(shapes(image, frame, outlines=True))
    assert all(each.polygons for each in with_outlines)
    assert [each.name for each in with_outlines] == list(found)


def test_a_line_without_a_centre_line_is_its_outline(result: Path) -> None:
    (image,), _ = read_results_to_export([result])
    (frame,) = image.frames()
    regions = tuple(replace(each, centre_line=()) for each in frame.regions)
    found = {each.name: each for each in shapes(image, replace(frame, regions=regions))}
    assert found["SF1 1"].polygons


def test_what_has_no_pixels_is_a_point(result: Path) -> None:
    (image,), _ = read_results_to_export([result])
    (frame,) = image.frames()
    empty = {name: 0 * mask for name, mask in frame.masks.items()}
    found = {each.name: each for each in shapes(image, replace(frame, masks=empty), outlines=True)}
    assert found["Ppt 1"].point is not None
    assert found["SF1 1"].line


def test_site_and_measurements(result: Path) -> None:
    (image,), _ = read_results_to_export([result])
    first, second = (each for each in image.regions if each.class_name == "Vac")
    assert site(first) == SITE
    assert site(second) == (second.y_px, second.x_px)
    numbers, texts = measured(first)
    assert numbers["site_y_px"] == SITE[0]
    assert texts == {"sublattice": "A"}
    assert "width_nm" not in numbers
    assert rgb(DefectClass("X", colour="#0180ff")) == (1, 128, 255)
