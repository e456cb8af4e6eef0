"""The command ``detect``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from command_line import detect, one_line, wait_until
from lattice_images import lattice_image

from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.cli.main import main
from napari_stem_defects.io.results.read_results import read_results, read_summary
from napari_stem_defects.io.results.result_folder import RESULT_FILES
from napari_stem_defects.simulation.simulate import simulate


def test_detect_writes_the_result_files(
    image: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, tmp_path / "out", model) == 0
    assert {path.name for path in (tmp_path / "out" / "lamella").iterdir()} == set(RESULT_FILES)
    assert one_line(capsys.readouterr().out).startswith("lamella.tif: ")


def test_slow_parts_of_libraries_are_not_imported(image: Path, tmp_path: Path, model: Path) -> None:
    """Each takes longer than writing all the files of an image."""
    code = (
        "import sys; from napari_stem_defects.cli.main import main; main(sys.argv[1:]);"
        " slow = ('scipy.signal', 'scipy.stats', 'matplotlib.pyplot', 'pandas', 'dask', 'rsciio');"
        " print([name for name in slow if name in sys.modules])"
    )
    options = ["detect", image, "--model", model, "--out", tmp_path / "out"]
    command = [sys.executable, "-c", code, *map(str, options)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"


def test_pictures_of_a_stack_are_chosen(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """More pictures than were drawn repeat the search; fewer are there already."""
    stack = np.random.default_rng(0).random((2, 96, 96)).astype(np.float32)
    np.save(tmp_path / "movie.npy", stack)
    folder = tmp_path / "out" / "movie"
    pages = [folder / "frames" / f"frame_0000{frame}.png" for frame in range(2)]

    def search(pictures: str) -> list[bool]:
        options = ("--pixel-size", "0.027", "--pictures", pictures)
        assert detect(tmp_path / "movie.npy", tmp_path / "out", model, *options) == 0
        return [path.is_file() for path in (folder / "overview.png", *pages)]

    assert search("none") == [False, False, False]
    assert "No picture" in read_summary(folder)["pictures"]["left_out"]
    assert search("all") == [True, True, True]
    written = read_summary(folder)["written"]
    assert search("summary") == [True, True, True]
    assert read_summary(folder)["written"] == written
    capsys.readouterr()


def test_detect_goes_on_after_a_bad_file_and_ends_with_2(
    image: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.tif").write_bytes(b"II*\0 and no more")
    assert detect(tmp_path, tmp_path / "out", model) == 2
    said = capsys.readouterr()
    assert one_line(said.err).startswith("stem-defects: broken.tif: ")
    assert one_line(said.out).startswith("lamella.tif: ")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT as a POSIX terminal does")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_ends_within_a_second_and_keeps_frames(
    tmp_path: Path, model: Path, workers: str
) -> None:
    stack = tmp_path / "movie.tif"
    noise = np.random.default_rng(0).normal(100, 10, (400, 128, 128)).astype(np.float32)
    tifffile.imwrite(stack, noise, photometric="minisblack")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "napari_stem_defects", "detect", str(stack), "--out", str(out)]
    more = ["--model", str(model), "--stride", "2", "--pixel-size", "0.027", "--workers", workers]
    process = subprocess.Popen(
        [*command, *more], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        wait_until(lambda: any(out.rglob("frame_*.npz")))
        os.killpg(process.pid, signal.SIGINT)
        pressed = time.monotonic()
        _, said = process.communicate(timeout=30)
        seconds = time.monotonic() - pressed
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    print(f"ended after {seconds:.2f} s")
    assert seconds < 10  # 1 promised; the machine may be busy
    assert process.returncode == 130
    assert one_line(said) == "stem-defects: stopped; what was finished is kept"
    assert any(out.rglob("frame_*.npz"))


def test_detect_says_what_scale_nobody_stated_and_what_reading_changed(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).normal(100, 10, (3, 96, 96)).astype(np.float32)
    bare, channels = tmp_path / "bare.tif", tmp_path / "channels.tif"
    tifffile.imwrite(bare, noise[0], photometric="minisblack")
    tifffile.imwrite(channels, noise, imagej=True, metadata={"axes": "CYX"})
    for path in (bare, channels):
        assert (
            main(["detect", str(path), "--out", str(tmp_path / "out"), "--model", str(model)]) == 0
        )
    printed = capsys.readouterr().out.splitlines()
    unscaled = "  No pixel size and no lattice found; the image is used as it is."
    assert printed.count(unscaled) == 2
    assert any("Of 3 signals 'channel 0' was read" in line for line in printed)
    assert main(["preprocess", str(channels), "--out", str(tmp_path / "stages")]) == 0
    assert "Of 3 signals" in capsys.readouterr().out


def test_detect_says_no_more_where_the_user_gave_the_scale(
    image: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, tmp_path / "out", model) == 0
    one_line(capsys.readouterr().out)


def test_a_frame_named_twice_is_searched_once(image: Path, model: Path, tmp_path: Path) -> None:
    assert detect(image, tmp_path / "out", model, "--frames", "0,0") == 0
    summary = json.loads((tmp_path / "out" / "lamella" / "summary.json").read_text())
    assert [frame["frame"] for frame in summary["frames"]] == [0]


def test_steps_wider_than_a_window_are_refused(
    image: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, tmp_path / "out", model, "--stride", "65") == 2
    assert "give 64 or less" in one_line(capsys.readouterr().err)


def test_areas_and_frames_are_searched(tmp_path: Path, model: Path) -> None:
    stack = np.random.default_rng(0).integers(0, 255, (3, 128, 128), np.uint8)
    tifffile.imwrite(tmp_path / "movie.tif", stack, photometric="minisblack")
    words = ["detect", str(tmp_path / "movie.tif"), "--out", str(tmp_path), "--model", str(model)]
    choices = ["--pixel-size", "0.027", "--frames", "2", "--area", "0,0,64,128"]
    assert main([*words, *choices, "--thresholds", "SF1=0.01"]) == 0
    (found,) = read_results(tmp_path / "movie")
    assert found.frame == 2
    assert found.parameters["area_px"] == [0, 0, 64, 128]
    assert found.parameters["thresholds"]["SF1"] == 0.01
    assert not found.masks[:, 64:].any()
    outline = SearchArea.from_value([((-5.0, -5.0), (-5.0, 90.2), (70.0, -5.0))])
    choices[-1] = f"--area={outline.to_text()}"
    choices.remove("--area")
    assert main([*words, *choices, "--thresholds", "SF1=0.01"]) == 0
    (found,) = read_results(tmp_path / "movie")
    assert found.parameters["area_px"] == outline.to_json()
    assert not found.masks[:, ~outline.mask((128, 128))].any()
    assert main([*words, "--frames", "3"]) == 2
    with pytest.raises(SystemExit):
        main([*words, "--area", "1,2,3"])


def test_another_crystal_is_not_recognised_and_the_reason_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tifffile.imwrite(tmp_path / "hex.tif", lattice_image(12, 1, 60, size=192, dose=20))
    for more, stated in ([], "generic names"), (["--model", "cdte-110"], "not recognised"):
        out = str(tmp_path / f"out{len(more)}")
        assert main(["detect", str(tmp_path / "hex.tif"), "--out", out, *more]) == 0
        first, *notes = capsys.readouterr().out.splitlines()
        assert first.startswith("hex.tif: ")
        assert "hex.tif: no " not in first
        assert any(note.strip().startswith(stated) for note in notes)
    assert any("warning: the lattice (hexagonal" in note for note in notes)
    assert any("is not that of the model" in note for note in notes)


def test_auto_states_which_model_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "a.npy", simulate("sto-001", size=192, defects=[]).micrograph.pixels)
    assert main(["detect", str(tmp_path / "a.npy"), "--out", str(tmp_path / "out")]) == 0
    first, choice, *notes = capsys.readouterr().out.splitlines()
    assert first.startswith("a.npy: ")
    assert any("hold only if the crystal is SrTiO3 along [001]" in note for note in notes)
    assert choice.strip().startswith("model sto-001 (90.0 degrees, ratio 1.00) chosen: the lattice")


def test_what_was_said_of_one_file_is_not_said_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / f"{name}.tif" for name in "ab"]
    for number, path in enumerate(files):
        tifffile.imwrite(path, lattice_image(12 + number, 1, 60, size=160, dose=20))
    words = ["detect", *map(str, files), "--out", str(tmp_path / "out")]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.count("generic names: the lattice is hexagonal") == 2
    assert printed.count("the special models know") == 1


def test_an_impossible_pixel_size_is_stated(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "hex.tif"
    tifffile.imwrite(path, lattice_image(12, 1, 60, size=160, dose=20))
    given = ["--pixel-size", "50", "--out"]
    for command in ("detect", "survey"):
        assert main([command, str(path), *given, str(tmp_path / command)]) == 0
        assert "with 50 nm per px the planes would be" in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--model", "cdte-110"]])
def test_noise_gets_no_advice_to_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    noise = np.random.default_rng(0).poisson(20, (128, 140)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "noise.tif", noise)
    words = ["detect", str(tmp_path / "noise.tif"), "--out", str(tmp_path / "out"), *more]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "not recognised: no lattice" in printed
    assert "label" not in printed
