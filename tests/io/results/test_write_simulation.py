from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.images.find import find_images
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.write_simulation import write_simulation
from napari_stem_defects.simulation.simulate import simulate

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_written_reads_back(tmp_path: Path) -> None:
    made = simulate(size=256, seed=3)
    image, points, truth, masks = write_simulation(tmp_path / "out", made)

    back = read(image)
    assert np.array_equal(back.pixels, made.micrograph.pixels)
    assert back.pixel_size_nm == pytest.approx(0.027, rel=1e-4)

    with tifffile.TiffFile(masks) as file:
        planes = file.asarray()
        description = ElementTree.fromstring(file.ome_metadata)
    pixels = next(node for node in description.iter() if node.tag.endswith("}Pixels"))
    names = [node.get("Name") for node in description.iter() if node.tag.endswith("}Channel")]
    assert names == list(made.masks)
    assert float(pixels.get("PhysicalSizeX", "0")) == pytest.approx(0.027)
    assert planes.dtype == np.uint8
    for plane, mask in zip(planes, made.masks.values(), strict=True):
        assert np.array_equal(plane, mask)

    with points.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [point.class_name for point in made.points]
    assert float(rows[0]["y_px"]) == pytest.approx(made.points[0].y_px, rel=1e-4)
    assert float(rows[0]["x_nm"]) == pytest.approx(0.027 * made.points[0].x_px, rel=1e-4)

    stored = json.loads(truth.read_text(encoding="utf-8"))
    assert stored["parameters"]["seed"] == 3
    assert stored["parameters"]["imaging"]["dose"] == made.parameters["imaging"]["dose"]
    assert [line["class_name"] for line in stored["lines"]] == [
        line.class_name for line in made.lines
    ]


def test_the_truth_is_not_taken_for_an_image(tmp_path: Path) -> None:
    written = write_simulation(tmp_path, simulate(size=64))
    assert find_images([tmp_path]) == [written[0]]


def test_a_perfect_crystal_has_no_masks(tmp_path: Path) -> None:
    written = write_simulation(tmp_path, simulate("sto-100", defects=[], size=64))
    assert [path.name for path in written] == ["sto-100_seed0.tif", "points.csv", "truth.json"]
    assert written[1].read_text(encoding="utf-8") == "class,y_px,x_px,y_nm,x_nm\n"


def test_a_file_in_the_way_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError) as caught:
        write_simulation(tmp_path / "out", simulate(size=64))
    assert "\n" not in str(caught.value)
