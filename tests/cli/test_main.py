"""The command line: its options, its files, its exit codes, its one-line faults."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from small_model import write_small_model

import napari_stem_defects
from napari_stem_defects.cli import options
from napari_stem_defects.cli.main import COMMANDS, build_parser, main
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.models import library as library_module
from napari_stem_defects.io.results.result_folder import RESULT_FILES

if TYPE_CHECKING:
    from collections.abc import Callable


STAGES = ("a_original", "b_normalised", "c_flattened", "d_spectrum", "e_thresholded")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("model") / "small.safetensors")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "lamella.tif"
    noise = np.random.default_rng(0).normal(100, 10, (96, 96)).astype(np.float32)
    tifffile.imwrite(path, noise, photometric="minisblack")
    return path


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "library"
    monkeypatch.setattr(library_module, "user_folder", lambda: folder)
    return folder


def detect(image: Path, out: Path, model: Path, *more: str) -> int:
    places = [str(image), "--out", str(out), "--model", str(model)]
    return main(["detect", *places, "--stride", "32", "--pixel-size", "0.027", *more])


def one_line(text: str) -> str:
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_the_commands_are_the_contracts() -> None:
    names = {command.__name__.rpartition(".")[2] for command in COMMANDS}
    assert names == {
        *("demo", "detect", "train", "evaluate", "preprocess"),
        *("simulate", "labels", "models", "benchmark"),
    }


@pytest.mark.parametrize(
    "line",
    [
        "demo",
        "demo a.tif --headless --out d",
        "detect a.tif b --out d --model m --stride 4 --pixel-size 0.02 --device mps --workers 2",
        "detect a.tif --out d --cluster tcp://host:8786",
        "train a b --out m.safetensors --classes A,B --epochs A=3,B=9 --split region"
        " --representation fft+real --members 3 --seed 1",
        "train a --out m.safetensors --split random,site,region --recipe abstract",
        "evaluate m a b --out d",
        "preprocess a.tif --out d",
        "simulate --out d --crystal sto-100 --defects extra --size 64 --pixel-size 0.02 --dose 9"
        " --seed 4",
        "labels import p a --image i.tif",
        "labels export p --out d",
        "labels verify p",
        "models list",
        "models show m",
        "models verify m",
        "models import m.safetensors",
        "benchmark",
        "benchmark --json f --quick",
    ],
)
def test_the_contracts_options_are_understood(line: str) -> None:
    assert callable(build_parser().parse_args(line.split()).run)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "detekt",
        "detect --out d",
        "detect a.tif",
        "detect a.tif --out d --stride 0",
        "detect a.tif --out d --stride 1.5",
        "detect a.tif --out d --pixel-size -1",
        "detect a.tif --out d --pixel-size nan",
        "detect a.tif --out d --workers 2 --cluster x",
        "detect a.tif --out d --device gpu",
        "train a --out m.safetensors --epochs Bulk",
        "train a --out m.safetensors --epochs Bulk=x",
        "simulate --out d --seed -1",
        "models",
    ],
)
def test_a_misspelt_line_is_one_line_and_2(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2
    assert one_line(capsys.readouterr().err).startswith("stem-defects")


def test_epochs_and_names_are_read() -> None:
    assert options.epochs("Bulk=3, SF1=9") == {"Bulk": 3, "SF1": 9}
    assert options.names("A, B,A") == ("A", "B")
    assert options.names_or_none("none") == ()


def test_detect_writes_the_result_files(
    image: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, tmp_path / "out", model) == 0
    assert {path.name for path in (tmp_path / "out" / "lamella").iterdir()} == set(RESULT_FILES)
    assert one_line(capsys.readouterr().out).startswith("lamella.tif: ")


def test_detect_goes_on_after_a_bad_file_and_ends_with_2(
    image: Path, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.tif").write_bytes(b"II*\0 and no more")
    assert detect(tmp_path, tmp_path / "out", model) == 2
    said = capsys.readouterr()
    assert one_line(said.err).startswith("stem-defects: broken.tif: ")
    assert one_line(said.out).startswith("lamella.tif: ")


@pytest.mark.parametrize("missing", ["image", "model"])
def test_a_missing_file_is_one_line_and_2(
    image: Path, tmp_path: Path, model: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"image": image, "model": model} | {missing: tmp_path / "nowhere.safetensors"}
    assert detect(places["image"], tmp_path / "out", places["model"]) == 2
    assert "nowhere" in one_line(capsys.readouterr().err)


def test_out_that_is_a_file_is_one_line_and_2(
    image: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, image, model) == 2
    one_line(capsys.readouterr().err)


def test_our_fault_is_1_and_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **keywords: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("napari_stem_defects.workers.isolated_read.read_micrograph", fail)
    line = ["preprocess", "a.tif", "--out", str(tmp_path)]
    assert main(line) == 1
    said = one_line(capsys.readouterr().err)
    assert said == "stem-defects: internal error: RuntimeError: two lines (rerun with --traceback)"
    with pytest.raises(RuntimeError):
        main(["--traceback", *line])


def test_a_key_press_is_130(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_stem_defects.workers.isolated_read.read_micrograph", interrupted)
    assert main(["preprocess", "a.tif", "--out", str(tmp_path)]) == 130
    assert "finished is kept" in one_line(capsys.readouterr().err)


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


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_preprocess_writes_five_stages_and_a_sheet(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "stages"
    assert main(["preprocess", str(image), "--out", str(out)]) == 0
    names = {f"{stage}.{ending}" for stage in STAGES for ending in ("tif", "png")}
    assert {path.name for path in out.iterdir()} == names | {"stages.png"}
    original = tifffile.imread(out / "a_original.tif")
    np.testing.assert_array_equal(original, tifffile.imread(image))


def test_simulate_is_read_back_calibrated_and_true(tmp_path: Path) -> None:
    line = ["simulate", "--size", "128", "--seed", "3", "--pixel-size", "0.03"]
    assert main([*line, "--out", str(tmp_path)]) == 0
    micrograph = read(tmp_path / "cdte-110_seed3.tif")
    assert micrograph.pixel_size_nm == pytest.approx(0.03)
    truth = tmp_path / "cdte-110_seed3.truth"
    points = (truth / "points.csv").read_text().splitlines()
    assert points[0] == "class,y_px,x_px,y_nm,x_nm"
    masks = tifffile.imread(truth / "masks.ome.tif")
    assert masks.shape[-2:] == (128, 128)
    assert set(np.unique(masks)) == {0, 1}


def test_a_perfect_crystal_has_no_masks(tmp_path: Path) -> None:
    line = ["simulate", "--size", "64", "--defects", "none", "--out", str(tmp_path)]
    assert main(line) == 0
    assert not list(tmp_path.rglob("masks*"))


def test_an_unknown_defect_is_one_line_and_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--defects", "hole", "--out", str(tmp_path)]) == 2
    assert "'hole'" in one_line(capsys.readouterr().err)


def test_models_are_imported_listed_shown_and_verified(
    model: Path, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "import", str(model)]) == 0
    assert main(["models", "list"]) == 0
    listed = " ".join(capsys.readouterr().out.split())
    assert "small user 0.027 nm/px Bulk, SF1" in listed
    assert main(["models", "show", "small"]) == 0
    assert '"representation": "fft"' in capsys.readouterr().out
    assert main(["models", "verify", "small", str(model)]) == 0
    assert capsys.readouterr().out.count("sound") == 2


def test_a_damaged_model_is_one_line_and_2(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.safetensors"
    content = bytearray(model.read_bytes())
    content[-1] ^= 255
    damaged.write_bytes(content)
    assert main(["models", "verify", str(damaged)]) == 2
    assert "damaged.safetensors" in one_line(capsys.readouterr().err)


def test_labels_go_in_and_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    patches = tmp_path / "patches"
    patches.mkdir()
    rng = np.random.default_rng(0)
    for name in ("Bulk_1", "SF1_1"):
        tifffile.imwrite(patches / f"{name}.tif", rng.integers(0, 255, (64, 64), np.uint8))
    project = str(tmp_path / "crystal.labels")
    assert main(["labels", "import", project, str(patches)]) == 0
    assert main(["labels", "verify", project]) == 0
    assert main(["labels", "export", project, "--out", str(tmp_path / "again")]) == 0
    assert len(list((tmp_path / "again").rglob("*.tif"))) == 2
    shutil.rmtree(project)
    capsys.readouterr()
    assert main(["labels", "verify", project]) == 2
    one_line(capsys.readouterr().err)


def test_demo_without_a_screen_writes_files_and_says_where(
    image: Path,
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(library_module, "find_model", lambda name: model)
    out = tmp_path / "demo"
    assert main(["demo", "--headless", "--out", str(out)]) == 0
    picture = out / "results" / "cdte-110_seed0" / "overview.png"
    assert str(picture) in capsys.readouterr().out
    assert picture.is_file()
    assert main(["demo", str(image), "--headless", "--out", str(out)]) == 0
    assert (out / "results" / "lamella" / "regions.csv").is_file()


def test_the_module_is_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "napari_stem_defects", "--version"], capture_output=True, text=True
    )
    assert result.stdout.strip() == f"stem-defects {napari_stem_defects.__version__}"


def test_benchmark_prints_and_writes_every_figure(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(library_module, "find_model", lambda name: model)
    assert main(["benchmark", "--quick", "--json", str(tmp_path / "figures.json")]) == 0
    text = capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["g_seconds"] == pytest.approx(
        2 * 2048**3 / 1e9 / figures["matrix_gflops"]["float32"]
    )
    assert [image["windows"] for image in figures["images"]] == [64, 128]
    assert all(image["seconds"] > 0 for image in figures["images"])
    assert sum(figures["stage_shares"].values()) == pytest.approx(1)
    for key in ("compared", "compared_window_by_window"):
        assert set(figures[key]["windows_per_s"]) == {"exact", "fast", "reference"}
        assert figures[key]["largest_difference"]["exact"] < 1e-4
    assert set(figures["training"]["seconds"]) == {"Bulk", "SF1"}
    for words in ("128x128", "2x128x128", "first map", "preview", "import", "training all 2"):
        assert words in text


def test_the_readme_names_the_options_there_are() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `stem-defects (\w+)(.*?)` \|", text, re.MULTILINE)
    assert len(rows) == len(COMMANDS)
    (actions,) = (a for a in build_parser()._actions if isinstance(a.choices, dict))
    for name, usage in rows:
        there = actions.choices[name].format_help()
        assert [option for option in re.findall(r"--[a-z-]+", usage) if option not in there] == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train nowhere --out {out}/m.safetensors", "nowhere"),
        ("train {out} --out {out}/m.model", ".safetensors"),
        ("evaluate nothing {out} --out {out}/report", "nothing: no such model"),
    ],
)
def test_what_cannot_be_learned_from_is_one_line_and_2(
    line: str, said: str, tmp_path: Path, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(line.format(out=tmp_path).split()) == 2
    assert said in one_line(capsys.readouterr().err)


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
    assert "  Of 3 channels the first was read." in printed
    assert main(["preprocess", str(channels), "--out", str(tmp_path / "stages")]) == 0
    assert "Of 3 channels" in capsys.readouterr().out


def test_detect_says_no_more_where_the_user_gave_the_scale(
    image: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, tmp_path / "out", model) == 0
    one_line(capsys.readouterr().out)


def test_a_frame_named_twice_is_searched_once(image: Path, model: Path, tmp_path: Path) -> None:
    assert detect(image, tmp_path / "out", model, "--frames", "0,0") == 0
    summary = json.loads((tmp_path / "out" / "lamella" / "summary.json").read_text())
    assert [frame["frame"] for frame in summary["frames"]] == [0]


@pytest.mark.parametrize("option", ["--thresholds SF1=0.5,SF1=0.9", "--epochs SF1=2,SF1=3"])
def test_a_class_given_twice_is_one_line_and_2(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = "detect" if "thresholds" in option else "train"
    with pytest.raises(SystemExit) as caught:
        main([verb, "a.tif", "--out", "o.safetensors", *option.split()])
    assert caught.value.code == 2
    assert "SF1 is given 2 times" in capsys.readouterr().err


def test_steps_wider_than_a_window_are_refused(
    image: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detect(image, tmp_path / "out", model, "--stride", "65") == 2
    assert "give 64 or less" in one_line(capsys.readouterr().err)


def test_images_named_one_by_one_are_all_taken(tmp_path: Path) -> None:
    words = ["labels", "import", "p", "d", "--image", "a.tif", "--image", "b.tif", "c.tif"]
    assert [path.name for path in build_parser().parse_args(words).image] == [
        *("a.tif", "b.tif", "c.tif")
    ]


def test_a_perfect_crystal_leaves_no_masks_of_an_earlier_one(tmp_path: Path) -> None:
    words = ["simulate", "--out", str(tmp_path), "--size", "96"]
    assert main(words) == 0
    masks = tmp_path / "cdte-110_seed0.truth" / "masks.ome.tif"
    assert masks.exists()
    assert main([*words, "--defects", "none"]) == 0
    assert not masks.exists()


def test_an_image_of_one_row_is_preprocessed(tmp_path: Path) -> None:
    path = tmp_path / "row.tif"
    tifffile.imwrite(path, np.arange(96, dtype=np.float32)[None], photometric="minisblack")
    assert main(["preprocess", str(path), "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("verb", ["preprocess", "simulate"])
def test_an_output_inside_a_file_names_that_file(
    verb: str, image: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    words = {"preprocess": [str(image)], "simulate": ["--size", "96"]}[verb]
    assert main([verb, *words, "--out", str(taken / "deeper")]) == 2
    assert "taken: is a file, not a folder" in one_line(capsys.readouterr().err)
    assert taken.read_text() == "mine"
