"""Result files have standard formats that other programs read."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, get_args, get_type_hints
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
from PIL import Image
from result_samples import CLASSES, MODEL, detection, micrograph

from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.formats import (
    REGION_COLUMNS,
    REGION_TEXTS,
    REGION_WHOLE_NUMBERS,
    read_regions,
    write_regions,
)
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.postprocessing.results import Region

if TYPE_CHECKING:
    pass

HEADER = (
    "image,frame,class,region,y_px,x_px,y_nm,x_nm,area_px,area_nm2,length_nm"
    ",mean_probability,max_probability,kind,width_nm,direction_deg,perimeter_nm"
    ",site_y_px,site_x_px,intensity_ratio,intensity_ratio_error,sublattice"
    ",geometry,looks_like,geometry_note,misorientation_deg,shift_y_nm,shift_x_nm,shift_error_nm"
    ",shift_a,shift_b,shifted_layers,plane"
)


@pytest.fixture(autouse=True)
def quick_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: test_overview.py looks at the picture."""
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))


@pytest.mark.parametrize(("frames", "axes"), [(None, "CYX"), (2, "TCYX")])
def test_masks_are_ome_tiff_with_pixel_size(tmp_path: Path, frames: int | None, axes: str) -> None:
    image = micrograph(frames=frames)
    found = [detection(image, i) for i in range(frames or 1)]
    path = write_results(tmp_path, image, found, MODEL) / "masks.ome.tif"
    with tifffile.TiffFile(path) as file:
        assert file.is_ome
        series = file.series[0]
        assert (series.axes, series.dtype) == (axes, np.uint8)
        assert series.shape[-3:] == (4, 96, 128)
        assert file.pages[0].compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        tree = ElementTree.fromstring(file.ome_metadata)
    pixels = next(node for node in tree.iter() if node.tag.endswith("}Pixels"))
    assert float(pixels.get("PhysicalSizeX")) == float(pixels.get("PhysicalSizeY")) == 0.05
    assert pixels.get("PhysicalSizeXUnit") == pixels.get("PhysicalSizeYUnit") == "nm"
    names = [node.get("Name") for node in tree.iter() if node.tag.endswith("}Channel")]
    assert names == [*CLASSES[1:], "unknown"]
    annotation = {node.get("K"): node.text for node in tree.iter() if node.tag.endswith("}M")}
    assert (annotation["model"], annotation["model_sha256"]) == (MODEL["name"], MODEL["sha256"])
    assert annotation["image_sha256"] == image.sha256
    assert json.loads(annotation["parameters"])["thresholds"] == found[0].parameters["thresholds"]
    assert set(np.unique(tifffile.imread(path))) == {0, 1}


def test_masks_without_pixel_size_have_none(tmp_path: Path) -> None:
    image = micrograph()
    path = write_results(tmp_path, image, [detection(image, nm=None)], MODEL) / "masks.ome.tif"
    with tifffile.TiffFile(path) as file:
        assert "PhysicalSize" not in file.ome_metadata


def test_napari_opens_the_masks(tmp_path: Path) -> None:
    image = micrograph()
    path = write_results(tmp_path, image, [detection(image)], MODEL) / "masks.ome.tif"
    read = pytest.importorskip("napari_builtins.io").napari_get_reader(str(path))
    (layer,) = read(str(path))
    np.testing.assert_array_equal(layer[0], detection(image).masks)


def test_probabilities_open_with_plain_numpy(tmp_path: Path) -> None:
    movie = micrograph(frames=2)
    folder = write_results(tmp_path, movie, [detection(movie, i) for i in range(2)], MODEL)
    with np.load(folder / "probability.npz", allow_pickle=False) as stored:
        assert set(stored.files) == {"probability", "y", "x", "classes", "called"}
        assert stored["probability"].dtype == np.float32
        assert stored["probability"].shape == (2, 4, 12, 16)
        assert stored["called"].shape == (2, 12, 16)
        assert stored["classes"].tolist() == list(CLASSES)
        assert (stored["y"][0], stored["x"][-1]) == (3, 123)


