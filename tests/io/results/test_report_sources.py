"""Result folders are read for a page, and what is no result becomes one line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from crystal_images import crystal_image
from PIL import Image
from result_samples import MODEL, detection, micrograph

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.report_sources import read_sources
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.io.results.survey_folder import write_survey


@pytest.fixture(autouse=True)
def quick_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))


def test_the_area_searched_leaves_out_blank_and_unknown(tmp_path: Path) -> None:
    image = micrograph()
    found = detection(image)
    valid = found.map.valid.copy()
    valid[:2] = False
    found = replace(found, map=replace(found.map, valid=valid))
    write_results(tmp_path, image, [found], MODEL)
    (read,) = read_sources([tmp_path]).images
    unknown = found.masks[found.mask_names.index(UNKNOWN)].astype(bool)
    blank = np.zeros(image.frame_shape, bool)
    blank[:16] = True  # rows that are no nearer to the centre at 19 px than to that at 11 px
    assert unknown.any()
    expected = ~(unknown | blank)
    assert read.frames[0].searched_px == expected.sum()
    np.testing.assert_array_equal(read.frames[0].searched, expected)
    assert read.searched_nm2 == pytest.approx(expected.sum() * 0.05**2)
    assert len(read.regions_of("Vacancy_CdTe")) == 2


def test_the_area_searched_leaves_out_what_is_outside_of_the_crystal(tmp_path: Path) -> None:
    image = micrograph()
    found = detection(image, empty=True)
    found.map.probability[:, :6] = 0  # drawn as searched, as by a correction by hand
    write_results(tmp_path, image, [found], MODEL)
    (read,) = read_sources([tmp_path]).images
    assert read.searched_nm2 == pytest.approx(found.searched_nm2)
    assert read.frames[0].searched_px == 48 * 128


def test_the_area_that_was_chosen_is_the_area_searched(tmp_path: Path) -> None:
    image = micrograph()
    found = detection(image, empty=True)
    found = replace(found, parameters={**found.parameters, "area_px": [10, 20, 50, 90]})
    write_results(tmp_path, image, [found], MODEL)
    (read,) = read_sources([tmp_path]).images
    assert read.frames[0].searched_px == 40 * 70


def test_large_images_are_sampled_and_counted_to_the_pixel(tmp_path: Path) -> None:
    image = micrograph(shape=(96, 1100))
    write_results(tmp_path, image, [detection(image, empty=True)], MODEL)
    (read,) = read_sources([tmp_path]).images
    assert read.frames[0].searched_px == 96 * 1100
    assert read.frames[0].step == 3
    assert read.frames[0].pattern("SF1", 0.05).area == pytest.approx(96 * 1100 * 0.05**2, rel=0.01)


def test_frames_of_one_place_are_one_area(tmp_path: Path) -> None:
    stack = micrograph(frames=3)
    write_results(tmp_path, stack, [detection(stack, frame) for frame in range(3)], MODEL)
    (same,) = read_sources([tmp_path]).images
    (apart,) = read_sources([tmp_path], independent_frames=True).images
    assert same.searched_nm2 is not None
    assert apart.searched_nm2 is not None
    assert apart.searched_nm2 == pytest.approx(3 * same.searched_nm2)
    assert (same.repeats, apart.repeats) == (3, 1)


def test_folders_are_groups_and_bad_ones_a_line_each(tmp_path: Path) -> None:
    for name in ("first", "second"):
        image = micrograph(name)
        write_results(tmp_path / name, image, [detection(image)], MODEL)
    broken = tmp_path / "second" / "second" / "summary.json"
    content = json.loads(broken.read_text(encoding="utf-8"))
    del content["planes"]
    broken.write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "empty").mkdir()
    given = [tmp_path / "first", tmp_path / "second", tmp_path / "empty", tmp_path / "missing"]
    found = read_sources(given)
    assert [image.group for image in found.images] == ["first"]
    assert len(found.faults) == 3
    assert all("\n" not in fault for fault in found.faults)
    with pytest.raises(InputError, match="holds no result"):
        read_sources([tmp_path / "empty"])


def test_a_result_given_twice_counts_once(tmp_path: Path) -> None:
    image = micrograph()
    write_results(tmp_path, image, [detection(image)], MODEL)
    found = read_sources([tmp_path, tmp_path / "lamella"])
    assert len(found.images) == 1
    assert len(found.faults) == 1


def test_surveys_are_read(tmp_path: Path) -> None:
    image = Micrograph(crystal_image(missing=6).pixels, "crystal", sha256="1" * 64)
    write_survey(tmp_path, image, [survey_frame(image)])
    (survey,) = read_sources([tmp_path]).surveys
    assert survey.counts["point"] >= 1
    assert survey.picture.startswith(b"\xff\xd8")


def test_old_results_without_classes_and_kinds_are_read(tmp_path: Path) -> None:
    image = micrograph()
    write_results(tmp_path, image, [detection(image)], MODEL)
    folder = tmp_path / "lamella"
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for name in ("classes", "searched_nm2", "densities_per_nm2", "recognised", "warnings"):
        summary.pop(name)
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    lines = (folder / "regions.csv").read_text(encoding="utf-8").splitlines()
    old = "\n".join(",".join(line.split(",")[:13]) for line in lines)
    (folder / "regions.csv").write_text(f"{old}\n", encoding="utf-8")
    (folder / "lines.geojson").unlink()
    (read,) = read_sources([tmp_path]).images
    assert {each.name: each.kind for each in read.defects}["SF1"] == "line"
    assert len(read.regions_of("SF1")) == 1
