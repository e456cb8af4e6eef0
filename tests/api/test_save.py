"""The verb ``save``, and the method of detections and surveys."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from crystal_images import OBLIQUE, crystal_image
from written_surveys import write_crystal

import napari_stem_defects as sd
from napari_stem_defects.api.detect import detect_with
from napari_stem_defects.cli.main import main
from napari_stem_defects.io.results.survey_folder import ADDED_FILES, SURVEY_FILES
from napari_stem_defects.jobs.opened_result import open_result

if TYPE_CHECKING:
    from pathlib import Path

PASSING = {"seconds", "written", "files", "fingerprint"}
"""What differs from run to run."""


def summary(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def lasting(found: Any) -> Any:
    """Return a summary without what differs from run to run."""
    if isinstance(found, dict):
        return {name: lasting(each) for name, each in found.items() if name not in PASSING}
    return [lasting(each) for each in found] if isinstance(found, list) else found


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.tif"
    pixels = sd.simulate(size=192, defects=["SF1"], seed=1).micrograph.pixels
    tifffile.imwrite(
        path, pixels, imagej=True, resolution=(1 / 0.027,) * 2, metadata={"unit": "nm"}
    )
    return path


def test_a_detection_is_saved_as_the_command_does(image: Path, tmp_path: Path) -> None:
    micrograph = sd.read(image)
    folder = sd.detect(micrograph, device="cpu").save(tmp_path / "mine", micrograph)
    assert folder == tmp_path / "mine" / "a"
    assert main(["detect", str(image), "--out", str(tmp_path / "command"), "--device", "cpu"]) == 0
    theirs = tmp_path / "command" / "a"
    assert {path.name for path in folder.iterdir()} == {path.name for path in theirs.iterdir()}
    for name in ("regions.csv", "lines.geojson", "overview.png", "probability.npz"):
        assert (folder / name).read_bytes() == (theirs / name).read_bytes()
    assert lasting(summary(folder)) == lasting(summary(theirs))
    np.testing.assert_array_equal(
        *(tifffile.imread(each / "masks.ome.tif") for each in (folder, theirs))
    )
    assert sd.export(folder, "csv", tmp_path / "tables").files


def test_an_unknown_crystal_gets_its_survey_as_by_the_command(tmp_path: Path) -> None:
    pixels = crystal_image(OBLIQUE, missing=5, size=300).pixels
    micrograph = sd.Micrograph(pixels, "oblique")
    folder = sd.detect(micrograph, device="cpu").save(tmp_path, micrograph)
    assert all((folder / name).is_file() for name in ADDED_FILES)
    assert summary(folder)["model"]["name"] == "any-crystal"


def test_a_survey_is_saved_as_the_command_does(tmp_path: Path) -> None:
    path = write_crystal(tmp_path / "c.npy", size=160)
    micrograph = sd.read(path)
    folder = sd.survey(micrograph).save(tmp_path / "mine", micrograph)
    assert main(["survey", str(path), "--out", str(tmp_path / "command")]) == 0
    theirs = tmp_path / "command" / "c"
    assert {path.name for path in folder.iterdir()} == set(SURVEY_FILES)
    for name in ("survey.csv", "grains.geojson", "overview.png"):
        assert (folder / name).read_bytes() == (theirs / name).read_bytes()
    assert lasting(summary(folder)) == lasting(summary(theirs))


@pytest.fixture
def movie() -> sd.Micrograph:
    frames = [sd.simulate(size=128, seed=seed).micrograph.pixels for seed in range(3)]
    return sd.Micrograph(np.stack(frames), "movie", 0.027, "user")


def test_frames_are_saved_together(movie: sd.Micrograph, tmp_path: Path) -> None:
    found = [sd.detect(movie, frame=each, device="cpu") for each in (0, 2)]
    folder = sd.save(iter(found), tmp_path, movie)
    opened = open_result(folder)
    assert (opened.frame_count, opened.frames) == (3, [0, 2])
    shown = opened.micrograph(2)
    assert shown is not None
    np.testing.assert_array_equal(shown.pixels, movie.pixels)


@pytest.mark.parametrize("verb", [sd.survey, sd.detect])
def test_a_loop_over_frames_does_not_replace_one_by_the_next(
    verb: Any, movie: sd.Micrograph, tmp_path: Path
) -> None:
    folder = verb(movie, frame=0).save(tmp_path, movie)
    before = (folder / "summary.json").read_bytes()
    later = verb(movie, frame=1)
    with pytest.raises(sd.InputError, match="holds results of other frames, such as 0; save all"):
        later.save(tmp_path, movie)
    assert (folder / "summary.json").read_bytes() == before
    assert later.save(tmp_path, movie, overwrite=True) == folder
    assert [each["frame"] for each in summary(folder)["frames"]] == [1]


CHANGES: dict[str, Any] = {
    "as read": lambda read: read,
    "cropped": lambda read: replace(read, pixels=read.pixels[:160]),
    "brighter": lambda read: replace(read, pixels=read.pixels * 2),
    "whole numbers": lambda read: replace(read, pixels=(read.pixels * 99).astype(np.int64)),
    "an array": lambda read: sd.Micrograph(read.pixels, "a", 0.027),
    "a frame": lambda read: sd.Micrograph(np.stack([read.pixels[::-1], read.pixels]), "a").frame(1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_image_that_is_not_as_in_its_file_is_kept(
    name: str, image: Path, tmp_path: Path
) -> None:
    micrograph = CHANGES[name](sd.read(image))
    folder = sd.survey(micrograph).save(tmp_path / "out", micrograph)
    stored = summary(folder)["image"]
    kept = image if name == "as read" else folder / "a.tif"
    assert stored["path"] == str(kept)
    np.testing.assert_array_equal(sd.read(kept).pixels, micrograph.pixels)
    assert sd.read(kept).sha256 == stored["sha256"]
    assert sd.read(kept).pixel_size_nm == pytest.approx(micrograph.pixel_size_nm)


def test_images_of_one_name_have_folders_of_their_own(image: Path, tmp_path: Path) -> None:
    whole = sd.read(image)
    part = replace(whole, pixels=whole.pixels[:160])
    names = [sd.survey(each).save(tmp_path / "out", each).name for each in (whole, part, whole)]
    assert names == ["a", "a_2", "a"]


def test_what_cannot_be_saved_is_one_line(movie: sd.Micrograph, tmp_path: Path) -> None:
    survey = sd.survey(movie)
    other = replace(movie, name="other")
    cut = replace(movie, pixels=movie.pixels[:, :100])
    given: list[tuple[Any, Any, str]] = [
        ([], movie, "nothing cannot be saved; give detections"),
        ("survey", movie, "str cannot be saved"),
        ([survey, movie], movie, "Micrograph, Survey cannot be saved"),
        ([survey, survey], movie, "two results of one frame"),
        (survey, other, "of frame 0 of movie, 128 x 128 px.*give the image searched"),
        (survey, cut, "give the image searched"),
        (replace(survey, frame=3), movie, "give the image searched"),
        (survey, movie.pixels, "no micrograph"),
    ]
    for found, micrograph, line in given:
        with pytest.raises(sd.InputError, match=line) as caught:
            sd.save(found, tmp_path / "out", micrograph)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").touch()
    with pytest.raises(sd.InputError, match="file"):
        survey.save(tmp_path / "file", movie)


def test_a_detection_knows_its_model(movie: sd.Micrograph) -> None:
    ensemble = sd.load_model("cdte-110")
    found = detect_with(ensemble, movie.frame(0), area=None, device="cpu")
    assert found.model == {"name": "cdte-110", "sha256": ensemble.sha256}
    assert sd.detect(movie, device="cpu", area=(0, 0, 100, 100)).model == found.model
