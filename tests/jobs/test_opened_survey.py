"""Surveys of an image, a stack or several images, opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from crystal_images import crystal_image
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.results.survey_folder import add_survey
from napari_stem_defects.jobs.opened_survey import holds_surveys, open_survey

if TYPE_CHECKING:
    from pathlib import Path


def test_several_images_are_one_stack(tmp_path: Path) -> None:
    made = {}
    for seed, name in enumerate(("im10", "im2")):
        _, (made[name],) = write_surveys(
            write_crystal(tmp_path / f"{name}.npy", seed=seed), tmp_path / "out"
        )
    assert holds_surveys(tmp_path / "out")
    opened = open_survey(tmp_path / "out")
    assert (opened.name, opened.frame_count) == ("out", 2)
    for frame, name in enumerate(("im2", "im10")):
        assert opened.statement(frame) == f"frame {frame}: {name} · {made[name].statement}"
        np.testing.assert_array_equal(opened.anomaly(frame), made[name].anomaly)
        assert len(opened.places(frame)) == len(made[name].candidates)
        assert opened.survey(frame).frame == frame
        assert opened.grains(frame).grains[0].outline == made[name].grain_map.grains[0].outline
    assert opened.threshold == max(each.threshold for each in made.values())
    assert opened.unit_px == pytest.approx(max(e.unit_px for e in made.values()), rel=1e-4)
    write_surveys(write_crystal(tmp_path / "small.npy", size=160), tmp_path / "out")
    with pytest.raises(ReadError, match=r"small differs in size from im2; open one of its folders"):
        open_survey(tmp_path / "out")


def test_frames_that_were_not_surveyed_have_nothing(tmp_path: Path) -> None:
    folder, _ = write_surveys(write_crystal(tmp_path / "movie.npy", 3), tmp_path / "out", [2])
    opened = open_survey(folder / "summary.json")
    assert opened.frames == [2]
    assert opened.statement(0) == "frame 0 was not surveyed"
    assert opened.places(0) == ()
    assert opened.places(2)


def test_the_survey_within_results(tmp_path: Path) -> None:
    folder = write_result(write_image(tmp_path / "a.tif"), tmp_path / "out")
    with pytest.raises(ReadError, match="holds no survey"):
        open_survey(folder)
    image = Micrograph(crystal_image(missing=5).pixels, "a", sha256="3" * 64)
    add_survey(folder, image, [made := survey_frame(image)])
    assert len(open_survey(folder).places(0)) == len(made.candidates)
    assert not holds_surveys(folder)  # it is no folder of a survey


def test_other_folders_are_one_line(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        assert not holds_surveys(path)
        with pytest.raises(ReadError, match=r"holds no survey; choose a folder") as caught:
            open_survey(path)
        assert "\n" not in str(caught.value)