def test_names_that_look_like_formulas_are_written_as_text_and_read_back(tmp_path: Path) -> None:
    region = detection(micrograph()).regions[0]
    odd = replace(region, image="=HYPERLINK(1).tif", class_name="@SF1", y_px=-0.5)
    write_regions(tmp_path / "regions.csv", [odd])
    row = next(csv.DictReader((tmp_path / "regions.csv").read_text(encoding="utf-8").splitlines()))
    assert (row["image"], row["class"]) == ("'=HYPERLINK(1).tif", "'@SF1")
    assert row["y_px"] == "-0.5"
    (found,) = read_regions(tmp_path / "regions.csv")
    assert (found.image, found.class_name) == ("=HYPERLINK(1).tif", "@SF1")


def test_regions_have_the_agreed_columns(tmp_path: Path) -> None:
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image, nm=None)], MODEL)
    lines = (folder / "regions.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == HEADER
    first = next(csv.DictReader(lines))
    assert (first["class"], first["region"], first["frame"]) == ("SF1", "1", "0")
    assert first["y_nm"] == first["length_nm"] == first["area_nm2"] == ""
    (found,) = read_results(folder)
    assert found.regions[0].length_nm is None


def test_tables_of_every_earlier_form_are_read(tmp_path: Path) -> None:
    found = detection(micrograph()).regions
    measured = [replace(each, site_y_px=1.5, sublattice="A") for each in found]
    write_regions(tmp_path / "all.csv", measured)
    rows = (tmp_path / "all.csv").read_text(encoding="utf-8").splitlines()
    for columns in (13, 14, 17, 19, len(REGION_COLUMNS)):
        short = "\n".join(",".join(row.split(",")[:columns]) for row in rows)
        (tmp_path / "short.csv").write_text(f"{short}\n", encoding="utf-8")
        read = read_regions(tmp_path / "short.csv")
        assert [each.class_name for each in read] == [each.class_name for each in found]
        assert {each.sublattice for each in read} == {"A" if columns > 21 else ""}


def test_the_check_of_a_line_is_written_and_read(tmp_path: Path) -> None:
    image = micrograph()
    first = detection(image).regions[0]
    checked = replace(
        first,
        class_name="unknown",
        geometry="contradicted",
        looks_like="boundary, 12.3 degrees",
        misorientation_deg=12.3,
        shift_a=0.25,
        shifted_layers=2,
        plane="[1 -2]",
        centre_line=(),
    )
    write_regions(tmp_path / "regions.csv", [checked])
    (found,) = read_regions(tmp_path / "regions.csv")
    assert found.looks_like == "boundary, 12.3 degrees"
    assert (found.geometry, found.geometry_note, found.plane) == ("contradicted", "", "[1 -2]")
    assert (found.misorientation_deg, found.shift_a, found.shift_b) == (12.3, 0.25, None)
    assert found.shifted_layers == 2


def test_tables_written_before_lines_were_checked_are_read(tmp_path: Path) -> None:
    image = micrograph()
    path = tmp_path / "regions.csv"
    write_regions(path, detection(image).regions)
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    end = rows[0].index("geometry")
    path.write_text("\n".join(",".join(row[:end]) for row in rows), encoding="utf-8")
    assert [each.geometry for each in read_regions(path)] == [""] * (len(rows) - 1)


def test_every_field_of_a_region_is_a_column_of_its_type() -> None:
    names = [each.name for each in fields(Region) if each.name != "centre_line"]
    assert ["class_name" if each == "class" else each for each in REGION_COLUMNS] == names
    hints = get_type_hints(Region)
    for name in names:
        kinds = set(get_args(hints[name])) or {hints[name]}
        assert (name in REGION_TEXTS) == (kinds == {str}), name
        assert (name in REGION_WHOLE_NUMBERS) == (int in kinds), name
