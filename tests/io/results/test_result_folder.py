"""Results are complete, readable by others, resumable, and never mixed up."""

from __future__ import annotations

import errno
import json
import os
import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from result_samples import MODEL, detection, micrograph

from napari_stem_defects.errors import OutputError, OverwriteError
from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.read_results import (
    read_results,
    read_summary,
)
from napari_stem_defects.io.results.result_folder import (
    RESULT_FILES,
    open_results,
    write_results,
)

if TYPE_CHECKING:
    from napari_stem_defects.postprocessing.results import Detection

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


def test_a_finished_image_is_skipped(tmp_path: Path) -> None:
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image)], MODEL)
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write_results(tmp_path, image, [detection(image)], MODEL) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before


@pytest.mark.parametrize("change", ["model", "parameters"])
def test_another_job_replaces_the_results(tmp_path: Path, change: str) -> None:
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image)], MODEL)
    if change == "model":
        again = write_results(tmp_path, image, [detection(image)], {**MODEL, "sha256": "ef"})
    else:
        again = write_results(tmp_path, image, [detection(image, threshold=0.85)], MODEL)
        assert read_summary(again)["counts"]["SF1"] == 0
    assert again == folder
    assert [path.name for path in tmp_path.iterdir()] == ["lamella"]


def test_a_rerun_finds_its_finished_frames(tmp_path: Path) -> None:
    movie = micrograph(frames=4)
    job = (tmp_path, movie, MODEL, {"stride_px": 8})
    folder = open_results(*job)
    assert folder.finished_frames() == frozenset()
    for frame in (0, 2):
        folder.write_frame(detection(movie, frame))

    rerun = open_results(*job)
    assert rerun.finished_frames() == {0, 2}
    assert not rerun.finished
    with pytest.raises(OutputError, match="frame 1 is not finished"):
        rerun.merge(movie, MODEL)
    for frame in (1, 3):
        rerun.write_frame(detection(movie, frame))
    assert len(read_results(rerun.merge(movie, MODEL))) == 4
    names = {path.name for path in rerun.path.iterdir()}
    assert names == {*RESULT_FILES, "frames"}
    assert open_results(*job).finished_frames() == {0, 1, 2, 3}


def test_frames_of_another_job_are_dropped(tmp_path: Path) -> None:
    movie = micrograph(frames=2)
    old = open_results(tmp_path, movie, MODEL, {"stride_px": 8})
    old.write_frame(detection(movie, 0))
    new = open_results(tmp_path, movie, MODEL, {"stride_px": 4})
    assert new.path == old.path
    assert new.finished_frames() == old.finished_frames() == frozenset()


def test_a_folder_can_be_sent_to_another_process(tmp_path: Path) -> None:
    movie = micrograph(frames=2)
    folder = open_results(tmp_path, movie, MODEL, {})
    pickle.loads(pickle.dumps(folder)).write_frame(detection(movie, 1))
    assert folder.finished_frames() == {1}


def test_images_of_one_name_get_their_own_folders(tmp_path: Path) -> None:
    first, second = micrograph(seed=1), micrograph(seed=2)
    folders = [write_results(tmp_path, each, [detection(each)], MODEL) for each in (first, second)]
    assert [folder.name for folder in folders] == ["lamella", "lamella_2"]
    assert read_summary(folders[0])["image"]["sha256"] == first.sha256
    again = write_results(tmp_path, second, [detection(second)], MODEL)
    assert again == folders[1]


def test_unfinished_images_of_one_name_get_their_own_folders(tmp_path: Path) -> None:
    names = [
        open_results(tmp_path, micrograph(seed=seed), MODEL, {}).path.name for seed in (1, 2, 1)
    ]
    assert names == ["lamella", "lamella_2", "lamella"]


