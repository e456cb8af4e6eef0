"""Files of a survey."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from crystal_images import crystal_image

from napari_stem_defects.anomaly.survey_frame import Survey, survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.io.results import survey_folder
from napari_stem_defects.io.results.survey_folder import COLUMNS, SURVEY_FILES, write_survey


@pytest.fixture(scope="module")
def micrograph() -> Micrograph:
    image = crystal_image(missing=6)
    return replace(image.micrograph, sha256="1" * 64).with_pixel_size(0.02, "user")


def test_all_files_are_there_and_agree(micrograph: Micrograph, tmp_path: Path) -> None:
    survey = survey_frame(micrograph)
    folder = write_survey(tmp_path, micrograph, [survey])
    assert {path.name for path in folder.iterdir()} == set(SURVEY_FILES)
    with tifffile.TiffFile(folder / "anomaly.ome.tif") as file:
        assert file.series[0].axes == "YX"
        np.testing.assert_array_equal(file.asarray(), survey.anomaly)
        assert 'PhysicalSizeX="0.02"' in str(file.ome_metadata)
    with (folder / "survey.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == COLUMNS
    assert COLUMNS[:9] == "rank,kind,y_px,x_px,y_nm,x_nm,score,length_nm,area_nm2".split(",")
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert float(rows[0]["y_nm"]) == pytest.approx(0.02 * survey.candidates[0].y, abs=1e-3)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["lattice"]["kind"] == "one"
    assert summary["lattice"]["vectors_nm"] is not None
    assert summary["statement"] == survey.statement
    (frame,) = summary["frames"]
    assert frame["grains"] == 1
    assert [each["grain"] for each in frame["grain_list"]] == [1]
    stored = json.loads((folder / "grains.geojson").read_text(encoding="utf-8"))
    assert len(stored["features"]) == 1


def test_without_a_pixel_size_lengths_in_nm_are_empty(tmp_path: Path) -> None:
    image = crystal_image(missing=6).micrograph
    folder = write_survey(tmp_path, image, [survey_frame(image)])
    with (folder / "survey.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(not row["y_nm"] and not row["area_nm2"] for row in rows)
    assert all(float(row["area_px"]) > 0 for row in rows)


def test_a_stack_has_a_frame_axis(micrograph: Micrograph, tmp_path: Path) -> None:
    stack = replace(micrograph, pixels=np.stack([micrograph.pixels] * 2))
    made: list[int] = []

    def surveys() -> Iterator[Survey]:
        for frame in range(2):
            made.append(frame)
            yield survey_frame(stack.frame(frame), frame=frame)

    folder = write_survey(tmp_path, stack, surveys(), 2)
    assert made == [0, 1]
    assert tifffile.imread(folder / "anomaly.ome.tif").shape == stack.pixels.shape
    with (folder / "survey.csv").open(encoding="utf-8") as file:
        assert {row["frame"] for row in csv.DictReader(file)} == {"0", "1"}


def test_no_map_is_kept_once_it_is_written(micrograph: Micrograph, tmp_path: Path) -> None:
    stack = replace(micrograph, pixels=np.stack([micrograph.pixels] * 8))
    survey, kept = survey_frame(micrograph), list[weakref.ref[np.ndarray]]()

    def surveys() -> Iterator[Survey]:
        for frame in range(8):
            alive = sum(reference() is not None for reference in kept)
            assert alive <= 3  # the first, which is drawn, and the latest ones
            anomaly = survey.anomaly.copy()
            kept.append(weakref.ref(anomaly))
            yield replace(survey, anomaly=anomaly, frame=frame)

    write_survey(tmp_path, stack, surveys(), 8)


def test_the_same_image_replaces_its_survey_and_another_gets_its_own_folder(
    micrograph: Micrograph, tmp_path: Path
) -> None:
    survey = survey_frame(micrograph)
    first, again = (write_survey(tmp_path, micrograph, [survey]) for _ in range(2))
    other = write_survey(tmp_path, replace(micrograph, sha256="2" * 64), [survey])
    assert first == again != other


def test_no_lattice_is_written_with_its_reason(tmp_path: Path) -> None:
    image = Micrograph(np.zeros((96, 96), np.float32), "empty")
    folder = write_survey(tmp_path, image, [survey_frame(image)])
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["lattice"]["kind"] == "none"
    assert "empty" in summary["lattice"]["reason"]
    assert (folder / "survey.csv").read_text(encoding="utf-8").count("\n") == 1


def test_an_overview_that_fails_does_not_cost_the_survey(
    micrograph: Micrograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(survey_folder, "draw_survey", fail)
    folder = write_survey(tmp_path, micrograph, [survey_frame(micrograph)])
    assert {path.name for path in folder.iterdir()} == set(SURVEY_FILES)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    (warning,) = summary["warnings"]
    assert warning.startswith("The picture of the survey could not be drawn (MemoryError")


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.io.results import survey_folder
image = Micrograph(np.zeros((96, 96), np.float32), "a", sha256="1")
if sys.argv[2] == "maps":
    survey_folder.write_bytes = lambda *_: os._exit(9)
else:
    survey_folder.remove_result = lambda path: path.unlink(missing_ok=True) or os._exit(9)
survey_folder.write_survey(Path(sys.argv[1]), image, [survey_frame(image)])
"""


@pytest.mark.parametrize("moment", ["maps", "moving"])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_killed_survey_is_repeated_in_its_folder(
    tmp_path: Path, moment: str, earlier: bool
) -> None:
    image = Micrograph(np.zeros((96, 96), np.float32), "a", sha256="1")
    survey = survey_frame(image)
    before = {}
    if earlier:
        folder = write_survey(tmp_path, image, [survey])
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
    command = [sys.executable, "-c", KILLED, str(tmp_path), moment]
    assert subprocess.run(command, capture_output=True).returncode == 9
    if moment == "maps":  # an earlier survey is as it was
        files = (path for path in (tmp_path / "a").iterdir() if path.is_file())
        now = {path.name: path.read_bytes() for path in files}
        assert now == before
    other = write_survey(tmp_path, replace(image, sha256="2"), [survey])
    assert other.name == "a_2"
    assert write_survey(tmp_path, image, [survey]) == tmp_path / "a"
    assert {path.name for path in (tmp_path / "a").iterdir()} == set(SURVEY_FILES)