def test_a_folder_of_the_user_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "lamella").mkdir()
    (tmp_path / "lamella" / "summary.json").write_text("mine", encoding="utf-8")
    image = micrograph()
    assert write_results(tmp_path, image, [detection(image)], MODEL).name == "lamella_2"
    assert (tmp_path / "lamella" / "summary.json").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("a/b:c", "a_b_c"),
        ("..", "image"),
        ("nul", "_nul"),
        ("CON.2", "_CON.2"),
        ("spot 5. ", "spot 5"),
        ("Δ 日本 [1]", "Δ 日本 [1]"),
    ],
)
def test_folder_names_suit_every_system(tmp_path: Path, name: str, folder: str) -> None:
    image = micrograph(name)
    path = write_results(tmp_path, image, [detection(image)], MODEL)
    assert path == tmp_path / folder
    assert read_results(path)[0].image == name


def test_nothing_found_is_a_result_too(tmp_path: Path) -> None:
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image, empty=True)], MODEL)
    (found,) = read_results(folder)
    assert found.regions == ()
    assert not found.masks.any()
    assert (folder / "regions.csv").read_text(encoding="utf-8") == HEADER + "\n"


def test_an_output_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    image = micrograph()
    with pytest.raises(OutputError) as caught:
        write_results(blocked, image, [detection(image)], MODEL)
    assert "\n" not in str(caught.value)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_disk_that_fills_up_at_any_moment_leaves_the_earlier_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = micrograph()
    old = write_results(tmp_path, image, [detection(image)], MODEL)
    before = contents(old)
    flush, left = os.fsync, 0
    lines: list[str] = []

    def full(descriptor: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(descriptor)

    # Every file is flushed before it gets its name, and its folder after it.
    for moment in range(12):
        left = moment
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            try:
                write_results(tmp_path, image, [detection(image, threshold=0.85)], MODEL)
            except OutputError as error:
                lines.append(str(error))
        if left < 0:
            assert contents(old) == before
            assert len(read_results(old)) == 1
    assert len(lines) > 3
    assert all("No space left" in line and "\n" not in line for line in lines)
    folder = write_results(tmp_path, image, [detection(image, threshold=0.85)], MODEL)
    assert folder == old
    assert read_summary(folder)["counts"]["SF1"] == 0


@pytest.fixture
def written(tmp_path: Path) -> Path:
    image = micrograph()
    return write_results(tmp_path, image, [detection(image)], MODEL)


def edit_by_hand(path: Path) -> None:
    """Edit a file as a user does by hand."""
    if path.suffix == ".json":
        path.write_text(path.read_text(encoding="utf-8").replace("SF1", "SF2"), encoding="utf-8")
    else:
        path.write_bytes(path.read_bytes() + b" ")


@pytest.mark.parametrize("name", RESULT_FILES)
def test_edited_results_are_replaced_only_if_requested(written: Path, name: str) -> None:
    edit_by_hand(written / name)
    mine = contents(written)
    image, found = micrograph(), [detection(micrograph(), threshold=0.85)]
    with pytest.raises(OverwriteError) as caught:
        write_results(written.parent, image, found, MODEL)
    line = str(caught.value)
    assert line.startswith("lamella: ")
    assert name in line
    assert "--overwrite" in line
    assert len(line) <= 200
    assert contents(written) == mine
    again = write_results(written.parent, image, found, MODEL, overwrite=True)
    assert again == written
    assert read_summary(again)["counts"]["SF1"] == 0


def test_a_rerun_of_the_same_job_keeps_corrections(written: Path) -> None:
    image, found = micrograph(), [detection(micrograph())]
    original = contents(written)
    edit_by_hand(written / "regions.csv")
    mine = contents(written)
    write_results(written.parent, image, found, MODEL)
    assert contents(written) == mine
    write_results(written.parent, image, found, MODEL, overwrite=True)
    assert contents(written)["regions.csv"] == original["regions.csv"]


def test_corrections_made_while_the_job_runs_are_kept(written: Path) -> None:
    image = micrograph()
    folder = open_results(written.parent, image, MODEL, {"stride_px": 4})
    folder.write_frame(detection(image))
    edit_by_hand(written / "masks.ome.tif")
    mine = contents(written)
    with pytest.raises(OverwriteError, match=r"masks\.ome\.tif"):
        folder.merge(image, MODEL)
    assert contents(written) == mine
    job = (written.parent, image, MODEL, {"stride_px": 4})
    with pytest.raises(OverwriteError):
        open_results(*job)
    reopened = open_results(*job, overwrite=True)
    assert reopened.finished_frames() == {0}  # no work is lost either
    reopened.merge(image, MODEL)


def test_own_files_and_deleted_ones_are_no_corrections(written: Path) -> None:
    (written / "notes.txt").write_text("mine", encoding="utf-8")
    (written / "overview.png").unlink()
    image = micrograph()
    write_results(written.parent, image, [detection(image, threshold=0.85)], MODEL)
    assert (written / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert read_summary(written)["counts"]["SF1"] == 0


def test_results_without_checksums_are_not_replaced(written: Path) -> None:
    summary = read_summary(written)
    del summary["files"]
    (written / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    image = micrograph()
    with pytest.raises(OverwriteError):
        write_results(written.parent, image, [detection(image, threshold=0.85)], MODEL)


def test_a_damaged_frame_is_done_again(tmp_path: Path) -> None:
    movie = micrograph(frames=2)
    folder = open_results(tmp_path, movie, MODEL, {})
    for frame in range(2):
        folder.write_frame(detection(movie, frame))
    damaged = next(folder.path.rglob("frame_00001.npz"))
    damaged.write_bytes(damaged.read_bytes()[:-300])
    with pytest.raises(OutputError, match=r"frame_00001\.npz: is damaged"):
        folder.merge(movie, MODEL)
    assert folder.finished_frames() == {0}


def test_only_the_frames_shown_are_ever_held_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    movie = micrograph(frames=30, shape=(64, 104))
    folder = open_results(tmp_path, movie, MODEL, {})
    for frame in range(30):
        folder.write_frame(detection(movie, frame, empty=frame > 0))
    drawn: list[int] = []

    def remember(_movie: object, detections: list[Detection], *_rest: object) -> Image.Image:
        drawn.extend(each.frame for each in detections)
        return Image.new("RGB", (8, 8))

    monkeypatch.setattr(result_folder, "draw_overview", remember)
    assert len(read_results(folder.merge(movie, MODEL))) == 30
    assert len(drawn) == 12
    assert (drawn[0], drawn[-1]) == (0, 29)


def with_corrections(of: Detection, *classes: str) -> Detection:
    made = [{"frame": of.frame, "y": 1, "x": 2, "found": name, "right": "Bulk"} for name in classes]
    return replace(of, parameters={**of.parameters, "corrections": made} if made else of.parameters)


def test_corrected_regions_are_kept_from_a_rerun(tmp_path: Path) -> None:
    movie = micrograph(frames=2)
    found = [detection(movie, frame) for frame in range(2)]
    mine = [found[0], with_corrections(found[1], "SF1")]
    folder = write_results(tmp_path, movie, mine, MODEL)
    assert len(read_summary(folder)["corrections"]) == 1
    before = contents(folder)
    with pytest.raises(OverwriteError, match=r"holds 1 regions corrected .* --overwrite"):
        write_results(tmp_path, movie, found, MODEL)
    with pytest.raises(OverwriteError):
        open_results(tmp_path, movie, MODEL, {"stride_px": 4})
    assert contents(folder) == before
    more = [with_corrections(found[0], "SF1"), with_corrections(found[1], "SF1")]
    assert write_results(tmp_path, movie, more, MODEL) == folder
    assert len(read_summary(folder)["corrections"]) == 2
    write_results(tmp_path, movie, found, MODEL, overwrite=True)
    assert read_summary(folder)["corrections"] == []


def test_an_overview_that_fails_does_not_cost_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Image.Image:
        raise IndexError("index 64 is out of bounds")

    monkeypatch.setattr(result_folder, "draw_overview", fail)
    image = micrograph()
    folder = write_results(tmp_path, image, [detection(image)], MODEL)
    assert {path.name for path in folder.iterdir()} == set(RESULT_FILES)
    (warning,) = read_summary(folder)["warnings"]
    assert warning.startswith("The overview could not be drawn (IndexError")
    with Image.open(folder / "overview.png") as page:
        assert page.width == 1000
    assert write_results(tmp_path, image, [detection(image)], MODEL) == folder, "it is finished"
